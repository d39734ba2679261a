"""The kinds of inputs, one class each: how a value is parsed, encoded, described and warned about.

Their JSON, with the kind as its tag, is stored with each version and signed: only keys with a default may be added.
"""

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal, get_args

import msgspec

from predictor.formats import Written, format_plain
from predictor.languages import gettext as _
from predictor.numbers import find_written, is_whole, read_amount, read_number
from predictor.problems import Code
from predictor.schema.described import Described
from predictor.schema.temporal import Date, Datetime, Time, write_outside
from predictor.schema.text import Text
from predictor.schema.values import Value, read_boolean, write_given, write_value
from predictor.schema.warning import InputWarning
from predictor.schema.words import Words
from predictor.texts import is_storable, normalise_text

# What forms offer where other values than the choices are taken.
OTHER = "other"
# Far beyond what models see, and not beyond what float32 has.
LARGE = 1e30

Kind = Literal["number", "integer", "category", "boolean", "date", "datetime", "time", "text"]
Task = Literal["regression", "classification"]


class Numeric(Described, frozen=True, kw_only=True):
    """What numbers and whole numbers share."""

    seen: tuple[float, ...] = ()
    typical: float | None = None

    def find_warning(self, value: Value) -> InputWarning | None:
        if value is None or not self.seen or self.seen[0] <= value <= self.seen[-1]:  # type: ignore[operator]  # Parsed.
            return None
        return InputWarning(code="outside_seen", field=self.name, value=value, seen=(self.seen[0], self.seen[-1]))

    def write_warning(self, warning: InputWarning) -> str:
        low, high = map(convert_number, warning.seen)
        return write_outside(self.label, self.write(warning.value), self._quantity.write_range(low, high))

    @property
    def seen_range(self) -> Written | None:
        return self._quantity.write_range(self.seen[0], self.seen[-1]) if self.seen else None

    def list_extremes(self) -> list[float]:
        limits = [end for end in (self.minimum, self.maximum) if end is not None]
        neighbours = [math.nextafter(end, towards) for end in self.seen for towards in (-math.inf, math.inf)]
        return [0.0, -LARGE, LARGE, *limits, *self.seen, *neighbours, *(10 * end for end in self.seen)]

    def _find_limit(self, code: Code) -> float | str | None:
        return {"below_minimum": self.minimum, "above_maximum": self.maximum}.get(code)

    def _check_limits(self, number: float, raw: object) -> None:
        if self.minimum is not None and number < self.minimum:
            raise self._refuse("below_minimum", raw)
        if self.maximum is not None and number > self.maximum:
            raise self._refuse("above_maximum", raw)


class Number(Numeric, frozen=True, kw_only=True, tag="number"):
    kind: ClassVar[Literal["number"]] = "number"
    fitting: ClassVar[str] = "a number"

    @property
    def expected(self) -> str:
        if self.typical is None:
            return _("a number")
        return _("a number such as {example}").format(example=format_plain(float(self.typical)))

    def describe_json(self) -> dict[str, str]:
        return {"type": "number"}

    def _read(self, given: str | float) -> float:
        number = read_amount(given, self.unit, self._expect)
        self._check_limits(number, given)
        # Adding 0.0 turns −0.0 into 0.0, so that equal inputs are one input.
        return number + 0.0

    def _convert(self, value: str | float) -> float:
        return convert_number(value)


class Integer(Numeric, frozen=True, kw_only=True, tag="integer"):
    kind: ClassVar[Literal["integer"]] = "integer"
    fitting: ClassVar[str] = "a whole number below 2⁵³"

    typical: int | None = None

    @property
    def expected(self) -> str:
        if self.typical is None:
            return _("a whole number")
        return _("a whole number such as {example}").format(example=format_plain(float(self.typical)))

    def describe_json(self) -> dict[str, str]:
        return {"type": "integer", "format": "int64"}

    def _read(self, given: str | float) -> int:
        number = read_amount(given, self.unit, self._expect)
        if not is_whole(number):
            raise self._refuse("not_whole", given)
        self._check_limits(number, given)
        return int(number)

    def _convert(self, value: str | float) -> int:
        number = convert_number(value)
        if not is_whole(number):
            raise self._refuse("not_whole", value)
        return int(number)


