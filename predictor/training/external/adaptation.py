"""Adapts a sample to an estimator that was made elsewhere: its task, its columns, its classes."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain

from predictor.estimators.coded import Coded
from predictor.estimators.imported import Imported
from predictor.exceptions import DatasetError, RecipeError
from predictor.schema.kinds import Task
from predictor.schema.values import Label, write_value
from predictor.texts import add_article, list_names
from predictor.training.dataset import Dataset, describe_target, load_dataset
from predictor.training.external.codes import decode_categories, encode_again, find_numbers
from predictor.training.external.model_file import ModelFile
from predictor.training.external.wrapping import describe_outputs, wrap_estimator
from predictor.training.pipeline import set_single_job
from predictor.training.recipe import Recipe


class ImportRecipe(Recipe, frozen=True, kw_only=True):
    """The recipe of an import, which has no model.toml; errors name the model's file `source`, or the sample."""

    source: Path
    # The model.toml that describes it, where there is one.
    described: Path | None = None
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
        is_described = self.described is not None and key.partition(".")[0] in ("features", "output", "gate")
        return RecipeError(f"{self.described if is_described else self.data_file}: {key}: {problem.rstrip('.')}.")


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """The sample in the estimator's own columns and classes, and the estimator that takes its matrix.

    `imported` is the estimator itself where that takes the matrix as it is, or takes other numbers for some codes.
    """

    dataset: Dataset
    estimator: Imported | Coded
    imported: Imported


def adapt_estimator(file: ModelFile, estimator: Any, recipe: Recipe) -> Adapted:
    """Infer the schema from the sample, compare it with what the estimator was fitted on, and let it predict.

    From here on the estimator runs in one thread. Raises DatasetError or RecipeError for the sample,
    ModelFileError for an estimator that cannot predict for it.
    """
    set_single_job(estimator)
    sample, task = recipe.data_file, find_task(file, estimator)
    check_outputs(file, estimator)
    dataset = match_columns(sample, load_sample(recipe, task), estimator)
    labels = read_labels(file, estimator) if task == "classification" else ()
    if labels:
        dataset = match_classes(sample, dataset, labels)
    dataset = describe_target(recipe, dataset)
    numbers = find_numbers(dataset)
    imported = wrap_estimator(file, estimator, decode_categories(dataset, numbers), labels)
    return Adapted(dataset=dataset, estimator=encode_again(imported, numbers), imported=imported)


def load_sample(recipe: Recipe, task: Task) -> Dataset:
    """Read a sample. Its dates stay texts, as pandas reads them from a CSV file."""
    return load_dataset(msgspec.structs.replace(recipe, task=task), finds_dates=False)


def find_task(file: ModelFile, estimator: Any) -> Task:
    """The estimator's task by its tags; without tags, an estimator with classes is a classifier."""
    tags = estimator.__sklearn_tags__() if hasattr(estimator, "__sklearn_tags__") else None
    kind = getattr(tags, "estimator_type", None)
    if kind not in (None, "classifier", "regressor"):
        noun = add_article(kind.replace("_", " "))
        raise file.error(f"its {type(estimator).__name__} is {noun}: only a classifier or a regressor can be served")
    # A regressor of CatBoost has classes_ too.
    is_classifier = kind == "classifier" or (kind is None and hasattr(estimator, "classes_"))
    return "classification" if is_classifier else "regression"


def check_outputs(file: ModelFile, estimator: Any) -> None:
    """Raise ModelFileError for an estimator whose attributes say that it was fitted on several targets."""
    count = _count_outputs(estimator)
    if count > 1:
        raise file.error(describe_outputs(count))


def _count_outputs(estimator: Any) -> int:
    """How many targets an estimator was fitted on, as far as its attributes say; 1 where they do not."""
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    if isinstance(last, MultiOutputRegressor | MultiOutputClassifier | RegressorChain | ClassifierChain):
        return len(getattr(last, "estimators_", ()))
    classes = getattr(last, "classes_", None)
    if isinstance(classes, list):
        # One array of classes for each target. In other classifiers, n_outputs_ may count classes.
        return sum(isinstance(each, np.ndarray | list) for each in classes)
    if classes is not None and len(classes):
        return 1
    # A linear model has a row of coefficients for each target.
    rows = np.shape(getattr(last, "coef_", ()))[:-1]
    return int(getattr(last, "n_outputs_", rows[0] if rows else 1))


def read_labels(file: ModelFile, estimator: Any) -> tuple[Label, ...]:
    """The estimator's own classes, in their order. Raises ModelFileError."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        raise file.error(f"its {type(estimator).__name__} has no classes_: is it fitted?")
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
    ours, wanted = dataset.schema.names, find_names(estimator)
    without = [name for name in ours if name not in dataset.row_numbers]
    if wanted is None:
        count = count_features(estimator)
        if count == len(without) < len(ours):
            return _choose_columns(dataset, without)
        if count is not None and count != len(ours):
            raise DatasetError(
                f"{sample}: the model was fitted on {count} columns, and besides the target there are"
                f" {len(ours)}: {list_names(ours)}."
            )
        return dataset
    missing, more = [n for n in wanted if n not in set(ours)], [n for n in without if n not in set(wanted)]
    if missing or more:
        listed = {"missing": missing, "not among them": more}
        problems = [f"{word}: {list_names(columns)}" for word, columns in listed.items() if columns]
        raise DatasetError(f"{sample}: the model was fitted on other columns; {'; '.join(problems)}.")
    return _choose_columns(dataset, wanted)


def find_names(estimator: Any) -> list[str] | None:
    """The names of the columns that an estimator was fitted on; None where it does not know any.

    CatBoost has them under a name of its own, and gives the columns of a matrix their numbers as names.
    """
    wanted = getattr(estimator, "feature_names_in_", None)
    if wanted is None and (own := _find_own_names(estimator)) != [str(number) for number in range(len(own))]:
        wanted = own
    return None if wanted is None else [str(name) for name in wanted]


def count_features(estimator: Any) -> int | None:
    """How many columns an estimator was fitted on, None where that is unknown. A fitted CatBoost says 0."""
    count = getattr(estimator, "n_features_in_", None)
    return count or len(_find_own_names(estimator)) or None


def _find_own_names(estimator: Any) -> list[str]:
    return list(getattr(estimator, "feature_names_", None) or [])


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
