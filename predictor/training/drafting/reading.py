"""Finds how a table's columns must be read where their values alone do not show it: keys for the first recipe."""

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
        return FeatureRecipe(missing=words)
    if amounts := read_amounts(series):
        has_decimals = series.str.contains(r"[.,][0-9]{1,2}(?:[^0-9]|$)").any()
        kind: Kind = "number" if has_decimals or not read_whole(amounts.numbers).dtype.is_integer() else "integer"
        return FeatureRecipe(kind=None if is_target else kind, unit=amounts.unit)
    if not is_target and are_codes(series.str.strip_chars().drop_nulls()) and not describe_free_text(series):
        return FeatureRecipe(kind="category")
    if not is_target and is_text(series) and not infer_forms(series):
        return FeatureRecipe(kind="text")
    return FeatureRecipe()


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
    """The words that mean missing, where all other texts of a column are numbers and these are most."""
    texts = series.str.strip_chars().drop_nulls()
    is_number = match_whole(texts, NUMBER_PATTERN)
    words = texts.filter(~is_number).unique().sort().to_list()
    are_known = bool(words) and all(word.lower() in MISSING_WORDS for word in words)
    return words if are_known and is_number.mean() > 0.5 else []  # type: ignore[operator]  # A column is not empty.
