"""Describes a table's columns, and why each may not be meant as a feature."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from predictor.exceptions import DatasetError
from predictor.formats import format_number, format_share, write_count
from predictor.record.remark import Remark, make_remark
from predictor.schema.schema import RESERVED_NAMES
from predictor.schema.target import Target
from predictor.schema.values import Vector
from predictor.texts import quote
from predictor.training.amounts import describe_unclear, find_example
from predictor.training.columns import Column, encode_column
from predictor.training.dates import infer_forms
from predictor.training.drafting.described import describe_column, join
from predictor.training.drafting.reading import find_messy
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.grouping import is_wide
from predictor.training.kinds import FEWEST_ROWS, MOST_CLASSES, describe_free_text
from predictor.training.number_columns import read_numbers
from predictor.training.recipe import Recipe
from predictor.training.writing import write_key

FEW_ROWS = 30
HINT = 'kind = "text" would train on its words'
FEW_NUMBERS = 20
MANY_TEXTS = 1000
MANY_CLASSES = 50
MOST_ROWS = 0.9
GIVEN_AWAY = 0.99
ROWS_TO_ASK = 10_000
MOST_BYTES = 1_000_000_000
# Written for missing by instruments and surveys, far from all other values.
SENTINELS = (-9.0, -99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0)
ROW_NUMBERS = make_remark("are_row_numbers", "row numbers")
FREE_TEXT = make_remark("is_free_text", "free text")
NOT_TRAINED_ON = make_remark("not_trained_on", "cannot be trained on")
NAMED_AS_ID = re.compile(r"(?i:(.*[ _.-])?(id|uuid|guid|index|rownames?)|unnamed: 0)|.*[a-z](Id|ID)")
DATES = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A column in a few words, with doubts about it as a feature.

    `merge` has the spellings that may mean one value, and `codes` the few whole numbers that may stand for words.
    `obstacle` says why the column is left out; a feature has none.
    """

    name: str
    described: tuple[Remark, ...]
    doubts: tuple[Remark, ...] = ()
    merge: dict[str, list[str]] = field(default_factory=dict)
    codes: tuple[int, ...] = ()
    obstacle: Remark | None = None

    @property
    def kind(self) -> str:
        return join(self.described)

    @property
    def is_number(self) -> bool:
        return self.described[0].code in ("numbers", "whole_numbers")


def encode_features(recipe: Recipe, table: pl.DataFrame, row_numbers: list[str]) -> tuple[list[Column], list[Finding]]:
    """Encode all columns but the target; those that number the rows, or cannot be trained on, become findings."""
    columns, refused = [], []
    for name in table.columns:
        if name == recipe.target:
            continue
        if name in row_numbers:
            obstacle = make_remark("row_numbers", "it numbers the rows, so it has no meaning for a new one.")
            refused.append(Finding(name=name, described=(ROW_NUMBERS,), obstacle=obstacle))
            continue
        try:
            if name in RESERVED_NAMES:
                raise DatasetError("every form has a field with this name: rename the column.", code="reserved_name")
            series = read_numbers(recipe, table[name])
            is_text = recipe.features.get(name, FeatureRecipe()).kind == "text"
            if not is_text and not infer_forms(series) and (free_text := describe_free_text(series)):
                refused.append(Finding(name=name, described=(FREE_TEXT,), obstacle=_find_obstacle(series, free_text)))
                continue
            columns.append(encode_column(recipe, series))
        except DatasetError as error:
            obstacle = make_remark(error.code, str(error).removeprefix(f"{recipe.data_file}: {name}: "))
            refused.append(Finding(name=name, described=(NOT_TRAINED_ON,), obstacle=obstacle))
    return _refuse_widest(columns, refused)


def _find_obstacle(series: pl.Series, free_text: str) -> Remark:
    """Why a column of many different texts is left out."""
    if unclear := describe_unclear(series):
        return make_remark("left_out_amounts", unclear, example=[find_example(series)])
    if reads_as_dates(series):
        return make_remark(
            "left_out_dates", "it contains dates, but not all in one form: write all of them like 2026-03-01."
        )
    different, rows = series.drop_nulls().n_unique(), len(series) - series.null_count()
    return make_remark("free_text", f"{free_text}; {HINT}.", different=different, rows=rows)


def _refuse_widest(columns: list[Column], refused: list[Finding]) -> tuple[list[Column], list[Finding]]:
    """Refuse the widest categories where the one-hot encoding of all would not fit into memory."""
    size, too_wide = 0, []
    for column in sorted(columns, key=lambda column: len(column.choices)):
        own = 0 if is_wide(len(column.choices)) else len(column.values) * len(column.choices) * 8
        size += own
        if size > MOST_BYTES:
            categories, memory = format_number(len(column.choices)), format_number(size / 1e9, decimals=1)
            size_of_all = f"{categories} categories, with those of other columns, make a matrix of {memory} GB"
            problem = f"{size_of_all}: use fewer, or numbers"
            too_wide.append(
                Finding(name=column.name, described=describe_column(column), obstacle=Remark(f"its {problem}."))
            )
    names = {finding.name for finding in too_wide}
    return [column for column in columns if column.name not in names], refused + too_wide


