"""Reads whole columns of dates or times that are written in one form.

Each text becomes the number that its feature would encode. polars reads the plain ones, and the features' own reader,
which takes 20 times as long, all others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from predictor.exceptions import InvalidValue
from predictor.schema.kinds import KINDS, Kind
from predictor.schema.values import Vector
from predictor.tables.cells import match_whole

# The kinds whose columns are texts that are read one by one.
FROM_TEXTS = {name: made for name, made in KINDS.items() if made.reads_texts}
ISO_FORMATS = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%dT%H:%M:%S%.f", "time": "%H:%M:%S%.f"}
# A directive that is not plain, for kinds that polars cannot read.
UNKNOWN = "%?"
TWO_DIGITS = "[0-9]{1,2}"
# Where polars and Python read the same; other directives are left to Python.
PLAIN = {
    "%Y": "[1-9][0-9]{3}",
    **dict.fromkeys(("%m", "%d", "%H", "%M"), TWO_DIGITS),
    "%S": "[0-5]?[0-9]",
    "%.f": r"(?:\.[0-9]{1,9})?",
    "%z": "[+-][0-9]{2}:[0-9]{2}",
}
MICROSECONDS = 1e6


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a column writes dates or times: by `format`, or by ISO 8601 where that is empty."""

    kind: Kind
    format: str = ""
    zone: str = ""

    @property
    def reader(self) -> Any:
        """A feature that reads this form."""
        how = {key: value for key, value in (("format", self.format), ("zone", self.zone)) if value}
        return FROM_TEXTS[self.kind](name="", label="", required=False, **how)

    def write_range(self, low: float, high: float) -> str:
        """Write two encoded ends of a range for people."""
        return " to ".join(self.reader.write(self.reader.decode(end)).text for end in (low, high))


def encode_dates(series: pl.Series, form: Form) -> Vector:
    """Encode a column of texts that all fit, shape (n,), as its feature encodes what is typed; NaN for missing."""
    numbers, reader = read_plain(series, form), form.reader
    others = _find_others(series, numbers)
    if others:
        encoded = [reader.encode(reader.convert(text)) for text in others]
        numbers = numbers.fill_null(series.replace_strict(others, encoded, return_dtype=pl.Float64, default=None))
    return np.asarray(numbers.fill_null(np.nan).to_numpy(), dtype=np.float64)


def find_misfit(series: pl.Series, form: Form) -> str | None:
    """The first text that this form does not read; None where it reads all of them."""
    if series.dtype != pl.String:
        return next((str(value) for value in series.drop_nulls().head(1)), None)
    return next(find_misfits(_find_others(series, read_plain(series, form)), form), None)


def find_misfits(texts: list[str], form: Form) -> Iterator[str]:
    """The texts that this form does not read."""
    read = form.reader.convert
    for text in texts:
        try:
            read(text)
        except InvalidValue:
            yield text


def is_written_as(series: pl.Series, form: Form) -> bool:
    """Whether all texts are written in this very form, and none merely by ISO 8601, which is read anyway."""
    return not any(True for _ in find_other_forms(_find_others(series, read_plain(series, form)), form))


def find_other_forms(texts: list[str], form: Form) -> Iterator[str]:
    """The texts that are not written in this very form; by ISO 8601 is another one, although it is read anyway."""
    if not form.format:
        yield from find_misfits(texts, form)
        return
    for text in texts:
        try:
            datetime.strptime(text.strip(), form.format)
        except ValueError:
            yield text


def read_plain(series: pl.Series, form: Form) -> pl.Series:
    """Encode the texts that polars reads as Python does; null for all others."""
    format, texts = form.format or ISO_FORMATS.get(form.kind, UNKNOWN), series.str.strip_chars()
    if form.kind == "datetime" and not form.format:
        texts = texts.str.replace(" ", "T", literal=True).str.replace("Z$", "+00:00")
        texts = texts.str.replace("(T[0-9]{2}:[0-9]{2})($|[+-])", "${1}:00${2}")
        format += "%z" if form.zone else ""
    pattern = _write_pattern(format) if form.format else _write_iso_pattern(format)
    if pattern is None or (form.format and form.zone):
        return pl.repeat(None, len(series), dtype=pl.Float64, eager=True)
    texts = texts.set(~match_whole(texts, pattern).fill_null(value=False), None)
    if form.kind == "date":
        return texts.str.to_date(format, strict=False).to_physical().cast(pl.Float64)
    if form.kind == "time":
        return _turn_into_seconds(texts.str.to_time(format, strict=False).to_physical() // 1_000)
    return _turn_into_seconds(texts.str.to_datetime(format, strict=False, time_unit="us").to_physical())


def _turn_into_seconds(microseconds: pl.Series) -> pl.Series:
    """By numpy: polars multiplies by the reciprocal, which gives another number in the last place."""
    return pl.Series(microseconds.cast(pl.Float64).to_numpy() / MICROSECONDS, nan_to_null=True)


def _write_pattern(format: str) -> str | None:
    """A pattern of the texts in a format; None where it has a directive that is not plain."""
    parts = re.split(r"(%\.?.)", format)
    if any(part.startswith("%") and part not in PLAIN for part in parts):
        return None
    return "".join(PLAIN.get(part) or re.escape(part) for part in parts)


def _write_iso_pattern(format: str) -> str | None:
    """The same for ISO 8601, by which the features' own reader needs two digits."""
    pattern = _write_pattern(format)
    return pattern and pattern.replace(TWO_DIGITS, "[0-9]{2}").replace("[0-5]?[0-9]", "[0-5][0-9]")


def _find_others(series: pl.Series, numbers: pl.Series) -> list[str]:
    others: list[str] = series.filter(numbers.is_null() & series.is_not_null()).unique(maintain_order=True).to_list()
    return others
