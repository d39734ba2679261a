"""Finds the types of columns of texts: missing values, booleans, numbers, numbers with a decimal comma."""

from collections.abc import Callable, Collection, Iterable, Mapping
from operator import and_
from typing import TypeVar

import polars as pl
import polars.selectors as cs

from predictor.numbers import COMMA_PATTERN, NUMBER, NUMBER_PATTERN, UNCLEAR_PATTERN
from predictor.tables.missing import MISSING, MISSING_AMONG_NUMBERS

BOOLEANS = ["true", "false"]
FIRST_ROWS = 1_000
# A postcode or an article's number, which is another one without its zeros.
CODE_PATTERN = "0[0-9]+"
Texts = TypeVar("Texts", pl.Series, pl.Expr)
Condition = Callable[[pl.Expr], pl.Expr]
# By column, the texts that mean missing there; a number in any form.
Gaps = Mapping[str, Collection[str]]


def match_whole(texts: Texts, pattern: str) -> Texts:
    """Mark the texts that match `pattern` from end to end; null stays null."""
    return texts.str.contains(f"^(?:{pattern})$")


def are_codes(texts: Texts) -> Texts:
    """Whether texts are digits only, and one begins with a zero: they are codes, and not quantities."""
    return match_whole(texts, CODE_PATTERN).any() & match_whole(texts, "[0-9]+").all()  # type: ignore[return-value]


def cast_numbers(texts: pl.Series) -> pl.Series:
    """Turn texts that all match NUMBER_PATTERN into Int64, or into Float64 where one is written as a decimal."""
    numbers = texts.cast(pl.Float64)
    if texts.str.contains("[.eE]").any():
        return numbers
    whole = texts.str.strip_prefix("+").cast(pl.Int64, strict=False)
    return whole if whole.null_count() == numbers.null_count() else numbers


def read_cells(table: pl.DataFrame, gaps: Gaps) -> tuple[pl.DataFrame, bool]:
    """Convert every column of texts to the type of its texts; also return whether there were decimal commas.

    What `gaps` names is missing. A column with other texts stays as it is, except for missing values; so does one of
    codes with leading zeros, and one whose commas may separate thousands, unless another column shows that they are
    decimal commas.
    """
    with_nan = _find_columns(table, table.select(cs.float()).columns, lambda numbers: numbers.is_nan().any())
    table = table.with_columns(select(with_nan).fill_nan(None))
    table = table.with_columns(clear_gaps(table[name], gaps[name]) for name in table.columns if name in gaps)
    table = _clear(table, table.select(cs.string()).columns, MISSING)
    texts = table.select(cs.string()).columns
    booleans = _find_texts(table, texts, lambda texts: texts.str.to_lowercase().is_in(BOOLEANS))
    numbers = _find_texts(table, texts, lambda texts: match_whole(texts, f"{NUMBER_PATTERN}|{COMMA_PATTERN}"))
    table = _clear(table, [*booleans, *numbers], MISSING_AMONG_NUMBERS)
    table = table.with_columns(select(booleans).str.strip_chars().str.to_lowercase() == "true")
    plain = _find_texts(table, numbers, lambda texts: match_whole(texts, NUMBER_PATTERN))
    commas = _find_texts(table, set(numbers) - set(plain), lambda texts: match_whole(texts, COMMA_PATTERN))
    has_decimal_commas = len(find_unclear(table, commas, ",")) < len(commas)
    codes = _find_columns(table, plain, lambda texts: are_codes(texts.str.strip_chars()))
    read = [name for name in [*plain, *(commas if has_decimal_commas else [])] if name not in codes]
    table = table.with_columns(select(read).str.strip_chars().str.replace(",", ".", literal=True))
    return table.with_columns(cast_numbers(table[name]) for name in read), has_decimal_commas


def clear_gaps(series: pl.Series, gaps: Collection[str]) -> pl.Series:
    """Turn what means missing into missing: these texts, and the numbers among them however they are written."""
    numbers = [float(gap) for gap in gaps if NUMBER.fullmatch(gap)]
    is_gap = series.cast(pl.Float64, strict=False).is_in(numbers)
    if series.dtype == pl.String:
        is_gap = is_gap.fill_null(value=False) | series.str.strip_chars().is_in(list(gaps))
    return series.set(is_gap.fill_null(value=False), None)


def select(names: Iterable[str]) -> pl.Expr:
    """Select columns by name; `pl.col` takes "*" and "^x$" as patterns."""
    return cs.by_name(list(names)).as_expr()


def find_unclear(table: pl.DataFrame, names: list[str], mark: str) -> list[str]:
    """List the columns where `mark`, "." or ",", may separate thousands or decimals in each number with one."""

    def has_clear(texts: pl.Expr) -> pl.Expr:
        is_unclear = match_whole(texts, UNCLEAR_PATTERN.replace("MARK", f"[{mark}]"))
        return (texts.str.contains(mark, literal=True) & ~is_unclear).any()

    marked = _find_columns(table, names, lambda texts: texts.str.contains(mark, literal=True).any())
    clear = set(_find_columns(table, marked, lambda texts: has_clear(texts.str.strip_chars())))
    return [name for name in marked if name not in clear]


def _find_columns(table: pl.DataFrame, names: Iterable[str], condition: Condition) -> list[str]:
    found = table.select(condition(select(names)))
    return [name for name in found.columns if found[name][0]]


def _find_texts(table: pl.DataFrame, names: Iterable[str], condition: Condition) -> list[str]:
    """List the columns whose texts all meet a condition, except for missing values among numbers."""

    def check(texts: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
        """Whether one of them meets it, and whether all others are missing values."""
        stripped = texts.str.strip_chars()
        is_met = condition(stripped)
        return is_met.any(), (is_met | stripped.is_in(MISSING_AMONG_NUMBERS)).all()

    # Most columns of texts show in their first rows that they are something else.
    likely = _find_columns(table.head(FIRST_ROWS), names, lambda texts: check(texts)[1])
    return _find_columns(table, likely, lambda texts: and_(*check(texts)))


def _clear(table: pl.DataFrame, names: list[str], gaps: list[str]) -> pl.DataFrame:
    texts = select(names)
    return table.with_columns(pl.when(~texts.str.strip_chars().is_in(gaps)).then(texts))
