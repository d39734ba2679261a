"""Turns a recipe's table into the matrix that is learnt from, and decides which rows are held out."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from predictor.exceptions import DatasetError
from predictor.schema import Matrix, Schema
from predictor.training.columns import Mask, Vector, encode_column, encode_target, infer_feature
from predictor.training.holdout import Hashes, hash_rows, is_held_out
from predictor.training.recipe import FeatureRecipe, Recipe

MISSING_TEXTS = ["", "NA", "N/A", "NaN", "nan", "null"]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What a version is made from.

    `matrix` has shape (n, features), `target` (n,): numbers, or codes of the schema's classes. `held_out`
    marks the rows that no training may use; `hashes` decides that, and the folds where nothing is held out.
    `left_out` counts the rows of the table without a target.
    """

    schema: Schema
    matrix: Matrix
    target: Vector
    hashes: Hashes
    held_out: Mask
    left_out: int
    sha256: str

    @property
    def training(self) -> Mask:
        return ~self.held_out


def load_dataset(recipe: Recipe) -> Dataset:
    """Read the recipe's table, infer its schema and split it.

    Raises RecipeError or DatasetError, naming the file and the column or key.
    """
    table, sha256 = read_table(recipe.data_file)
    if recipe.target not in table.columns:
        raise recipe.error("target", f"{recipe.target!r} is not a column; {_list_columns(table)}.")
    for name in recipe.features:
        if name not in table.columns:
            raise recipe.error(f"features.{name}", f"there is no such column; {_list_columns(table)}.")
    left_out = table[recipe.target].null_count()
    table = table.filter(pl.col(recipe.target).is_not_null())
    if not len(table):
        raise DatasetError(f"{recipe.data_file}: no row has a value in the target {recipe.target!r}.")
    target, answers = encode_target(recipe, table[recipe.target])
    columns = [encode_column(recipe, table[name]) for name in table.columns if _is_feature(recipe, name)]
    if not columns:
        raise recipe.error("features", "every column is excluded: keep at least one.")
    matrix = np.column_stack([column.values for column in columns])
    hashes = hash_rows(columns)
    held_out = is_held_out(hashes, recipe.holdout)
    _check_sides(recipe, held_out)
    features = tuple(infer_feature(recipe, column, ~held_out) for column in columns)
    return Dataset(
        schema=Schema(features=features, target=target),
        matrix=matrix,
        target=answers,
        hashes=hashes,
        held_out=held_out,
        left_out=left_out,
        sha256=sha256,
    )


def read_table(file: Path) -> tuple[pl.DataFrame, str]:
    """Read a CSV file and the SHA-256 of its bytes; raises DatasetError naming the file."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DatasetError(f"{file} cannot be read: {error.strerror}; `data` is relative to model.toml.") from error
    header = content.partition(b"\n")[0].decode("utf-8", "replace").strip().removeprefix("\ufeff").split(",")
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise DatasetError(f"{file}, line 1: the column {doubled[0]!r} stands there twice; give it another name.")
    try:
        table = pl.read_csv(content, null_values=MISSING_TEXTS, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise DatasetError(f"{file} cannot be read as CSV: {str(error).splitlines()[0]}") from error
    if not len(table):
        raise DatasetError(f"{file} has a header but no rows.")
    return table, hashlib.sha256(content).hexdigest()


def _check_sides(recipe: Recipe, held_out: Mask) -> None:
    rows, held = len(held_out), int(held_out.sum())
    if recipe.holdout and not held:
        raise recipe.error(
            "holdout", f"none of the {rows} rows falls into a share of {recipe.holdout}: write holdout = 0"
        )
    if rows - held < 2:
        raise DatasetError(f"{recipe.data_file}: {rows - held} rows are left to learn from; at least 2 are needed.")


def _is_feature(recipe: Recipe, name: str) -> bool:
    return name != recipe.target and not recipe.features.get(name, FeatureRecipe()).exclude


def _list_columns(table: pl.DataFrame) -> str:
    return f"the columns are {', '.join(table.columns[:20])}"
