"""Turns a recipe's table into the matrix that models are trained on, and decides which rows are held out."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from predictor.exceptions import DatasetError
from predictor.formats import format_number, write_count
from predictor.schema.kinds import Feature, Kind
from predictor.schema.schema import RESERVED_NAMES, Schema
from predictor.schema.table import Inputs, Table, Texts
from predictor.schema.target import Target
from predictor.schema.text import Text
from predictor.schema.values import Mask, Matrix, Vector
from predictor.tables.table import read_table
from predictor.texts import SHOWN_NAMES, list_names
from predictor.training.columns import Column, encode_column, encode_target, infer_feature
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.holdout import Hashes, hash_rows, is_held_out
from predictor.training.kinds import infer_kind
from predictor.training.live_schema import keep_labels, keep_live, keep_numbers
from predictor.training.number_columns import drop_zeros, read_numbers
from predictor.training.observed import Observed, join_observed
from predictor.training.output import apply_output
from predictor.training.recipe import Recipe
from predictor.training.row_numbers import find_row_numbers
from predictor.training.spelling import describe_canonical, find_gaps, merge_spellings
from predictor.training.tolerance import find_tolerance
from predictor.training.translations import translate_schema
from predictor.training.words import label_target

MANY_CHOICES = 200


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What a version is trained and measured on.

    `matrix` has shape (n, features), `target` (n,): numbers, or codes of the schema's classes. `held_out`
    marks the rows that no training may use; `hashes` decides that, and the folds where no row is held out.
    `texts` are the columns of texts by position, next to the matrix.
    `left_out` counts the rows of the table without a target; `notes` say what the author should know. `decimals` are
    the features that the table writes as decimals, whole or not; `row_numbers` those that number its rows. `coded` are
    the categories that are numbers or booleans in the table, with the kind that they would have without a recipe. The
    last `outcomes` rows are recorded outcomes of earlier predictions; `misfits` counts by cause those that do not fit.
    `canonical` says by feature how values were read before they were hashed.
    """

    schema: Schema
    matrix: Matrix
    target: Vector
    hashes: Hashes
    held_out: Mask
    left_out: int
    sha256: str
    notes: list[str]
    texts: Texts = field(default_factory=dict)
    decimals: frozenset[str] = frozenset()
    row_numbers: frozenset[str] = frozenset()
    coded: dict[str, Kind] = field(default_factory=dict)
    outcomes: int = 0
    misfits: dict[str, int] = field(default_factory=dict)
    canonical: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def inputs(self) -> Inputs:
        """What estimators are given: the matrix, or a table where there are texts."""
        return Table(matrix=self.matrix, texts=self.texts) if self.texts else self.matrix

    @property
    def training(self) -> Mask:
        return ~self.held_out

    @property
    def tolerance(self) -> float:
        """The difference up to which two predictions are the same: in the target's unit, or in probability."""
        return find_tolerance(self.target, self.schema.target.task)

    @property
    def from_table(self) -> Mask:
        """Mark the rows, shape (n,), that came from the table."""
        return np.arange(len(self.target)) < len(self.target) - self.outcomes


def load_dataset(
    recipe: Recipe, observed: Observed | None = None, live: Schema | None = None, *, finds_dates: bool = True
) -> Dataset:
    """Read the recipe's table, add the recorded outcomes, infer the schema of both and split them.

    What the recipe leaves open stays as it is in `live`, the schema of the live version. Without `finds_dates`, dates
    are texts, and codes with leading zeros whole numbers, as pandas reads them. Raises RecipeError or DatasetError,
    naming the file and the column or key.
    """
    if not recipe.data_file.is_file():
        problem = f"{recipe.data!r} was not found: write its path from {recipe.folder}"
        raise recipe.error("data", problem, code="table_not_found", table=[recipe.data_name])
    table, sha256 = read_table(recipe.data_file, find_gaps(recipe))
    known = table.columns[:SHOWN_NAMES]
    if recipe.target not in table.columns:
        problem = f"{recipe.target!r} is not a column; the columns are {list_names(table.columns)}."
        raise recipe.error("target", problem, code="no_target", target=[recipe.target], columns=known)
    for name in recipe.features:
        if name not in table.columns:
            problem = f"there is no such column; the columns are {list_names(table.columns)}."
            raise recipe.error(f"features.{name}", problem, code="no_column", column=[name], columns=known)
    for name in RESERVED_NAMES & set(table.columns):
        if _is_feature(recipe, name) or name == recipe.target:
            raise DatasetError(f"{recipe.data_file}: {name}: every form has a field with this name: rename the column.")
    table = table.select(name for name in table.columns if _is_feature(recipe, name) or name == recipe.target)
    if not finds_dates:
        table = table.with_columns(map(drop_zeros, table))
    row_numbers = find_row_numbers(table, recipe.target)
    left_out = table[recipe.target].null_count()
    if left_out:
        table = table.filter(pl.col(recipe.target).is_not_null())
    if not len(table):
        problem = f"{recipe.data_file}: no row has a value in the target {recipe.target!r}."
        raise DatasetError(problem, code="empty_target", target=[recipe.target])
    decimals = table.select(cs.float()).columns
    table = table.with_columns(read_numbers(recipe, merge_spellings(recipe, series)) for series in table)
    kept: list[str] = []
    if live is not None:
        table = table.with_columns(keep_numbers(recipe, series, live) for series in table)
        recipe, kept = keep_live(recipe, table, live)
        table = table.with_columns(keep_labels(recipe, table[recipe.target], live.target))
    target, target_values = encode_target(recipe, table[recipe.target])
    _check_target(recipe, target, target_values)
    columns, matrix = _encode_features(recipe, table, finds_dates=finds_dates)
    outcomes, misfits = 0, {}
    if observed is not None:
        joined = join_observed(recipe, columns, target, target_values, observed)
        outcomes, misfits = len(joined.target_values) - len(target_values), joined.left_out
        columns, target, target_values = joined.columns, joined.target, joined.target_values
        matrix = np.column_stack([column.values for column in columns])
    hashes = hash_rows(columns)
    held_out = is_held_out(hashes, recipe.holdout)
    _check_sides(recipe, held_out)
    features = tuple(infer_feature(recipe, column, ~held_out) for column in columns)
    return Dataset(
        schema=Schema(features=features, target=target),
        matrix=matrix,
        texts={position: each.texts for position, each in enumerate(columns) if each.texts is not None},
        target=target_values,
        hashes=hashes,
        held_out=held_out,
        left_out=left_out,
        sha256=sha256,
        notes=[
            *_note_left_out(recipe, left_out),
            *kept,
            *map(_note_row_number, row_numbers),
            *_note_doubts(features, matrix),
            *(note for feature, column in zip(features, columns, strict=True) for note in _note_long(feature, column)),
        ],
        decimals=frozenset(decimals),
        row_numbers=frozenset(row_numbers),
        coded={
            column.name: infer_kind(table[column.name])
            for column in columns
            if column.kind == "category" and table[column.name].dtype != pl.String
        },
        outcomes=outcomes,
        misfits=misfits,
        canonical=describe_canonical(recipe, columns),
    )