def inspect_features(
    table: pl.DataFrame, columns: list[Column], target_values: Vector, *, are_classes: bool, seed: int = 0
) -> list[Finding]:
    """Inspect the columns of a table of n rows; `target_values`, shape (n,), is the target."""
    rows = np.random.default_rng(seed).permutation(len(target_values))[:ROWS_TO_ASK]
    findings = []
    for column in columns:
        doubts = list(_doubt_column(table[column.name], column))
        if (
            column.texts is None
            and measure_giveaway(column.values[rows], target_values[rows], are_classes=are_classes) > GIVEN_AWAY
        ):
            text = "it predicts the target almost perfectly on its own: is it known before the target is?"
            doubts.append(make_remark("gives_away", text))
        merge = find_messy(table[column.name]) if column.kind == "category" else {}
        doubts += doubt_spellings(merge)
        codes, described = find_codes(column), describe_column(column)
        findings.append(Finding(name=column.name, described=described, doubts=tuple(doubts), merge=merge, codes=codes))
    return findings


def _doubt_column(series: pl.Series, column: Column) -> Iterator[Remark]:
    """Doubts about a column from its own values and name."""
    if column.texts is not None:
        return
    present = column.values[~np.isnan(column.values)]
    rows, different = len(present), len(np.unique(present))
    is_text = column.kind == "category"
    if different == 1:
        if rows < len(column.values):
            yield make_remark("same_value_or_empty", "it always has the same value or is empty")
        else:
            yield make_remark("same_value", "it always has the same value")
        return
    if NAMED_AS_ID.fullmatch(column.name):
        yield make_remark("named_as_id", "its name looks like an id, which has no meaning for a new row")
    elif column.kind == "integer" and series.dtype != pl.String and different == rows >= FEW_ROWS:
        text = "every row has a different whole number, like an id, which has no meaning for a new row"
        yield make_remark("numbers_rows", text)
    if column.kind in ("integer", "number") and (sentinel := find_sentinel(present)) is not None:
        times = int((present == sentinel).sum())
        yield _doubt_sentinel(sentinel, times)
    if column.kind == "integer" and are_compact_dates(present):
        text = f'its numbers may be dates, such as {present[0]:.0f}: then write kind = "date" and format = "%Y%m%d"'
        yield make_remark("compact_dates", text, example=f"{present[0]:.0f}")
    if is_text and (unclear := list(doubt_amounts(series))):
        yield from unclear
    elif is_text and reads_as_dates(series):
        text = "it contains dates, but not all in one form, so each is a category: write all of them like 2026-03-01"
        yield make_remark("mixed_dates", text)
    elif is_text and different > MANY_TEXTS:
        texts = f"{format_number(different)} different texts in {format_number(rows)} rows"
        text = f"{texts}, like free text: each is a category of its own; {HINT}"
        yield make_remark("like_free_text", text, different=different, rows=rows)


def doubt_amounts(series: pl.Series) -> Iterator[Remark]:
    """Whether a column's texts may be thousands or decimals of one unit."""
    if unclear := describe_unclear(series):
        yield make_remark("unclear_amounts", unclear, example=[find_example(series)])


def find_sentinel(values: Vector) -> float | None:
    """The one value, of those often written for missing, that occurs more than once and is far from all the others."""
    for sentinel in SENTINELS:
        others = values[values != sentinel]
        if len(values) - len(others) < 2 or not len(others):
            continue
        if (sentinel < 0 <= others.min()) or 10 * np.abs(others).max() < abs(sentinel):
            return sentinel
    return None


def are_compact_dates(values: Vector) -> bool:
    """Whether whole numbers all are days from 1900 to 2099, written as 20260301."""
    if not ((values >= 19_000_101) & (values <= 20_991_231)).all():
        return False
    days = pl.Series(values).cast(pl.Int64).cast(pl.String).str.to_date("%Y%m%d", strict=False)
    return not days.has_nulls()


def _doubt_sentinel(sentinel: float, times: int, place: str = "") -> Remark:
    hint = f"if it means missing, write missing = [{sentinel:g}]{place}"
    text = f"{sentinel:g} occurs {write_count(times, 'time')}, far from all other values: {hint}"
    return make_remark("sentinel", text, value=f"{sentinel:g}", times=times)


