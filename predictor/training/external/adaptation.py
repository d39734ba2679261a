"""Adapts a sample to an estimator that was made elsewhere: its task, its columns, its classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from sklearn.pipeline import make_pipeline

from predictor.estimators.coded import Coded
from predictor.estimators.imported import Imported
from predictor.exceptions import DatasetError, RecipeError
from predictor.formats import write_count
from predictor.schema.kinds import Kind, Task
from predictor.schema.values import Label, write_value
from predictor.tables.table import read_table
from predictor.texts import list_names
from predictor.training.dataset import Dataset, describe_target, load_dataset
from predictor.training.external.boosted import restore_spaces
from predictor.training.external.codes import decode_categories, encode_again, find_numbers
from predictor.training.external.dates import note_dates, refuse_times
from predictor.training.external.dummies import Dummies, expand_dummies, match_dummies, name_dummies
from predictor.training.external.label_encoders import Encoding, name_choices, name_classes, place_encoders
from predictor.training.external.parts import Hints, Parts
from predictor.training.external.probabilities import keep_probabilities
from predictor.training.external.stages import build_pipeline, plan_stages, wants_dense
from predictor.training.external.task import check_numbers, check_outputs, find_task, read_labels
from predictor.training.external.text_columns import find_text_columns, forget_words, takes_list
from predictor.training.external.wrapping import forget_names, prepare_inputs, wrap_estimator
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.number_columns import drop_zeros
from predictor.training.pipeline import set_single_job
from predictor.training.recipe import Recipe
from predictor.training.row_numbers import find_row_numbers
from predictor.training.spelling import find_gaps, merge_spellings

# The tables and keys of a recipe that describes an import; other errors are about the sample.
DESCRIBED = ("features", "output", "gate", "order", "examples", "embed_origins", "access", "translations")


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
        return (
            "use a sample in which each category occurs more than once, or name a column of free text with --text; for"
            f' dates of pandas, write kind = "date" below [features.{column}] in the model\'s description'
        )

    def error(self, key: str, problem: str, **coded: Any) -> RecipeError:
        is_described = key.partition(".")[0].partition("[")[0] in DESCRIBED
        file = (is_described and self.described) or self.data_file
        return RecipeError(f"{file}: {key}: {problem.rstrip('.')}.", **coded)


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """The sample in the estimator's own columns and classes, and the estimator that takes its matrix.

    `imported` is the estimator itself where that takes the matrix as it is, or takes other numbers for some codes.
    """

    dataset: Dataset
    estimator: Imported | Coded
    imported: Imported


def adapt_estimator(parts: Parts, recipe: Recipe, hints: Hints) -> Adapted:
    """Infer the schema from the sample, compare it with what the estimator was fitted on, and let it predict.

    From here on the estimator runs in one thread, behind all that prepares its inputs. Raises DatasetError or
    RecipeError for the sample, ModelFileError for an estimator that cannot predict for it.
    """
    file, estimator, sample = parts.file, parts.estimator, recipe.data_file
    for each in (estimator, *parts.transformers.values()):
        set_single_job(each)
    task = find_task(file, estimator)
    check_outputs(file, estimator)
    table = read_sample(recipe)
    inputs, row_numbers = table.drop(recipe.target), find_row_numbers(table, recipe.target)
    columns = [name for name in inputs.columns if name not in row_numbers]
    if task == "regression":
        check_numbers(file, estimator, table[recipe.target])
    plan = plan_stages(parts, hints, columns)
    if plan.names and not plan.stages:
        plan = replace(plan, names=restore_spaces(estimator, plan.names, [*inputs.columns, *name_dummies(inputs)]))
    dummies = match_dummies(sample, inputs, plan.names, hints.dropped, hints.dummies) if plan.names else {}
    encodings = place_encoders(sample, table, recipe.target, parts, hints, is_classifier=task == "classification")
    first = plan.stages[0].transformer if plan.stages else estimator
    texts = find_text_columns(sample, first, columns, list_texts(recipe, hints, columns))
    dataset = load_sample(describe_columns(recipe, dummies, encodings, texts), task)
    if plan.names is None and takes_list(first):
        plan = replace(plan, names=texts)
    wanted = plan.names and list(dict.fromkeys(find_origin(dummies, name) for name in plan.names))
    dataset = name_choices(match_columns(sample, dataset, wanted, plan.count), encodings)
    labels = read_labels(file, estimator) if task == "classification" else ()
    if labels:
        dataset = match_words(parts, sample, dataset, labels, encodings.get(recipe.target))
    dataset = describe_target(recipe, dataset)
    positions = frozenset(encodings) | frozenset(dummies)
    numbers = find_numbers(dataset, positions)
    decoded = decode_categories(dataset, numbers)
    prepared = prepare_inputs(decoded, positions) if plan.stages else None
    piped = build_pipeline(plan.stages, estimator, prepared, is_dense=wants_dense(parts, hints, plan))
    if dummies and plan.names:
        piped = make_pipeline(expand_dummies(dataset.schema.names, dummies, plan.names), forget_names(piped))
    imported, of_scores = keep_probabilities(file, wrap_estimator(file, piped, decoded, labels, positions), decoded)
    notes = [*dataset.notes, *parts.notes, *describe_parts(dummies, encodings), *note_dates(dataset), *of_scores]
    return Adapted(dataset=replace(dataset, notes=notes), estimator=encode_again(imported, numbers), imported=imported)


def read_sample(recipe: Recipe) -> pl.DataFrame:
    """Read the sample as `load_sample` does; raises RecipeError where it lacks the target, and DatasetError."""
    table, _ = read_table(recipe.data_file, find_gaps(recipe))
    if recipe.target not in table.columns:
        raise recipe.error("target", f"{recipe.target!r} is not a column; the columns are {list_names(table.columns)}.")
    table = table.drop(name for name in table.columns if recipe.features.get(name, FeatureRecipe()).exclude)
    return table.with_columns(merge_spellings(recipe, drop_zeros(series)) for series in table)


def list_texts(recipe: Recipe, hints: Hints, columns: Sequence[str]) -> list[str]:
    """The columns that options or the model's description call texts."""
    described = (name for name, given in recipe.features.items() if given.kind == "text" and name in columns)
    return list(dict.fromkeys([*hints.texts, *described]))


