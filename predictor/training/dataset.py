"""Turns a recipe's table into the matrix that is learnt from, and decides which rows are held out."""

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from predictor.exceptions import DatasetError
from predictor.schema import RESERVED_NAMES, Feature, Matrix, Schema, Vector
from predictor.training.columns import Mask, encode_column, encode_target, infer_feature, read_numbers
from predictor.training.holdout import Hashes, hash_rows, is_held_out
from predictor.training.recipe import FeatureRecipe, Recipe

MANY_CHOICES = 200
EXAMPLE = '"a ""quoted"", divided text"'
MISSING_TEXTS = ["", "NA", "N/A", "NaN", "nan", "null"]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What a version is made from.

    `matrix` has shape (n, features), `target` (n,): numbers, or codes of the schema's classes. `held_out`
    marks the rows that no training may use; `hashes` decides that, and the folds where nothing is held out.
    `left_out` counts the rows of the table without a target; `notes` say what the author should know.
    """

    schema: Schema
    matrix: Matrix
    target: Vector
    hashes: Hashes
    held_out: Mask
    left_out: int
    sha256: str
    notes: list[str]

    @property
    def training(self) -> Mask:
        return ~self.held_out


def load_dataset(recipe: Recipe) -> Dataset:
    """Read the recipe's table, infer its schema and split it.

    Raises RecipeError or DatasetError, naming the file and the column or key.
    """
    if Path(recipe.data).is_absolute() or not recipe.data_file.is_file():
        raise recipe.error("data", f"{recipe.data!r} is no file beside the recipe: write its path from {recipe.folder}")
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
    target, answers = encode_target(recipe, read_numbers(recipe, table[recipe.target]))
    for name in RESERVED_NAMES & set(table.columns):
        if _is_feature(recipe, name) or name == recipe.target:
            raise DatasetError(f"{recipe.data_file}: {name}: every form has a field of this name: rename the column.")
    columns = [
        encode_column(recipe, read_numbers(recipe, table[name])) for name in table.columns if _is_feature(recipe, name)
    ]
    if not columns:
        raise recipe.error("features", "no column but the target is left to learn from: keep at least one.")
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
        notes=[*_note_left_out(recipe, left_out), *_note_doubts(features, matrix)],
    )


def read_table(file: Path) -> tuple[pl.DataFrame, str]:
    """Read a CSV file and the SHA-256 of its bytes; raises DatasetError naming the file."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DatasetError(f"{file} cannot be read: {error.strerror}; `data` is relative to model.toml.") from error
    names = read_header(file, content)
    try:
        table = pl.read_csv(content, new_columns=names, null_values=MISSING_TEXTS, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        problem = f"{str(error).splitlines()[0]}; a text that holds a comma or a quote is written as {EXAMPLE}"
        raise DatasetError(f"{file} cannot be read as CSV: {problem}.") from error
    if not len(table):
        raise DatasetError(f"{file} has a header but no rows.")
    return table, hashlib.sha256(content).hexdigest()


def read_header(file: Path, content: bytes) -> list[str]:
    """Read the columns' names, and refuse what polars would mend in silence: bad names, rows that are too short.

    Raises DatasetError naming the file and the line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(f"{file}, line {line}: this is not UTF-8: save the table as “CSV UTF-8”.") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if not header:
            raise DatasetError(f"{file}: the first line is empty: write the names of the columns there.")
        _check_header(file, header)
        for row in reader:
            if row and len(row) != len(header):
                problem = f"{len(row)} values for {len(header)} columns: write an empty one where a value is missing"
                raise DatasetError(f"{file}, line {reader.line_num}: {problem}.")
    except csv.Error as error:
        problem = f"{error}; a text that holds a comma or a quote is written as {EXAMPLE}"
        raise DatasetError(f"{file}, line {reader.line_num}: {problem}.") from error
    return header


def _check_header(file: Path, header: list[str]) -> None:
    for number, name in enumerate(header, start=1):
        if not name.strip() or "\x00" in name:
            problem = f"column {number} has the name {name!r}: give it one that can be read, or remove it"
            raise DatasetError(f"{file}, line 1: {problem}.")
        if name in header[: number - 1]:
            raise DatasetError(f"{file}, line 1: the column {name!r} stands there twice; give it another name.")


def _note_left_out(recipe: Recipe, rows: int) -> list[str]:
    return [f"{rows} rows without a {recipe.target} are left out"] if rows else []


def _note_doubts(features: tuple[Feature, ...], matrix: Matrix) -> list[str]:
    """Say what is allowed, but hardly meant."""
    notes = []
    for feature, values in zip(features, matrix.T, strict=True):
        low, high = feature.minimum, feature.maximum
        beyond = int(
            ((values < (-np.inf if low is None else low)) | (values > (np.inf if high is None else high))).sum()
        )
        if beyond:
            notes.append(
                f"{feature.name}: {beyond} rows lie beyond the hard limits, where the form will refuse visitors"
            )
        if len(feature.choices) > MANY_CHOICES:
            notes.append(f"{feature.name}: {len(feature.choices)} categories; exclude it if it only tells rows apart")
    return notes


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
    more = ", …" if len(table.columns) > 20 else ""
    return f"the columns are {', '.join(map(repr, table.columns[:20]))}{more}"
