"""Makes a recipe's folder from a table: all of it or nothing."""

import shutil
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from sklearn.base import is_classifier, is_regressor

from predictor.exceptions import DatasetError, RecipeError, TrainingError
from predictor.schema.kinds import Task
from predictor.schema.values import Mask, Vector
from predictor.tables.table import name_ending, read_table
from predictor.texts import list_names
from predictor.training.amounts import read_amounts
from predictor.training.columns import encode_target
from predictor.training.dataset import Dataset, load_dataset
from predictor.training.drafting.doubts import (
    FEW_ROWS,
    doubt_amounts,
    doubt_spellings,
    doubt_target,
    encode_features,
    inspect_features,
)
from predictor.training.drafting.draft import NO_OTHER, READS_NUMBERS, Draft, write_toml
from predictor.training.drafting.reading import find_messy, propose_keys
from predictor.training.drafting.selection import (
    Candidate,
    Selection,
    find_default,
    list_candidates,
    select_candidate,
)
from predictor.training.evaluation import fit_model
from predictor.training.holdout import Hashes, assign_folds, hash_rows, is_held_out
from predictor.training.kinds import infer_task
from predictor.training.number_columns import read_numbers
from predictor.training.pipeline import build_pipeline, make_estimator
from predictor.training.recipe import EstimatorRecipe, Recipe, check_slug, read_recipe
from predictor.training.row_numbers import find_row_numbers
from predictor.training.spelling import find_gaps

# A few rows show whether an estimator takes the table; all of them may take hours.
MOST_TRIED_ROWS = 1_000


def start_model(models_dir: Path, slug: str, source: Path, target: str, path: str | None = None) -> Draft:
    """Make `models_dir/slug` with a copy of the table and a first recipe that is ready for a retrain.

    `path` is the estimator's; without it, one is chosen on folds of the training rows. Nothing is left behind where
    it fails. Raises RecipeError or DatasetError.
    """
    folder = models_dir / slug
    check_slug(slug, folder / "model.toml", is_new=True)
    if folder.exists() or folder.is_symlink():
        raise RecipeError(f"{folder} already exists: choose another slug, or remove it.")
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".start-", dir=models_dir) as temporary:
            made = Path(temporary) / slug
            made.mkdir()
            draft = fill_folder(made, source, target, path)
            made.rename(folder)
    except OSError as error:
        raise RecipeError(f"{folder} cannot be created: {error.strerror}.") from error
    return draft


def fill_folder(folder: Path, source: Path, target: str, path: str | None) -> Draft:
    """Write the table's copy and the recipe, and try both as a retrain does; raises RecipeError or DatasetError."""
    data = copy_table(source, folder)
    try:
        draft = draft_recipe(source, data, target, path)
        (folder / "model.toml").write_text(write_toml(draft), encoding="utf-8", newline="\n")
        recipe = read_recipe(folder.parent, folder.name)
        dataset = load_dataset(recipe)
        _try_fit(recipe, dataset)
        given = draft.estimator if path is not None else None
        candidates = list_candidates(dataset.schema.target.task, given, dataset)
        draft = replace(draft, selection=select_candidate(recipe, dataset, candidates))
        (folder / "model.toml").write_text(write_toml(draft), encoding="utf-8", newline="\n")
    except (RecipeError, DatasetError) as error:
        # The author knows the table under its own name, and has no model.toml yet.
        known = str(error).replace(f"{folder / 'model.toml'}: ", "").replace(str(data), str(source))
        raise type(error)(known) from error
    return draft


