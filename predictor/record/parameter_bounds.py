"""Bounds of an estimator's parameters: the plain values that each may have, as a draft of a recipe stores them."""

from typing import Any

import msgspec

from predictor.formats import format_number
from predictor.languages import gettext as _
from predictor.texts import list_names


class Whole(msgspec.Struct, frozen=True, tag=True):
    """A whole number between two bounds."""

    low: int
    high: int

    def accepts(self, value: Any) -> bool:
        return type(value) is int and self.low <= value <= self.high

    @property
    def expected(self) -> str:
        sentence = _("a whole number from {low} to {high}")
        return sentence.format(low=format_number(self.low), high=format_number(self.high))


class Number(msgspec.Struct, frozen=True, tag=True):
    """A number between two bounds, whole or not."""

    low: float
    high: float

    def accepts(self, value: Any) -> bool:
        return type(value) in (int, float) and self.low <= value <= self.high

    @property
    def expected(self) -> str:
        """As TOML has numbers, in any language."""
        return _("a number from {low} to {high}").format(low=f"{self.low:g}", high=f"{self.high:g}")


class Numbers(msgspec.Struct, frozen=True, tag=True):
    """An array of numbers, each between two bounds."""

    each: Number
    most: int

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list) and 1 <= len(value) <= self.most and all(map(self.each.accepts, value))

    @property
    def expected(self) -> str:
        return _("an array of 1 to {most} values, each {expected}").format(most=self.most, expected=self.each.expected)


class Flag(msgspec.Struct, frozen=True, tag=True):
    """True or false."""

    def accepts(self, value: Any) -> bool:
        return type(value) is bool

    @property
    def expected(self) -> str:
        return _("true or false")


class Word(msgspec.Struct, frozen=True, tag=True):
    """One of a few words."""

    words: tuple[str, ...]

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.words

    @property
    def expected(self) -> str:
        return list_names(self.words)


Bound = Whole | Number | Numbers | Flag | Word
