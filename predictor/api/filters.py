"""The parameters that choose among a model's predictions, with the names that they have in the admin's addresses."""

from collections.abc import Mapping
from dataclasses import replace

from predictor.api.operations import Parameter
from predictor.api.references import is_reference
from predictor.exceptions import InvalidFilters
from predictor.history.filters import Filters, read_filters
from predictor.history.matching import find_number
from predictor.history.references import find_by_reference
from predictor.models import Prediction, Version
from predictor.models.prediction import NIL_UUID
from predictor.problems import ParameterProblem, Problem
from predictor.texts import quote, shorten

NUMBERS = ("number", "integer")
YES_OR_NO = {"type": "string", "enum": ["yes", "no"]}
# The filters of one model's predictions; those of an input are named by their test and its name, such as `from.area`.
FILTERS = (
    Parameter(name="version", description="The number of a version.", schema={"type": "integer", "minimum": 1}),
    Parameter(
        name="source",
        description="By which way they came.",
        schema={"type": "string", "enum": Prediction.Source.values},
    ),
    Parameter(name="warned", description="Whether an input is unlike the training data.", schema=YES_OR_NO),
    Parameter(name="outcome", description="Whether what really happened is recorded.", schema=YES_OR_NO),
    Parameter(name="right", description="Whether the predicted class is the one that happened.", schema=YES_OR_NO),
    Parameter(
        name="error_above",
        description="An error larger than this, in the unit that people see.",
        schema={"type": "number"},
    ),
    Parameter(name="inside", description="Whether what happened is inside the interval.", schema=YES_OR_NO),
    Parameter(
        name="output_from", description="The least output, in the unit that people see.", schema={"type": "number"}
    ),
    Parameter(
        name="output_to", description="The largest output, in the unit that people see.", schema={"type": "number"}
    ),
    Parameter(name="since", description="Made then or later: a date or a moment in UTC, such as 2026-03-01T12:30."),
    Parameter(name="until", description="Made before: a moment in UTC, or a date, which is included."),
    Parameter(name="q", description="An id, or a value that the output or any of the inputs is."),
    Parameter(name="reference", description="The client's own id of a case."),
)


def choose_filters(slug: str, given: Mapping[str, str]) -> Filters:
    """The filters that parameters ask for, in predictions of one model. Raises InvalidFilters."""
    filters = read_filters({**given, "model": slug})
    check_features(slug, filters)
    reference = given.get("reference")
    if reference is None:
        return filters
    if not is_reference(reference):
        sentence = str(Problem(code="not_a_reference", given=reference))
        raise InvalidFilters({"reference": ParameterProblem(code="not_a_reference", sentence=sentence)})
    if filters.q:
        sentence = "Give either a reference or q: both name predictions."
        raise InvalidFilters({"reference": ParameterProblem(code="conflict", sentence=sentence)})
    id = find_by_reference(slug, [reference]).get(reference)
    return replace(filters, q=str(id or NIL_UUID))


def check_features(slug: str, filters: Filters) -> None:
    """Raise InvalidFilters for inputs that no version of the model has, and for limits that no number can have."""
    kinds = find_kinds(slug, {each.feature for each in filters.inputs})
    numbers = {(each.test, each.feature): find_number(each.value) for each in filters.inputs}
    problems = {}
    for each in filters.inputs:
        if each.feature not in kinds:
            code, sentence = "unknown_field", f"No version of {slug!r} has an input {quote(each.feature)}."
        elif each.test not in ("from", "to") or kinds[each.feature] not in NUMBERS:
            continue
        elif numbers[each.test, each.feature] is None:
            code, sentence = "not_a_number", f"{quote(each.value)} is not a number: give a number."
        elif each.test == "to" and is_empty(numbers.get(("from", each.feature)), numbers["to", each.feature]):
            code, sentence = "before_start", "The range ends before it begins: give a larger number."
        else:
            continue
        problems[shorten(f"{each.test}.{each.feature}")] = ParameterProblem(code=code, sentence=sentence)
    if problems:
        raise InvalidFilters(problems)


def is_empty(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and high < low


def find_kinds(slug: str, names: set[str]) -> dict[str, str]:
    """The kinds of inputs, each in the newest version of a model that has it."""
    kinds: dict[str, str] = {}
    if not names:
        return kinds
    for schema in Version.objects.filter(model=slug).order_by("-number").values_list("schema", flat=True).iterator():
        kinds = {each["name"]: each["kind"] for each in schema["features"] if each["name"] in names} | kinds
        if kinds.keys() == names:
            break
    return kinds