def find_codes(column: Column) -> tuple[int, ...]:
    """The values of a column of few whole numbers, each of them in several rows: they may stand for words."""
    if column.kind != "integer":
        return ()
    codes, counts = np.unique(column.values[~np.isnan(column.values)], return_counts=True)
    is_coded = 2 <= len(codes) <= MOST_CLASSES and counts.min() >= FEWEST_ROWS
    return tuple(int(code) for code in codes) if is_coded else ()


def doubt_spellings(merge: dict[str, list[str]]) -> Iterator[Remark]:
    if merge:
        into, others = next(iter(merge.items()))
        more = f", and {write_count(len(merge) - 1, 'value')} more in several ways" if len(merge) > 1 else ""
        written = ", ".join(map(quote, others[:5]))
        text = f"{quote(into)} is also written {written}{more}: to unite them, write the line with merge"
        code, rest = ("more_spellings", {"more": len(merge) - 1}) if more else ("spellings", {})
        yield make_remark(code, text, into=[into], others=others[:5], **rest)


def reads_as_dates(series: pl.Series) -> bool:
    """Whether all texts of a column contain a date in one of the usual formats, not all in the same."""
    texts = series.drop_nulls().unique().head(1000)
    if texts.dtype != pl.String or not texts.str.contains("[0-9]{2}").all():
        return False
    are_dates = pl.repeat(value=False, n=len(texts), dtype=pl.Boolean, eager=True)
    for form in DATES:
        are_dates |= texts.str.to_date(form, strict=False, exact=False).is_not_null()
    return bool(are_dates.all())


def measure_giveaway(values: Vector, target_values: Vector, *, are_classes: bool) -> float:
    """The share of the target, at most 1, that one column predicts on its own; 0 or less is none.

    `values` and `target_values` have shape (n,), their rows shuffled. The rows are sorted by the column, and each is
    predicted by its two neighbours, the nearest-neighbour rule of Cover and Hart (1967): a class counts as predicted
    where one of them has it, and a number's rank is predicted by the mean of theirs. The error is divided by that of
    neighbours drawn at random.
    """
    if len(values) < 3:
        return 0.0
    _, ranks = np.unique(target_values[np.argsort(values, kind="stable")], return_inverse=True)
    before, row, after = ranks[:-2], ranks[1:-1], ranks[2:]
    if are_classes:
        shares: NDArray[np.float64] = np.bincount(ranks) / len(ranks)
        error, chance = ((row != before) & (row != after)).mean(), (shares * (1 - shares) ** 2).sum()
    else:
        error, chance = ((row - (before + after) / 2) ** 2).mean(), 1.5 * ranks.var()
    return float(1 - error / chance) if chance else 0.0


def doubt_target(target: Target, target_values: Vector, left_out: int) -> Iterator[Remark]:
    """Doubts about the rows and the target: `target_values`, shape (n,); `left_out` more rows have none."""
    if left_out:
        text = f"{write_count(left_out, 'row has', 'rows have')} no value in the target and are left out"
        yield make_remark("rows_left_out", text, count=left_out)
    if len(target_values) < FEW_ROWS:
        rows = len(target_values)
        text = f"{write_count(rows, 'row is', 'rows are')} few to train on, and too few to hold some out"
        yield make_remark("few_rows", text, count=rows)
    if target.task == "regression":
        if (sentinel := find_sentinel(target_values)) is not None:
            place = f" below [features.{write_key(target.name)}]"
            yield _doubt_sentinel(sentinel, int((target_values == sentinel).sum()), place)
        different = len(np.unique(target_values))
        if different <= FEW_NUMBERS and (target_values % 1 == 0).all():
            text = f"the target has {different} different numbers: if they are classes, write "
            text = f'{text}task = "classification" and its estimator'
            yield make_remark("few_numbers", text, different=different)
        return
    if isinstance(target.classes[0], int) and 2 < len(target.classes) <= MOST_CLASSES:
        first, last = target.classes[0], target.classes[-1]
        text = f"the target is whole numbers from {first} to {last}, taken for classes: if they are quantities, write "
        text = f'{text}task = "regression" and its estimator'
        yield make_remark("numbers_as_classes", text, first=str(first), last=str(last))
    counts = np.bincount(target_values.astype(int))
    if len(counts) > MANY_CLASSES:
        text = f"the target has {format_number(len(counts))} classes: is it a quantity, or a text?"
        yield make_remark("many_classes", text, count=len(counts))
    if counts.min() < 2:
        rare = str(target.classes[int(counts.argmin())])
        text = f"the class {quote(rare)} has one row, which cannot be both trained on and measured on"
        yield make_remark("rare_class", text, rare=[rare])
    if counts.max() > MOST_ROWS * len(target_values):
        common, share = str(target.classes[int(counts.argmax())]), counts.max().item() / len(target_values)
        text = f"{format_share(share)} of the rows are {quote(common)}: look at macro F1 rather than accuracy"
        yield make_remark("common_class", text, share=share, common=[common])
