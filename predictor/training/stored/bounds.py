"""Bounds of an estimator's parameters: the plain values that each may have."""

from dataclasses import dataclass
from typing import Any

from predictor.formats import format_number
from predictor.texts import list_names


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds."""

    low: int
    high: int

    def accepts(self, value: Any) -> bool:
        return type(value) is int and self.low <= value <= self.high

    @property
    def expected(self) -> str:
        return f"a whole number from {format_number(self.low)} to {format_number(self.high)}"


@dataclass(frozen=True)
class Number:
    """A number between two bounds, whole or not."""

    low: float
    high: float

    def accepts(self, value: Any) -> bool:
        return type(value) in (int, float) and self.low <= value <= self.high

    @property
    def expected(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Numbers:
    """An array of numbers, each between two bounds."""

    each: Number
    most: int

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list) and 1 <= len(value) <= self.most and all(map(self.each.accepts, value))

    @property
    def expected(self) -> str:
        return f"an array of 1 to {self.most} values, each {self.each.expected}"


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def accepts(self, value: Any) -> bool:
        return type(value) is bool

    @property
    def expected(self) -> str:
        return "true or false"


@dataclass(frozen=True)
class Word:
    """One of a few words."""

    words: tuple[str, ...]

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.words

    @property
    def expected(self) -> str:
        return list_names(self.words)


Bound = Whole | Number | Numbers | Flag | Word
