"""The parameters that choose among a model's predictions, with the names that they have in the admin's addresses."""

from collections.abc import Mapping
from dataclasses import replace

from predictor.api.operations import Parameter
from predictor.api.references import is_reference
from predictor.exceptions import InvalidFilters
from predictor.history.filters import Filters, read_filters
from predictor.history.limits import check_inputs
from predictor.history.references import find_by_reference
from predictor.models import Prediction
from predictor.models.prediction import NIL_UUID
from predictor.problems import ParameterProblem, Problem

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
    check_inputs(filters)
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