def describe_columns(
    recipe: Recipe, dummies: Mapping[str, Dummies], encodings: Mapping[str, Encoding], texts: Sequence[str]
) -> Recipe:
    """The recipe with the columns of texts, and the choices of those whose categories the estimator knows as codes.

    Raises RecipeError where the model's description has another kind for them, or choices of its own.
    """
    features = dict(recipe.features)
    for column in texts:
        features[column] = _describe_column(recipe, column, "text")
    for column, each in dummies.items():
        features[column] = _describe_column(recipe, column, "category", each.choices)
    for column, encoding in encodings.items():
        if column != recipe.target:
            given = _describe_column(recipe, column, "category", encoding.choices)
            features[column] = encoding.describe(recipe, column, given)
    return msgspec.structs.replace(recipe, features=features)


def _describe_column(recipe: Recipe, column: str, kind: Kind, choices: Sequence[str] = ()) -> FeatureRecipe:
    given = recipe.features.get(column, FeatureRecipe())
    if given.choices or given.kind not in (None, kind):
        key = "choices" if given.choices else "labels" if given.labels else "kind"
        taken = f"as one of {list_names(choices)}" if choices else "as a text"
        raise recipe.error(f"features.{column}.{key}", f"leave it out: the model takes this column {taken}")
    return msgspec.structs.replace(given, kind=kind, choices=[*choices] or None)


def find_origin(dummies: Mapping[str, Dummies], name: str) -> str:
    """The sample's column of which a column of the estimator was made."""
    return next((column for column, each in dummies.items() if name in each.made), name)


def describe_parts(dummies: Mapping[str, Dummies], encodings: Mapping[str, Encoding]) -> list[str]:
    return [
        *(f"{column}: one choice for {len(each.made)} columns of the model" for column, each in dummies.items()),
        *(f"{column}: a LabelEncoder gives its codes their words" for column in encodings),
    ]


def match_words(
    parts: Parts, sample: Path, dataset: Dataset, labels: tuple[Label, ...], encoding: Encoding | None
) -> Dataset:
    """Encode the sample's target by the estimator's classes, which a label encoder may give other words."""
    if encoding is None:
        return match_classes(sample, dataset, labels)
    words = name_classes(parts, labels, encoding)
    matched = match_classes(sample, dataset, labels if encoding.is_coded else words)
    target = replace(matched.schema.target, classes=words)
    return replace(matched, schema=replace(matched.schema, target=target))


