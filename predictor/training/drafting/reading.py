"""Finds how a table's columns must be read where their values alone do not show it: keys for the first recipe."""

import msgspec
import polars as pl

from predictor.numbers import NUMBER_PATTERN
from predictor.schema.kinds import Kind
from predictor.tables.cells import are_codes, match_whole
from predictor.texts import normalise_text
from predictor.training.amounts import read_amounts
from predictor.training.dates import infer_forms
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.kinds import describe_free_text, is_text, read_whole

# Among numbers; what pandas reads as missing is missing already.
MISSING_WORDS = frozenset(
    {"nil", "none", "missing", "unknown", "unk", "undefined", "not available", "not applicable", "no data", "nodata"}
    | {"n.a.", "n.a", "na", "n/a", "--", "---", "..", "...", "x", "*", "-", "?", "."}
    | {"#ref!", "#div/0!", "#value!", "#num!", "#name?", "#null!"}
)


def propose_keys(table: pl.DataFrame, target: str) -> dict[str, FeatureRecipe]:
    """By column, the keys that a recipe needs so that it is read as it is meant."""
    proposed = {
        series.name: _propose_feature(series, is_target=series.name == target)
        for series in table
        if series.dtype == pl.String
    }
    return {name: keys for name, keys in proposed.items() if keys != FeatureRecipe()}


def _propose_feature(series: pl.Series, *, is_target: bool) -> FeatureRecipe:
    if words := find_missing_words(series):
        others = series.set(series.str.strip_chars().is_in(words), None)
        return msgspec.structs.replace(_propose_amounts(others, is_target=is_target), missing=words)
    if read_amounts(series):
        return _propose_amounts(series, is_target=is_target)
    if not is_target and are_codes(series.str.strip_chars().drop_nulls()) and not describe_free_text(series):
        return FeatureRecipe(kind="category")
    if not is_target and is_text(series) and not infer_forms(series):
        return FeatureRecipe(kind="text")
    return FeatureRecipe()


def _propose_amounts(series: pl.Series, *, is_target: bool) -> FeatureRecipe:
    """The keys for numbers with a unit or separators of thousands; none for plain numbers."""
    amounts = None if match_whole(series, NUMBER_PATTERN).all() else read_amounts(series)
    if amounts is None:
        return FeatureRecipe()
    has_decimals = series.str.contains(r"[.,][0-9]{1,2}(?:[^0-9]|$)").any()
    kind: Kind = "number" if has_decimals or not read_whole(amounts.numbers).dtype.is_integer() else "integer"
    return FeatureRecipe(kind=None if is_target else kind, unit=amounts.unit)


def find_messy(series: pl.Series) -> dict[str, list[str]]:
    """By the most frequent spelling, without blanks at its ends, all others that differ in case or blanks alone."""
    if series.dtype != pl.String:
        return {}
    spellings: dict[str, list[str]] = {}
    counts = series.drop_nulls().value_counts().sort("count", series.name, descending=[True, False])
    for text in counts[series.name]:
        spellings.setdefault(" ".join(text.split()).casefold(), []).append(normalise_text(text))
    messy = (texts for texts in spellings.values() if len(set(texts)) > 1)
    united = {next((text for text in texts if text == text.strip()), texts[0].strip()): texts for texts in messy}
    return {into: sorted({*texts} - {into}) for into, texts in united.items()}


def find_missing_words(series: pl.Series) -> list[str | float]:
    """The words that mean missing, where most texts of a column are others, all of them numbers, amounts or dates."""
    texts = series.str.strip_chars().drop_nulls()
    is_number = match_whole(texts, NUMBER_PATTERN)
    is_word = ~is_number & texts.str.to_lowercase().is_in(MISSING_WORDS)
    if not is_word.any() or is_word.mean() >= 0.5:  # type: ignore[operator]  # A column is not empty.
        return []
    others = texts.filter(~is_word)
    if not is_number.filter(~is_word).all() and read_amounts(others) is None and not infer_forms(others):
        return []
    return texts.filter(is_word).unique().sort().to_list()
