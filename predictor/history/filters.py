"""What predictions are searched for: read from the text of an address, and written back to it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from predictor.exceptions import InvalidFilters, InvalidValue
from predictor.languages import gettext as _
from predictor.models import Prediction
from predictor.moments import read_moment
from predictor.numbers import UNCLEAR, read_number
from predictor.problems import ParameterProblem
from predictor.schema.schema import SLUG
from predictor.schema.values import BOOLEANS
from predictor.texts import is_storable, quote

Test = Literal["is", "from", "to", "words"]
LARGEST_NUMBER = 2**31 - 1
LONGEST = 1_000
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class InputFilter:
    """What is asked of one feature: that it is a value, at least or at most one, or a text with all of these words.

    `choices` are codes for which versions, by their ids, have the value as words (`history.choices`).
    """

    feature: str
    test: Test
    value: str
    choices: Mapping[str, tuple[int, ...]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What predictions must be; None and empty ask nothing. They were made at or after `since`, and before `until`.

    `version` is a number of `model`'s. `right` is asked of classes, `error_above` and `inside` (the interval) of
    numbers, all three only of predictions with an outcome. Errors and outputs are in the unit that people see. `q` is
    the id of a prediction, or a value that its output or any of its inputs is. `only` has the models that may be
    looked at, which no address names; None for all.
    """

    model: str = ""
    version: int | None = None
    source: str = ""
    warned: bool | None = None
    outcome: bool | None = None
    right: bool | None = None
    error_above: float | None = None
    inside: bool | None = None
    output_from: float | None = None
    output_to: float | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""
    inputs: tuple[InputFilter, ...] = ()
    only: frozenset[str] | None = None

    @property
    def id(self) -> UUID | None:
        """The id that is searched for; None where that is a value, or nothing."""
        try:
            return UUID(self.q) if self.q else None
        except ValueError:
            return None

    @property
    def value(self) -> str:
        """The value that is searched for; empty where that is an id, or nothing."""
        return "" if self.id else self.q

    @property
    def is_exact(self) -> bool:
        """Whether indexes find all of it; otherwise rows are looked through, the newest first."""
        bounds_output = (self.output_from, self.output_to) != (None, None)
        return not (self.judges or bounds_output or self.inputs or self.value)

    @property
    def judges(self) -> bool:
        """Whether it compares outputs with outcomes."""
        return (self.right, self.error_above, self.inside) != (None, None, None)

    @property
    def needs_outcome(self) -> bool:
        return self.outcome is True or self.judges

    def to_query(self) -> dict[str, str]:
        """The parameters of an address from which `read_filters` makes the same filters, in a fixed order."""
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("inputs", "only")}
        written = {name: write_parameter(name, value) for name, value in given.items() if value not in (None, "")}
        return written | {f"{each.test}.{each.feature}": each.value for each in self.inputs}


class Wrong(Exception):
    """A parameter that is refused."""

    def __init__(self, code: str, sentence: str) -> None:
        self.problem = ParameterProblem(code=code, sentence=sentence)
        super().__init__(sentence)


def read_filters(given: Mapping[str, str]) -> Filters:
    """Read parameters such as `model=line`, `warned=yes` and `from.area=50`; empty and unknown ones ask nothing.

    A feature's name stands after the test and a point. Raises InvalidFilters, which names all wrong parameters.
    """
    values: dict[str, Any] = {}
    problems: dict[str, ParameterProblem] = {}
    for name, text in given.items():
        read = find_reader(name)
        if read is None or not text.strip():
            continue
        try:
            take_text(name)  # Feature names are as free as values.
            values[name] = read(take_text(text))
        except InvalidValue as error:
            problems[name] = ParameterProblem(code=error.problem.code, sentence=str(error))
        except Wrong as error:
            problems[name] = error.problem
    problems |= _find_conflicts(values)
    if problems:
        raise InvalidFilters(problems)
    inputs = tuple(
        InputFilter(feature=name.partition(".")[2], test=test, value=values.pop(name))
        for name, test in ((name, find_test(name)) for name in list(values))
        if test is not None
    )
    return Filters(**values, inputs=inputs)


def find_reader(parameter: str) -> Callable[[str], Any] | None:
    """How a parameter is read; None for one that is no filter."""
    return str if find_test(parameter) else READERS.get(parameter)


