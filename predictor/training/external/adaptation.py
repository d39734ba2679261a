"""Adapts a sample to an estimator that was made elsewhere: its task, its columns, its classes."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from predictor.estimators.imported import Imported
from predictor.exceptions import DatasetError, RecipeError
from predictor.schema.kinds import Task
from predictor.schema.values import Label, write_value
from predictor.texts import list_names
from predictor.training.dataset import Dataset, load_dataset
from predictor.training.external.model_file import ModelFile
from predictor.training.external.wrapping import wrap_estimator
from predictor.training.pipeline import set_single_job
from predictor.training.recipe import Recipe


class ImportRecipe(Recipe, frozen=True, kw_only=True):
    """The recipe of an import, which has no model.toml; errors name the model's file `source`, or the sample."""

    source: Path
    holdout: float = 0.0

    @property
    def file(self) -> Path:
        return self.source

    @property
    def pipeline_file(self) -> Path:
        return self.source / "pipeline.py"  # Below a file, so it is never found: an import has no code of its own.

    def name_way_out(self, column: str) -> str:
        return "use a sample in which each category occurs more than once; a model of free text cannot be imported yet"

    def error(self, key: str, problem: str) -> RecipeError:
        return RecipeError(f"{self.data_file}: {key}: {problem.rstrip('.')}.")


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """The sample in the estimator's own columns and classes, and the estimator that takes its matrix."""

    dataset: Dataset
    estimator: Imported


def adapt_estimator(file: ModelFile, estimator: Any, recipe: Recipe) -> Adapted:
    """Infer the schema from the sample, compare it with what the estimator was fitted on, and let it predict.

    From here on the estimator runs in one thread. Raises DatasetError or RecipeError for the sample,
    ModelFileError for an estimator that cannot predict for it.
    """
    set_single_job(estimator)
    sample, task = recipe.data_file, find_task(file, estimator)
    dataset = match_columns(sample, load_dataset(msgspec.structs.replace(recipe, task=task)), estimator)
    labels = read_labels(file, estimator) if task == "classification" else ()
    if labels:
        dataset = match_classes(sample, dataset, labels)
    return Adapted(dataset=dataset, estimator=wrap_estimator(file, estimator, dataset, labels))


def find_task(file: ModelFile, estimator: Any) -> Task:
    """The estimator's task by its tags; without tags, an estimator with classes is a classifier."""
    tags = estimator.__sklearn_tags__() if hasattr(estimator, "__sklearn_tags__") else None
    kind = getattr(tags, "estimator_type", None)
    if kind not in (None, "classifier", "regressor"):
        raise file.error(f"its {type(estimator).__name__} is a {kind}: only a classifier or a regressor can be served")
    return "classification" if kind == "classifier" or hasattr(estimator, "classes_") else "regression"


def read_labels(file: ModelFile, estimator: Any) -> tuple[Label, ...]:
    """The estimator's own classes, in their order. Raises ModelFileError."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        raise file.error(f"its {type(estimator).__name__} has no classes_: is it fitted?")
    if isinstance(classes, list) and not all(isinstance(label, str | int | bool) for label in classes):
        raise file.error("it predicts several targets at once, and only one can be served")
    labels = [_read_label(label) for label in np.asarray(classes).tolist()]
    if None in labels:
        raise file.error(f"its classes are {list(classes)!r}: they must be texts, integers, or booleans")
    return tuple(label for label in labels if label is not None)


def _read_label(label: Any) -> Label | None:
    if isinstance(label, float) and label.is_integer():
        return int(label)
    return label if isinstance(label, str | int | bool) else None


def match_columns(sample: Path, dataset: Dataset, estimator: Any) -> Dataset:
    """Put the columns into the order that the estimator was fitted on; raises DatasetError where they differ.

    A column that numbers the sample's rows is left out where the estimator was not fitted on it.
    """
    ours, wanted = dataset.schema.names, getattr(estimator, "feature_names_in_", None)
    without = [name for name in ours if name not in dataset.row_numbers]
    if wanted is None:
        count = getattr(estimator, "n_features_in_", None)
        if count == len(without) < len(ours):
            return _choose_columns(dataset, without)
        if count is not None and count != len(ours):
            raise DatasetError(
                f"{sample}: the model was fitted on {count} columns, and besides the target there are"
                f" {len(ours)}: {list_names(ours)}."
            )
        return dataset
    names = [str(name) for name in wanted]
    missing, more = [n for n in names if n not in set(ours)], [n for n in without if n not in set(names)]
    if missing or more:
        problems = [f"missing: {list_names(missing)}"] * bool(missing) + [f"not among them: {list_names(more)}"] * bool(
            more
        )
        raise DatasetError(f"{sample}: the model was fitted on other columns; {'; '.join(problems)}.")
    return _choose_columns(dataset, names)


def _choose_columns(dataset: Dataset, names: list[str]) -> Dataset:
    """Put the features into this order; one that numbers the rows and is not among them is dropped, with its notes."""
    order = [dataset.schema.names.index(name) for name in names]
    dropped = [name for name in dataset.schema.names if name not in set(names)]
    notes = [note for note in dataset.notes if not note.startswith(tuple(f"{name}: " for name in dropped))]
    return replace(
        dataset,
        schema=replace(dataset.schema, features=tuple(dataset.schema.features[position] for position in order)),
        matrix=dataset.matrix[:, order],
        notes=[*notes, *(f"{name}: left out; it numbers the rows, and the model does not know it" for name in dropped)],
    )


def match_classes(sample: Path, dataset: Dataset, labels: tuple[Label, ...]) -> Dataset:
    """Encode the sample's target by the estimator's classes; raises DatasetError for a label that it lacks."""
    target = dataset.schema.target
    codes = [_find_class(label, labels) for label in target.classes]
    unknown = [label for label, code in zip(target.classes, codes, strict=True) if code is None]
    if unknown:
        raise DatasetError(
            f"{sample}: {target.name}: the model does not know {unknown[0]!r}; its classes are {list_names(labels)}."
        )
    target_values = np.array(codes, dtype=np.float64)[dataset.target.astype(np.int64)]
    schema = replace(dataset.schema, target=replace(target, classes=labels))
    return replace(dataset, schema=schema, target=target_values)


def _find_class(label: Label, labels: tuple[Label, ...]) -> int | None:
    """The code of a label as the table has it: the estimator may have 1 as true, or as the text "1"."""
    text = write_value(label)
    equal = (code for code, each in enumerate(labels) if each == label or write_value(each) == text)
    return next(equal, None)