def load_sample(recipe: Recipe, task: Task) -> Dataset:
    """Read a sample. Its dates stay texts, as pandas reads them from a CSV file, unless the recipe says otherwise."""
    refuse_times(recipe)
    return forget_words(load_dataset(msgspec.structs.replace(recipe, task=task), finds_dates=False))


def match_columns(sample: Path, dataset: Dataset, wanted: list[str] | None, count: int | None) -> Dataset:
    """Put the columns into the `wanted` order, or check how many they are; raises DatasetError where they differ.

    A column that numbers the sample's rows is left out where the estimator was not fitted on it.
    """
    ours = dataset.schema.names
    without = [name for name in ours if name not in dataset.row_numbers]
    if wanted is None:
        if count == len(without) < len(ours):
            return _choose_columns(dataset, without)
        if count is not None and count != len(ours):
            raise DatasetError(
                f"{sample}: the model was fitted on {write_count(count, 'column')}, and besides the target there"
                f" {'is' if len(ours) == 1 else 'are'} {len(ours)}: {list_names(ours)}; {_name_ways(count, ours)}."
            )
        return dataset
    missing, more = [n for n in wanted if n not in set(ours)], [n for n in without if n not in set(wanted)]
    if missing or more:
        listed = {"missing": missing, "not among them": more}
        problems = [f"{word}: {list_names(columns)}" for word, columns in listed.items() if columns]
        ways = "; leave such out of the sample, or write exclude = true below [features.…] in the model's description"
        raise DatasetError(
            f"{sample}: the model was fitted on other columns; {'; '.join(problems)}{'' if missing else ways}."
        )
    return _choose_columns(dataset, wanted)


def _name_ways(count: int, ours: Sequence[str]) -> str:
    if count > len(ours):
        return "add the file of what made its columns of these, such as a vectoriser, an encoder or a ColumnTransformer"
    return "leave the others out of the sample"


def _choose_columns(dataset: Dataset, names: list[str]) -> Dataset:
    """Put the features into this order; one that numbers the rows and is not among them is dropped, with its notes."""
    order = [dataset.schema.names.index(name) for name in names]
    dropped = [name for name in dataset.schema.names if name not in set(names)]
    notes = [note for note in dataset.notes if not note.startswith(tuple(f"{name}: " for name in dropped))]
    return replace(
        dataset,
        schema=replace(dataset.schema, features=tuple(dataset.schema.features[position] for position in order)),
        texts={place: dataset.texts[position] for place, position in enumerate(order) if position in dataset.texts},
        matrix=dataset.matrix[:, order],
        notes=[*notes, *(f"{name}: left out; it numbers the rows, and the model does not know it" for name in dropped)],
    )


def match_classes(sample: Path, dataset: Dataset, labels: tuple[Label, ...]) -> Dataset:
    """Encode the sample's target by the estimator's classes; raises DatasetError for a label that it lacks."""
    target = dataset.schema.target
    codes = [_find_class(label, labels) for label in target.classes]
    unknown = [label for label, code in zip(target.classes, codes, strict=True) if code is None]
    if unknown:
        known = f"the model does not know {unknown[0]!r}; its classes are {list_names(labels)}"
        is_coded = not any(isinstance(label, str) for label in labels) and isinstance(unknown[0], str)
        ways = (
            ": write these codes in the sample, or add the file of the LabelEncoder that made them" if is_coded else ""
        )
        raise DatasetError(f"{sample}: {target.name}: {known}{ways}.")
    target_values = np.array(codes, dtype=np.float64)[dataset.target.astype(np.int64)]
    schema = replace(dataset.schema, target=replace(target, classes=labels))
    return replace(dataset, schema=schema, target=target_values)


def _find_class(label: Label, labels: tuple[Label, ...]) -> int | None:
    """The code of a label as the table has it: the estimator may have 1 as true, or as the text "1"."""
    text = write_value(label)
    equal = (code for code, each in enumerate(labels) if each == label or write_value(each) == text)
    return next(equal, None)