def _try_fit(recipe: Recipe, dataset: Dataset) -> None:
    """Fit as a retrain does, on some of the rows; raises RecipeError."""
    model = build_pipeline(recipe, dataset.schema)
    # Evenly spaced in the rows sorted by target, so that every class that is not rare is among them.
    rows = np.flatnonzero(dataset.training)
    ordered = rows[np.argsort(dataset.target[rows], kind="stable")]
    tried = np.zeros(len(dataset.target), dtype=bool)
    tried[ordered[:: -(-len(ordered) // MOST_TRIED_ROWS)]] = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # A retrain, on all rows, shows what matters.
            fit_model(model, dataset, tried)
    except TrainingError as error:
        raise recipe.error("estimator", str(error)) from error


def copy_table(source: Path, folder: Path) -> Path:
    """Copy a table's bytes, and name the copy by their format; raises DatasetError."""
    if not source.is_file():
        raise DatasetError(f"{source} was not found on this machine; nothing is downloaded.")
    try:
        return Path(shutil.copyfile(source, folder / f"data{name_ending(source)}"))
    except OSError as error:
        raise DatasetError(f"{source} cannot be copied: {error.strerror}.") from error


def draft_recipe(source: Path, data: Path, target: str, path: str | None) -> Draft:
    """Read the table and decide on its first recipe."""
    recipe = Recipe(slug=data.parent.name, folder=data.parent, title=target, target=target, data=data.name)
    table, rows = read_rows(recipe)
    if features := propose_keys(table, target):
        recipe = msgspec.structs.replace(recipe, features=features)
        table, rows = read_rows(recipe)
    has_amounts = table[target].dtype == pl.String and read_amounts(table[target]) is not None
    if has_amounts:
        recipe = msgspec.structs.replace(recipe, task="regression")
    row_numbers, left_out, table = find_row_numbers(table, target), len(table) - len(rows), rows
    tasks = find_tasks(recipe, table[target])
    if path is not None:
        recipe = choose_task(msgspec.structs.replace(recipe, estimator=EstimatorRecipe(path=path)), tasks)
    described, target_values = encode_target(recipe, read_numbers(recipe, table[target]))
    if target_values.min() == target_values.max():
        raise DatasetError(f"{data}: {target}: every row is {target_values[0]:g}; there is nothing to predict.")
    columns, refused = encode_features(recipe, table, row_numbers)
    if not columns:
        causes = "; ".join(f"{each.name}: {each.obstacle}" for each in refused[:5])
        raise DatasetError(f"{data}: there is no column but the target to train on. {causes}".rstrip())
    are_classes = described.task == "classification"
    only_texts = all(column.texts is not None for column in columns)
    default = find_default(described.task, only_texts=only_texts)
    other_task = next((task for task in tasks if task != described.task), None)
    merge = find_messy(table[target]) if are_classes else {}
    unclear = list(doubt_amounts(table[target])) if are_classes else []
    findings = inspect_features(table, columns, target_values, are_classes=are_classes) + refused
    return Draft(
        slug=recipe.slug,
        source=source,
        data=data.name,
        rows=len(table),
        target=described,
        low=target_values.min().item(),
        high=target_values.max().item(),
        other_task=other_task,
        other_estimator=other_task and find_default(other_task, only_texts=only_texts),
        why_task="" if recipe.task is None else READS_NUMBERS if has_amounts else NO_OTHER,
        holds_out=should_hold_out(recipe, hash_rows(columns), target_values, are_classes=are_classes),
        selection=Selection(chosen=Candidate(name="", estimator=recipe.estimator or default)),
        doubts=(*unclear, *doubt_target(described, target_values, left_out), *doubt_spellings(merge)),
        merge=merge,
        findings=sorted(findings, key=lambda finding: table.columns.index(finding.name)),
        features=recipe.features,
    )


def should_hold_out(recipe: Recipe, hashes: Hashes, target_values: Vector, *, are_classes: bool) -> bool:
    """Decide whether to hold out a share of the rows; where there are few, or many alike, five folds measure better.

    Raises DatasetError where these cannot be trained on either.
    """

    def can_train(rows: Mask) -> bool:
        return int(rows.sum()) > 1 and (not are_classes or len(np.unique(target_values[rows])) > 1)

    held_out = is_held_out(hashes, recipe.holdout)
    is_fair = recipe.holdout / 2 < held_out.mean() < recipe.holdout * 2
    if len(np.unique(hashes)) >= FEW_ROWS and is_fair and can_train(~held_out):
        return True
    folds = assign_folds(hashes)
    if not all(can_train(folds != fold) for fold in np.unique(folds)):
        problem = "the rows are too few, or too much alike, to train on some and measure on others"
        raise DatasetError(f"{recipe.data_file}: {problem}.")
    return False


def read_rows(recipe: Recipe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read all rows, and choose those that have a target; raises DatasetError."""
    data, target = recipe.data_file, recipe.target
    table, _ = read_table(data, find_gaps(recipe))
    if target not in table.columns:
        raise DatasetError(f"{data}: {target!r} is not a column; the columns are {list_names(table.columns)}.")
    rows = table.filter(pl.col(target).is_not_null())
    if not len(rows):
        raise DatasetError(f"{data}: no row has a value in the target {target!r}.")
    return table, rows


def find_tasks(recipe: Recipe, series: pl.Series) -> list[Task]:
    """List the tasks that a target without missing values allows, the inferred one first."""
    series = read_numbers(recipe, series)
    inferred = infer_task(series)
    if not series.dtype.is_integer():
        return [inferred]
    return ["regression", "classification"] if inferred == "regression" else ["classification", "regression"]


def choose_task(recipe: Recipe, tasks: list[Task]) -> Recipe:
    """Set the task in the recipe where its estimator does not do the first, but another of `tasks`.

    Raises RecipeError where it does none.
    """
    estimator = make_estimator(recipe)
    does = {"regression": is_regressor(estimator), "classification": is_classifier(estimator)}
    done = [task for task in tasks if does[task]]
    if not done:
        problem = f"which is the task for the target {recipe.target!r}: choose another estimator"
        raise RecipeError(f"{type(estimator).__name__} does not do {tasks[0]}, {problem}.")
    return recipe if done[0] == tasks[0] else msgspec.structs.replace(recipe, task=done[0])