def find_test(parameter: str) -> Test | None:
    """The test that a parameter such as `from.area` asks for; None where it is of no feature."""
    test, point, feature = parameter.partition(".")
    return next((each for each in get_args(Test) if each == test and point and feature), None)


def take_text(text: str) -> str:
    """A parameter without blanks around it. Raises Wrong."""
    if len(text) > LONGEST:
        raise Wrong("too_long", _("It is too long: give at most {count} characters.").format(count=LONGEST))
    if not is_storable(text):
        sentence = _("{given} contains a character that cannot be stored: leave it out.")
        raise Wrong("not_storable", sentence.format(given=quote(text)))
    return text.strip()


def _find_conflicts(values: Mapping[str, Any]) -> dict[str, ParameterProblem]:
    problems = {}
    if "version" in values and "model" not in values:
        sentence = _("Versions are numbered for each model: choose a model, too.")
        problems["version"] = ParameterProblem(code="no_model", sentence=sentence)
    for low, high in (("output_from", "output_to"), ("since", "until")):
        if low in values and high in values and values[low] > values[high]:
            sentence = _("The range ends before it begins: give {start} or more.")
            start = quote(write_parameter(low, values[low]))
            problems[high] = ParameterProblem(code="before_start", sentence=sentence.format(start=start))
    return problems


def _read_slug(text: str) -> str:
    if not SLUG.fullmatch(text):
        sentence = _("{given} is not the name of a model, as in its address.")
        raise Wrong("not_a_model", sentence.format(given=quote(text)))
    return text


def _read_version(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= LARGEST_NUMBER:
        sentence = _("{given} is not the number of a version: give a whole number from 1 on.")
        raise Wrong("not_a_version", sentence.format(given=quote(text)))
    return int(text)


def _read_source(text: str) -> str:
    if text not in Prediction.Source.values:
        expected = ", ".join(Prediction.Source.values)
        sentence = _("{given} is not a source: give one of {expected}.")
        raise Wrong("not_a_source", sentence.format(given=quote(text), expected=expected))
    return text


def _read_flag(text: str) -> bool:
    try:
        return BOOLEANS[text.lower()]
    except KeyError:
        sentence = _("{given} is neither yes nor no: give {expected}.")
        expected = f"{quote('yes')}, {quote('no')}"
        raise Wrong("not_a_boolean", sentence.format(given=quote(text), expected=expected)) from None


def _read_number(text: str) -> float:
    return read_number(text, lambda: _("a number")) + 0.0


def _read_size(text: str) -> float:
    number = _read_number(text)
    if number < 0:
        sentence = _("{given} is below 0: give the size of an error.")
        raise Wrong("below_minimum", sentence.format(given=quote(text)))
    return number


def _read_moment(text: str) -> datetime:
    try:
        return read_moment(text)
    except ValueError:
        sentence = _("{given} is not a date: write it like 2026-03-01 or 2026-03-01T12:30 (UTC).")
        raise Wrong("not_a_date", sentence.format(given=quote(text))) from None


def _read_end(text: str) -> datetime:
    """The end of a day, or a moment."""
    moment = _read_moment(text)
    try:
        return moment + DAY if DATE.fullmatch(text) else moment
    except OverflowError:
        return moment


READERS: dict[str, Callable[[str], Any]] = {
    "model": _read_slug,
    "version": _read_version,
    "source": _read_source,
    "warned": _read_flag,
    "outcome": _read_flag,
    "right": _read_flag,
    "error_above": _read_size,
    "inside": _read_flag,
    "output_from": _read_number,
    "output_to": _read_number,
    "since": _read_moment,
    "until": _read_end,
    "q": str,
}


def write_parameter(name: str, value: Any) -> str:
    """Write a filter's value so that it is read as the same in every language."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return _write_moment(value - DAY if name == "until" and _is_midnight(value) else value)
    text = repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
    # "1.234" may be in thousands where decimals have a comma.
    return f"{text}0" if isinstance(value, float) and UNCLEAR[","].fullmatch(text) else text


def _is_midnight(moment: datetime) -> bool:
    return moment.astimezone(UTC).timetz() == time(tzinfo=UTC)


def _write_moment(moment: datetime) -> str:
    plain = moment.astimezone(UTC).replace(tzinfo=None)
    return plain.date().isoformat() if _is_midnight(moment) else plain.isoformat()
