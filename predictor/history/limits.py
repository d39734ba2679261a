"""The limits of inputs in filters: checked, and written as the values with which they are compared are stored."""

from collections.abc import Mapping
from dataclasses import replace

from predictor.exceptions import InvalidFilters, InvalidValue
from predictor.history.filters import Filters, InputFilter
from predictor.history.matching import find_number, fits
from predictor.languages import gettext as _
from predictor.models import Version
from predictor.problems import ParameterProblem
from predictor.schema import limits
from predictor.schema.kinds import Feature, Integer, Number, read_feature
from predictor.schema.temporal import Date, Datetime, Time
from predictor.texts import quote, shorten

TESTS = ("from", "to")


def check_inputs(filters: Filters) -> None:
    """Raise InvalidFilters for inputs that no version of the chosen model has, and for limits that none can have.

    Inputs of all models together are not checked, as each model has its own; nor are those of a model that may not be
    looked at.
    """
    if not filters.model or (filters.only is not None and filters.model not in filters.only):
        return
    features = find_features(filters)
    problems: dict[str, ParameterProblem] = {}
    starts: dict[str, tuple[InputFilter, str]] = {}
    for each in sorted(filters.inputs, key=lambda each: each.test):  # "from" before "to".
        name = shorten(f"{each.test}.{each.feature}")
        if each.feature not in features:
            sentence = _("No version of {model} has an input {name}.")
            sentence = sentence.format(model=quote(filters.model), name=quote(each.feature))
            problems[name] = ParameterProblem(code="unknown_field", sentence=sentence)
            continue
        try:
            limit = read_limit(each, features[each.feature])
        except InvalidValue as error:
            problems[name] = ParameterProblem(code=error.problem.code, sentence=str(error))
            continue
        if limit is not None and each.test == "from":
            starts[each.feature] = each, limit
        elif limit is not None and each.feature in starts and is_before(limit, starts[each.feature][1]):
            sentence = _("The range ends before it begins: give {start} or more.")
            sentence = sentence.format(start=quote(starts[each.feature][0].value))
            problems[name] = ParameterProblem(code="before_start", sentence=sentence)
    if problems:
        raise InvalidFilters(problems)


def read_limits(filters: Filters, features: Mapping[str, Feature]) -> Filters:
    """The same filters, with limits of dates and times as these are stored."""
    return replace(filters, inputs=tuple(write_limit(each, features.get(each.feature)) for each in filters.inputs))


def write_limit(asked: InputFilter, feature: Feature | None) -> InputFilter:
    if not isinstance(feature, Date | Datetime | Time):
        return asked
    try:
        return replace(asked, value=read_limit(asked, feature) or asked.value)
    except InvalidValue:
        return asked


def read_limit(asked: InputFilter, feature: Feature) -> str | None:
    """The limit as such values are stored; None where any text is one. Raises InvalidValue."""
    if asked.test not in TESTS:
        return None
    if isinstance(feature, Date | Datetime | Time):
        return limits.read_limit(feature, asked.value, is_end=asked.test == "to")
    if not isinstance(feature, Number | Integer):
        return None
    if find_number(asked.value) is None:
        raise InvalidValue(feature.make_problem("not_a_number", asked.value))
    return asked.value


def is_before(end: str, start: str) -> bool:
    """Whether no value is from `start` to `end`, both as they are stored."""
    value = find_number(start)
    return not fits(InputFilter(feature="", test="to", value=end), start if value is None else value, 0)


def find_features(filters: Filters) -> Mapping[str, Feature]:
    """The inputs that are asked for, each as the newest version of the model has it."""
    names = {each.feature for each in filters.inputs}
    features: dict[str, Feature] = {}
    if not names or not filters.model:
        return features
    schemas = Version.objects.filter(model=filters.model).order_by("-number").values_list("schema", flat=True)
    for schema in schemas.iterator():
        found = {each["name"]: read_feature(each) for each in schema["features"] if each["name"] in names}
        features = found | features
        if features.keys() == names:
            break
    return features
