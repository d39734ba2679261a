"""The target of a model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

import msgspec

from predictor.exceptions import InvalidValue
from predictor.formats import Quantity, Written, find_interval_decimals, format_label
from predictor.languages import gettext as _
from predictor.numbers import WHOLE, find_written, is_whole, read_amount, read_number
from predictor.problems import Problem
from predictor.schema.kinds import Task
from predictor.schema.output import Output
from predictor.schema.values import Label, find_longest, means_missing, read_boolean, take_scalar, write_value
from predictor.schema.words import Words
from predictor.texts import normalise_text

STORED_ELSEWHERE = frozenset({"labels", "output", "merge", "missing"})


@dataclass(frozen=True, kw_only=True)
class Target:
    """The predicted value: a number with its unit, or one of `classes`, in the order of their codes.

    `labels` are the words for some or all of the classes, by the class as `write_value` writes it. `output` says how
    predictions are shown, which may be in another unit, and limited. `merge` has the class for each other spelling, and
    `missing` the texts, numbers among them, that mean missing.
    """

    name: str
    label: str
    task: Task
    unit: str = ""
    classes: tuple[Label, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    output: Output = field(default_factory=Output)
    merge: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    def parse(self, raw: object, *, new_classes: bool = False, shown: bool = False) -> float | Label:
        """Parse an outcome into a number or the label of a class; `write_value` is the inverse.

        With `new_classes`, a class that the model does not have is accepted, in the type of those that it has. A number
        is in the target's own unit or, with `shown`, in the one that people see. Raises InvalidValue.
        """

        def expect() -> str:
            return self.expected_of_people if shown else self.expected

        given = take_scalar(raw, self._longest, expect)
        is_own = not shown or self.output.scale == 1
        if (
            given is None
            or (isinstance(given, str) and not given.strip() and normalise_text(given) not in self.classes)
            or (is_own and self.missing and means_missing(given, self.missing))
        ):
            raise InvalidValue(Problem(code="missing", given=given, expected=expect()))
        if self.task == "regression":
            number = read_amount(given, self.shown_unit if shown else self.unit, expect)
            number = self.from_shown(number) if shown else number
            if not math.isfinite(number):
                raise InvalidValue(Problem(code="number_too_large", given=given, expected=expect()))
            # Adding 0.0 turns −0.0 into 0.0, as for a feature.
            return number + 0.0
        label = self._read_label(given)
        known = [each for each in self.classes if each == label]
        if label is None or not (known or new_classes):
            raise InvalidValue(Problem(code="not_a_class", given=raw, expected=expect()))
        return known[0] if known else label

    def is_same(self, other: "Target") -> bool:
        """Whether another version's answers can be compared with those for this target."""
        return (self.name, self.task, self.unit) == (other.name, other.task, other.unit)

    @cached_property
    def has_words(self) -> bool:
        """Whether the recipe says how its values are shown: by words, or by an `[output]`."""
        return bool(self.labels) or self.output != Output()

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The least and the largest number that is predicted."""
        low, high = self.output.minimum, self.output.maximum
        return -math.inf if low is None else low, math.inf if high is None else high

    @property
    def shown_unit(self) -> str:
        """The unit of the numbers that people see."""
        return self.unit if self.output.unit is None else self.output.unit

    def to_shown(self, number: float) -> float:
        """Turn a number in the target's own unit into the one that people see."""
        return number if self.output.scale == 1 else float(_exactly(number) * _exactly(self.output.scale))

    def from_shown(self, number: float) -> float:
        """The inverse of `to_shown`, also in its last digit where the scale is a power of ten."""
        return number if self.output.scale == 1 else float(_exactly(number) / _exactly(self.output.scale))

    @cached_property
    def _longest(self) -> int:
        return find_longest(self.classes)

    def write(self, stored: Any, *, decimals: int | None = None) -> Written:
        """Format an outcome or a prediction, as stored in JSON, for people: a number with its unit, or a class."""
        if self.task != "regression":
            return Written(text=self.name_class(stored))
        written = Quantity(unit=self.shown_unit, decimals=decimals).write(self.to_shown(float(stored)))
        return msgspec.structs.replace(written, band=self.output.find_band(stored)) if self.output.bands else written

    def find_decimals(self, output: Any, interval: Any) -> int | None:
        """The decimals of an output: the recipe's, or those of its interval; None without both."""
        if self.output.decimals is not None or not interval:
            return self.output.decimals
        low, high, inside = map(self.to_shown, (*interval, output))
        return find_interval_decimals(low, high, inside=inside)

    def write_range(self, low: float, high: float, *, decimals: int | None = None) -> Written:
        """Format an interval for people."""
        quantity = Quantity(unit=self.shown_unit, decimals=decimals)
        return quantity.write_range(self.to_shown(low), self.to_shown(high))

    def find_label(self, stored: Any) -> str | None:
        """The words for an outcome or a prediction: those of its class or its band. None where it has none."""
        return (self.output.find_band(stored) or None) if self.task == "regression" else self.name_class(stored)

    def name_class(self, label: Label) -> str:
        """The words for a class; without any, the class itself."""
        return self.labels.get(write_value(label)) or format_label(label)

    @property
    def listed(self) -> list[str]:
        """Each class for people, with its code in brackets where that is another text."""
        codes = ((self.name_class(label), write_value(label)) for label in self.classes)
        return [f"{words} ({code})" if code in self.labels else words for words, code in codes]

    @cached_property
    def words(self) -> Words:
        return Words([write_value(label) for label in self.classes], self.labels)

    def restore(self, stored: Any) -> float | Label:
        """Restore a parsed value from JSON, where a database may have turned 1e22 into an integer."""
        return float(stored) if self.task == "regression" else stored

    @property
    def expected(self) -> str:
        """A valid value, described so that it fits after “give”; its unit is named where people see another one."""
        if self.task != "regression":
            return self.words.expected
        if self.output.scale == 1:
            return _("a number")
        return _("a number in {unit}").format(unit=self.unit) if self.unit else _("a number in the unit of the data")

    @property
    def expected_of_people(self) -> str:
        """The same in the unit that people see."""
        return self.expected if self.output.scale == 1 else _("a number in {unit}").format(unit=self.shown_unit)

    def _read_label(self, raw: str | float) -> Label | None:
        """The given label in the type of this target's classes; None where it cannot be."""
        text = write_value(raw + 0.0 if isinstance(raw, float) else raw)
        text = self.merge.get(normalise_text(text), text)
        code = None if text in self.words.codes else self.words.find_code(text)
        text = text if code is None else code
        if isinstance(self.classes[0], bool):
            return read_boolean(text)
        if isinstance(self.classes[0], int):
            return _read_integer(text, self.classes)
        return self._read_text(normalise_text(text))

    def _read_text(self, text: str) -> str | None:
        """Match a class, which may begin or end with a space; a new one is stripped, and an integer where all are."""
        known = [str(label) for label in self.classes]
        for spelling in (text, text.strip()):
            found = find_written(spelling, known)
            if found is not None:
                return found
        is_whole_number = WHOLE.fullmatch(text.strip()) and all(map(str.isdigit, known))
        new = text.strip().removesuffix(".0") if is_whole_number else text.strip()
        return new if "\x00" not in new else None

    def to_json(self) -> dict[str, Any]:
        """Its JSON without what the schema stores elsewhere, where builds that know none of it do not look."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name not in STORED_ELSEWHERE}

    def write_reading(self) -> dict[str, Any]:
        """Turn into JSON how it reads its values, as far as the recipe says that."""
        reading = {"merge": self.merge, "missing": self.missing}
        return {key: how for key, how in reading.items() if how}

    @classmethod
    def from_json(
        cls,
        stored: Mapping[str, Any],
        *,
        labels: Mapping[str, str] | None = None,
        output: Mapping[str, Any] | None = None,
        reading: Mapping[str, Any] | None = None,
    ) -> Self:
        described = {**stored, "classes": tuple(stored["classes"]), **(reading or {})}
        described["missing"] = tuple(described.get("missing", ()))
        return cls(**described, labels=dict(labels or {}), output=msgspec.convert(output or {}, Output))


def _exactly(number: float) -> Decimal:
    return Decimal(repr(number))


def _read_integer(raw: str, known: tuple[Label, ...]) -> int | None:
    """Read an integer, also one written "2.0"; one beyond 2⁵³ must be `known`."""
    for label in known:
        if raw.strip() == str(label):
            return int(label)
    try:
        number = read_number(raw, str)
    except InvalidValue:
        return None
    return int(number) if is_whole(number) else None
