"""Whether one stored prediction is what is searched for, in the ways that no index knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from predictor.exceptions import InvalidValue
from predictor.history.filters import Filters, InputFilter
from predictor.numbers import read_number
from predictor.schema.limits import count_instant
from predictor.schema.target import Target
from predictor.schema.values import Value, read_boolean

# No value is equal to it.
NOTHING = object()


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What of a stored prediction is looked at; `outcome` is NOTHING where none is recorded."""

    version_id: int
    output: Any
    inputs: Mapping[str, Value] = field(default_factory=dict)
    interval: Any = None
    outcome: Any = NOTHING


def matches(filters: Filters, targets: Mapping[int, Target], row: Candidate) -> bool:
    """Whether a prediction fits all filters that are not exact; `targets` are those of the versions, by their ids."""
    return (
        _is_judged_so(filters, targets[row.version_id], row)
        and _is_output_within(filters, targets[row.version_id], row.output)
        and all(fits(each, row.inputs.get(each.feature), row.version_id) for each in filters.inputs)
        and (not filters.value or any(is_value(filters.value, each) for each in (row.output, *row.inputs.values())))
    )


def _is_judged_so(filters: Filters, target: Target, row: Candidate) -> bool:
    """Whether the outcome judges the output as it is asked: there must be one."""
    asked = (filters.right, filters.error_above, filters.inside)
    if asked == (None, None, None):
        return True
    if row.outcome is NOTHING or row.output is None:
        return False
    if target.task != "regression":
        return filters.right is (row.outcome == row.output) and asked[1:] == (None, None)
    if filters.right is not None:
        return False
    value = float(row.outcome)
    if filters.error_above is not None:
        error = abs(value - float(row.output))
        if not error > abs(target.from_shown(filters.error_above)):
            return False
    if filters.inside is None:
        return True
    return row.interval is not None and filters.inside is (row.interval[0] <= value <= row.interval[1])


def _is_output_within(filters: Filters, target: Target, output: Any) -> bool:
    low, high = filters.output_from, filters.output_to
    if low is None and high is None:
        return True
    if not _is_number(output) or target.task != "regression":
        return False
    return (low is None or target.from_shown(low) <= output) and (high is None or output <= target.from_shown(high))


def fits(asked: InputFilter, value: Value, version_id: int) -> bool:
    """Whether an input of a version is as asked.

    A text is compared by its characters, with as many of them as a limit has; a date with a time and an offset, as a
    moment.
    """
    if value is None:
        return False
    if asked.test == "is":
        is_choice = isinstance(value, str) and version_id in asked.choices.get(value, ())
        return is_choice or is_value(asked.value, value)
    if asked.test == "words":
        return isinstance(value, str) and all(word in value.lower() for word in asked.value.lower().split())
    limit, found = find_number(asked.value), value if _is_number(value) else None
    if limit is None and isinstance(value, str):
        limit, found = count_instant(asked.value), count_instant(value)
        if limit is None:
            return asked.value <= value if asked.test == "from" else value[: len(asked.value)] <= asked.value
    if limit is None or found is None:
        return False
    return limit <= found if asked.test == "from" else found <= limit  # type: ignore[operator]  # Numbers.


def is_value(text: str, value: Value) -> bool:
    """Whether a text is a stored value: the same number, the same text, or the same of true and false."""
    return any(each == value and isinstance(each, bool) is isinstance(value, bool) for each in list_values(text))


def list_values(text: str) -> list[Value]:
    """The stored values that a text can be."""
    return [text, *(each for each in (read_boolean(text), find_number(text)) if each is not None)]


def find_number(text: str) -> float | None:
    """The number that a text is, in the current language; None for any other text."""
    try:
        return read_number(text, str) + 0.0
    except InvalidValue:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
