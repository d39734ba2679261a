"""One input of a model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from predictor.formats import Quantity, Written, format_plain
from predictor.numbers import find_written, is_whole, read_number
from predictor.schema.kinds import Kind
from predictor.schema.values import SHOWN_CHOICES, Value, find_longest, read_truth, take_scalar, write_given
from predictor.texts import normalise_text, quote


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One input of a model.

    `minimum` and `maximum` are hard limits and refuse; `seen` is what the training rows held and only
    warns: the lowest and the highest number, or the categories. Empty when no training row had a value.
    """

    name: str
    kind: Kind
    label: str
    unit: str = ""
    help: str = ""
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    seen: tuple[float, ...] | tuple[str, ...] = ()
    typical: Value = None

    def parse(self, raw: object) -> Value:
        """Turn what was typed or sent into this feature's value; None when it is missing.

        Raises ValueError, its message saying what was given and what would be right.
        """
        given = take_scalar(raw, self._longest, self.expected)
        if given is None or (
            isinstance(given, str) and not given.strip() and normalise_text(given) not in self.choices
        ):
            if self.required:
                raise ValueError(f"A value is needed: give {self.expected}.")
            return None
        if self.kind == "category":
            return self._parse_category(given)
        if self.kind == "boolean":
            return self._parse_boolean(given)
        return self._parse_number(given)

    @cached_property
    def _longest(self) -> int:
        return find_longest(self.choices)

    @cached_property
    def expected(self) -> str:
        """What a right value looks like, in words that fit after “give”."""
        if self.kind == "category":
            more = ", …" if len(self.choices) > SHOWN_CHOICES else ""
            return "one of " + ", ".join(quote(choice) for choice in self.choices[:SHOWN_CHOICES]) + more
        if self.kind == "boolean":
            return "yes or no"
        article = "a whole number" if self.kind == "integer" else "a number"
        return f"{article} such as {format_plain(float(self.typical))}" if self.typical is not None else article

    def _parse_category(self, raw: str | float) -> str:
        choice = find_written(normalise_text(write_given(raw)), self.choices)
        if choice is None:
            raise ValueError(f"{quote(raw)} is not a choice: give {self.expected}.")
        return choice

    def _parse_boolean(self, raw: str | float) -> bool:
        truth = read_truth(raw)
        if truth is None:
            raise ValueError(f"{quote(raw)} is neither yes nor no: give {self.expected}.")
        return truth

    def _parse_number(self, raw: str | float) -> float | int:
        number = read_number(raw, self.expected)
        if self.kind == "integer" and not is_whole(number):
            raise ValueError(f"{quote(raw)} is not a whole number below 2⁵³: give {self.expected}.")
        if self.minimum is not None and number < self.minimum:
            raise ValueError(f"{quote(raw)} is too small: the least allowed is {format_plain(self.minimum)}.")
        if self.maximum is not None and number > self.maximum:
            raise ValueError(f"{quote(raw)} is too large: the most allowed is {format_plain(self.maximum)}.")
        # Adding 0.0 turns −0.0 into 0.0, so that equal inputs are one input.
        return int(number) if self.kind == "integer" else number + 0.0

    def encode(self, value: Value) -> float:
        """Give the float64 that scikit-learn sees: numbers as they are, categories as codes, missing as NaN."""
        if value is None:
            return math.nan
        return float(self.choices.index(value)) if isinstance(value, str) else float(value)

    def find_warning(self, value: Value) -> str | None:
        """Say what is unusual about a valid value, or None."""
        if value is None or not self.seen or self.kind == "boolean":
            return None
        if isinstance(value, str):
            return None if value in self.seen else f"{self.label}: {quote(value)} was never seen in training"
        if self.seen_range is None or float(self.seen[0]) <= value <= float(self.seen[-1]):
            return None
        return f"{self.label}: {self.write(value).text} is outside what the model has seen: {self.seen_range.text}"

    @cached_property
    def seen_range(self) -> Written | None:
        """The range seen in training: “0.1 to 9.9 mm”; None for what has none."""
        if not self.seen or self.kind in ("category", "boolean"):
            return None
        return self._quantity.write_range(float(self.seen[0]), float(self.seen[-1]))

    def write(self, value: Value) -> Written:
        """Write one of its values for people, a number with its unit."""
        return self._quantity.write(value)

    @cached_property
    def _quantity(self) -> Quantity:
        return Quantity(unit=self.unit)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `asdict` wrote, also after a database turned 1e22 into an integer and tuples into lists."""
        read = dict(stored)
        read["choices"] = tuple(read["choices"])
        read["seen"] = tuple(s if isinstance(s, str) else float(s) for s in read["seen"])
        for key in ("minimum", "maximum"):
            read[key] = None if read[key] is None else float(read[key])
        if read["kind"] == "number" and read["typical"] is not None:
            read["typical"] = float(read["typical"])
        return cls(**read)