class Category(Described, frozen=True, kw_only=True, tag="category"):
    """One of `choices`, which is encoded as its position there; `labels` are the words for some or all of them, and
    `merge` has the choice for each other spelling.

    Where `unseen` is other, any other text is taken too, and encoded as the position after the last choice.
    """

    kind: ClassVar[Literal["category"]] = "category"
    fitting: ClassVar[str] = "a text, a whole number, true or false"

    seen: tuple[str, ...] = ()
    typical: str | None = None
    merge: dict[str, str] = {}
    unseen: Literal["", "other"] = ""
    labels: dict[str, str] = {}

    @cached_property
    def words(self) -> Words:
        return Words(self.choices, self.labels)

    @property
    def expected(self) -> str:
        return self.words.expected

    def write(self, value: Value) -> Written:
        return super().write(self.labels.get(value, value) if isinstance(value, str) else value)

    def encode(self, value: Value) -> float:
        return math.nan if value is None else self._codes.get(value, float(len(self.choices)))

    def find_option(self, value: str) -> str:
        """The option of a form that stands for a value: a choice, or other."""
        return OTHER if self.unseen and value and value not in self._codes else value

    def find_warning(self, value: Value) -> InputWarning | None:
        if value is None or not self.seen or value in self.seen:
            return None
        return InputWarning(code="not_seen", field=self.name, value=value)

    def write_warning(self, warning: InputWarning) -> str:
        choice = self.words.name(str(warning.value))
        return _("{label}: {choice} was never seen in training").format(label=self.label, choice=choice)

    def list_extremes(self) -> list[float]:
        return [float(code) for code in range(len(self.choices) + bool(self.unseen))]

    def _read(self, given: str | float) -> str:
        return self._find_choice(write_given(given), given)

    def _convert(self, value: str | float) -> str:
        return self._find_choice(write_value(value), value)

    def _find_choice(self, text: str, given: str | float) -> str:
        text = normalise_text(text)
        choice = find_written(self.merge.get(text, text), self.choices)
        choice = self.words.find_code(text) if choice is None else choice
        if choice is None and self.unseen and text.strip() and is_storable(text):
            return text.strip()
        if choice is None:
            raise self._refuse("not_a_choice", given)
        return choice

    @cached_property
    def _codes(self) -> dict[Value, float]:
        return {choice: float(code) for code, choice in enumerate(self.choices)}


class Boolean(Described, frozen=True, kw_only=True, tag="boolean"):
    kind: ClassVar[Literal["boolean"]] = "boolean"
    fitting: ClassVar[str] = "true, false, 1 or 0"

    seen: tuple[float, ...] = ()
    typical: bool | None = None

    @property
    def expected(self) -> str:
        return _("yes or no")

    def describe_json(self) -> dict[str, str]:
        return {"type": "boolean"}

    def list_extremes(self) -> list[float]:
        return [0.0, 1.0]

    def _read(self, given: str | float) -> bool:
        value = read_boolean(given)
        if value is None:
            raise self._refuse("not_a_boolean", given)
        return value


Feature = Number | Integer | Category | Boolean | Date | Datetime | Time | Text
# Keys that are stored only where they have a value, since what former builds stored has none of them.
ADDED = ("format", "zone", "words", "unspaced", "sensitive")
KINDS: dict[Kind, type[Any]] = {made.kind: made for made in get_args(Feature)}


# How values are read; the schema stores it apart from what builds that do not know it read.
READING = ("missing", "merge", "unseen")


def make_feature(*, kind: Kind, **described: Any) -> Feature:
    """Make a feature whose kind is known by its name only."""
    made: Feature = KINDS[kind](**described)
    return made


def write_feature(feature: Feature) -> dict[str, Any]:
    """Turn a feature into JSON, its keys in the order in which they were always stored."""
    written = msgspec.to_builtins(feature)
    for key in READING:
        written.pop(key, None)
    written.pop("labels", None)  # The schema stores them, where builds that know no labels do not look.
    added = {key: value for key in ADDED if (value := written.pop(key, ""))}
    return {"name": written.pop("name"), "kind": written.pop("kind"), **written, **added}


def write_reading(feature: Feature) -> dict[str, Any]:
    """Turn into JSON how a feature reads its values, as far as the recipe says that."""
    return {key: msgspec.to_builtins(how) for key in READING if (how := getattr(feature, key, None))}


def read_feature(stored: Mapping[str, Any]) -> Feature:
    """Read what `write_feature` gave, also where a database turned 1e22 into an integer and tuples into lists."""
    read: Feature = msgspec.convert(stored, Feature)
    return read


def convert_number(value: Value) -> float:
    """Convert a stored value to a number. Raises InvalidValue."""
    number = int(value) if isinstance(value, bool) else value
    return read_number(number, lambda: _("a number")) + 0.0  # type: ignore[arg-type]