def describe_target(recipe: Recipe, dataset: Dataset) -> Dataset:
    """Give the target, whose classes are now known, the recipe's words and its `[output]`; then translate the words.

    Raises RecipeError.
    """
    target = apply_output(recipe, label_target(recipe, dataset.schema.target))
    return replace(dataset, schema=translate_schema(recipe, replace(dataset.schema, target=target)))


def _encode_features(recipe: Recipe, table: pl.DataFrame, *, finds_dates: bool) -> tuple[list[Column], Matrix]:
    """The columns to train on, and the matrix whose columns share memory with theirs."""
    names = [name for name in table.columns if _is_feature(recipe, name)]
    if not names:
        raise recipe.error("features", "no column but the target is left to train on: keep at least one.")
    columns, matrix = [], np.empty((len(table), len(names)), order="F")
    for values, name in zip(matrix.T, names, strict=True):
        column = encode_column(recipe, table[name], finds_dates=finds_dates)
        values[:] = column.values
        columns.append(replace(column, values=values))
    return columns, matrix


def _note_left_out(recipe: Recipe, rows: int) -> list[str]:
    return (
        [f"{write_count(rows, 'row')} without a {recipe.target} {'is' if rows == 1 else 'are'} left out"]
        if rows
        else []
    )


def _note_row_number(name: str) -> str:
    return f"{name}: it numbers the rows, so it has no meaning for a new one; exclude it"


def _note_doubts(features: tuple[Feature, ...], matrix: Matrix) -> list[str]:
    """Note what is allowed, but probably not meant."""
    notes = []
    for feature, values in zip(features, matrix.T, strict=True):
        beyond = sum(
            int(np.count_nonzero(is_beyond(values, limit)))
            for is_beyond, limit in ((np.less, feature.minimum), (np.greater, feature.maximum))
            if limit is not None
        )
        if beyond:
            notes.append(
                f"{feature.name}: {write_count(beyond, 'row is', 'rows are')} beyond the hard limits,"
                " where the form refuses inputs"
            )
        if len(feature.choices) > MANY_CHOICES:
            notes.append(f"{feature.name}: {len(feature.choices)} categories; exclude it if it only identifies rows")
    return notes


def _note_long(feature: Feature, column: Column) -> list[str]:
    """Note how many texts of the table are longer than the form accepts."""
    if column.texts is None or not isinstance(feature, Text):
        return []
    longer = sum(text is not None and len(text) > feature.maximum_length for text in column.texts)
    most = format_number(feature.maximum_length)
    return (
        [f"{feature.name}: {write_count(longer, 'row has', 'rows have')} a longer text than {most} characters"]
        if longer
        else []
    )


def _check_target(recipe: Recipe, target: Target, target_values: Vector) -> None:
    """Refuse what is for other targets: `target_values` has shape (n,)."""
    for key in ("target_transform", "interval"):
        if getattr(recipe, key) is not None and target.task != "regression":
            raise recipe.error(key, f"is for numbers, and the target {target.name!r} is classes: leave it out")
    low = int((target_values <= 0).sum()) if recipe.target_transform == "log" else 0
    if low:
        problem = f"{write_count(low, 'row has', 'rows have')} a {target.name} of 0 or less, which has no logarithm"
        raise recipe.error("target_transform", f"{problem}: leave it out")


def _check_sides(recipe: Recipe, held_out: Mask) -> None:
    rows, held = len(held_out), int(held_out.sum())
    if recipe.holdout and not held:
        raise recipe.error(
            "holdout",
            f"a share of {recipe.holdout} holds out none of the {write_count(rows, 'row')}: write holdout = 0",
            code="no_holdout",
            rows=rows,
        )
    if rows - held < 2:
        left = write_count(rows - held, "row is", "rows are")
        problem = f"{recipe.data_file}: {left} left to train on; at least 2 are needed."
        raise DatasetError(problem, code="few_rows", rows=rows - held)


def _is_feature(recipe: Recipe, name: str) -> bool:
    return name != recipe.target and not recipe.features.get(name, FeatureRecipe()).exclude
