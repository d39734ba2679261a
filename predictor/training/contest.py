"""Measures champion, challenger and a dummy on the same held-out rows, which neither of the two was trained on."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from predictor.exceptions import CannotCompare
from predictor.metrics.losses import Predictions, measure_losses
from predictor.metrics.names import Metric
from predictor.schema.kinds import Category, Feature
from predictor.schema.schema import Schema
from predictor.schema.table import Inputs, Table, get_matrix, take_rows
from predictor.schema.text import Text
from predictor.schema.values import Label, Mask, Vector, recode
from predictor.texts import add_article, take_first_line
from predictor.training.dataset import Dataset
from predictor.training.dates import are_read_alike
from predictor.training.evaluation import fit_dummy, predict_rows, take_inputs
from predictor.training.gate import Contest
from predictor.training.holdout import is_held_out

# What to do next where two versions cannot be compared.
PROMOTE = "promote this version by hand if it is to replace the live one"
PROMOTE_ONCE = "promote this version by hand, and later ones can be compared with it"
# How values are read; two formats of dates may say the same (`are_read_alike`).
HASHED_KEYS = ("missing", "merge", "zone")


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The live version: its number, its schema, how its rows were split, and its fitted estimator.

    `share` is None where its training rows are unknown.
    """

    number: int
    schema: Schema
    names: list[str]
    share: float | None
    estimator: Any
    canonical: dict[str, dict[str, Any]] = field(default_factory=dict)


def hold_contest(
    dataset: Dataset,
    share: float | None,
    fitted: BaseEstimator,
    champion: Champion,
    metric: Metric,
    predictions: Predictions | None = None,
) -> Contest:
    """Measure the losses of all three on the rows below both shares that both can score.

    `share` is the challenger's, None where its training rows are unknown; `predictions` are its own for all
    its held-out rows, where they were already made. Raises CannotCompare with the cause.
    """
    _check_comparable(dataset.schema, share, champion)
    _check_canonical(dataset, champion)
    held_out = is_held_out(dataset.hashes, min(share or 0, champion.share or 0))
    inputs, actual, classes = take_inputs(dataset, held_out), dataset.target[held_out], dataset.schema.target.classes
    translated = translate_inputs(inputs, dataset.schema, champion.schema)
    known = can_score(fitted, dataset.schema, inputs, actual, classes)
    known &= can_score(champion.estimator, champion.schema, translated, actual, classes)
    left_out = int((~known).sum())
    if not known.any():
        raise CannotCompare(f"no held-out row can be scored by both ({left_out} cannot)", PROMOTE)
    if left_out:
        inputs, translated, actual = take_rows(inputs, known), take_rows(translated, known), actual[known]
    theirs = _predict_by_champion(champion, translated)
    compared = {
        "champion": _translate_predictions(theirs, champion.schema, dataset.schema),
        "challenger": predictions.choose(held_out[dataset.held_out]).choose(known)
        if predictions
        else predict_rows(fitted, inputs, len(classes)),
        "baseline": predict_rows(fit_dummy(dataset, dataset.training), inputs, len(classes)),
    }
    if metric == "log_loss" and compared["champion"].probabilities is None:
        raise CannotCompare(f"version {champion.number} gives no probabilities", 'set metric = "accuracy" in [gate]')
    with np.errstate(over="ignore"):
        losses = {who: measure_losses(metric, actual, predictions) for who, predictions in compared.items()}
        infinite = [who for who, each in losses.items() if not np.isfinite(each.sum())]
    if infinite:
        step = 'set metric = "mae" in [gate]' if metric == "rmse" else PROMOTE
        raise CannotCompare(f"the losses of the {infinite[0]} are infinite", step)
    return Contest(metric=metric, left_out=left_out, tolerance=dataset.tolerance, **losses)


def translate_inputs(inputs: Inputs, source: Schema, target: Schema) -> Inputs:
    """Encode a matrix of one schema, shape (n, features), or a table for another schema with the same names.

    A category that the other does not have becomes −1. Where the features are the same, so are the inputs.
    """
    if source.features == target.features:
        return inputs
    matrix = get_matrix(inputs)
    columns = {feature.name: (feature, matrix[:, i]) for i, feature in enumerate(source.features)}
    matrix = np.column_stack([_translate_column(*columns[feature.name], feature) for feature in target.features])
    if not isinstance(inputs, Table):
        return matrix
    texts = {target.names.index(source.names[column]): texts for column, texts in inputs.texts.items()}
    return Table(matrix=matrix, texts=texts)


def can_score(estimator: Any, schema: Schema, inputs: Inputs, actual: Vector, classes: tuple[Label, ...]) -> Mask:
    """Mark the rows, shape (n,), without a category, a class or a missing value that a version never saw.

    `schema` is the version's, and so is the encoding of `inputs`, n rows; `actual` holds codes of `classes`.
    """
    known = np.ones(len(inputs), dtype=bool)
    matrix, texts = (inputs.matrix, inputs.texts) if isinstance(inputs, Table) else (inputs, {})
    for column, (values, feature) in enumerate(zip(matrix.T, schema.features, strict=True)):
        has_texts = column in texts
        missing = np.array([text is None for text in texts[column]]) if has_texts else np.isnan(values)
        known &= ~(missing & feature.required)
        if isinstance(feature, Category):
            seen = [float(code) for code, choice in enumerate(feature.choices) if choice in feature.seen]
            known &= missing | np.isin(values, seen)
    if schema.target.classes:
        seen_labels = [schema.target.classes[int(code)] for code in estimator.classes_]
        codes = [code for code, label in enumerate(classes) if _is_among(label, seen_labels)]
        known &= np.isin(actual, codes)
    return known


def _check_comparable(schema: Schema, share: float | None, champion: Champion) -> None:
    ours, theirs = schema.target, champion.schema.target
    if (ours.name, ours.task) != (theirs.name, theirs.task):
        raise CannotCompare(f"version {champion.number} predicts {theirs.name!r} by {theirs.task}", PROMOTE)
    if champion.share is None:
        cause = f"the training rows of version {champion.number} are unknown"
        raise CannotCompare(cause, PROMOTE_ONCE if share else PROMOTE)
    if share is None:
        raise CannotCompare("the training rows of the challenger are unknown", PROMOTE)
    if not share:
        raise CannotCompare("this version has no hold-out", f"set holdout in the recipe, or {PROMOTE}")
    if not champion.share:
        raise CannotCompare(f"version {champion.number} has no hold-out", PROMOTE_ONCE)
    if sorted(champion.names) != sorted(schema.names):
        raise CannotCompare(f"version {champion.number} has other features, and so other rows held out", PROMOTE_ONCE)
    for feature in schema.features:
        other = next(f for f in champion.schema.features if f.name == feature.name)
        if any(isinstance(feature, each) != isinstance(other, each) for each in (Category, Text)):
            kinds = f"{feature.name!r} was {add_article(other.kind)} and is {add_article(feature.kind)}"
            raise CannotCompare(kinds, PROMOTE_ONCE)
        if not are_read_alike(feature, other):
            problem = f"the values of {feature.name!r} were read in another form, so other rows were held out"
            raise CannotCompare(problem, PROMOTE_ONCE)


def _check_canonical(dataset: Dataset, champion: Champion) -> None:
    ours, theirs = dataset.canonical, champion.canonical
    for name in sorted({*ours, *theirs}):
        for key in HASHED_KEYS:
            if ours.get(name, {}).get(key) != theirs.get(name, {}).get(key):
                cause = f"version {champion.number} reads {name!r} by another `{key}`, and so holds out other rows"
                raise CannotCompare(cause, PROMOTE_ONCE)


def _predict_by_champion(champion: Champion, inputs: Inputs) -> Predictions:
    """Predict by the champion; one that fails on new rows cannot be compared, and does not fail the retrain."""
    try:
        return predict_rows(champion.estimator, inputs, len(champion.schema.target.classes))
    except Exception as error:  # Whatever it raises, it cannot be compared.
        cause = f"version {champion.number} cannot predict for the held-out rows ({take_first_line(error)})"
        raise CannotCompare(cause, PROMOTE) from error


def _translate_column(source: Feature, values: Vector, target: Feature) -> Vector:
    if not isinstance(source, Category):
        return values
    positions = {choice: float(code) for code, choice in enumerate(target.choices)}
    return recode(values, np.array([*(positions.get(choice, -1.0) for choice in source.choices), np.nan]))


def _translate_predictions(predictions: Predictions, source: Schema, target: Schema) -> Predictions:
    """Turn a version's class codes and columns of probabilities into another's; classes only it has become −1."""
    if not source.target.classes:
        return predictions
    labels = target.target.classes
    table = np.array([_find_label(label, labels) for label in source.target.classes])
    predicted = table[predictions.predicted.astype(np.int64)].astype(np.float64)
    if predictions.probabilities is None:
        return Predictions(predicted=predicted)
    probabilities = np.zeros((len(predicted), len(labels)))
    shared = table >= 0
    probabilities[:, table[shared]] = predictions.probabilities[:, shared]
    return Predictions(predicted=predicted, probabilities=probabilities)


def _find_label(label: Label, labels: tuple[Label, ...]) -> int:
    return next((code for code, each in enumerate(labels) if _is_same(label, each)), -1)


def _is_among(label: Label, labels: list[Label]) -> bool:
    return any(_is_same(label, each) for each in labels)


def _is_same(one: Label, other: Label) -> bool:
    """True and 1 are two labels, although Python calls them equal."""
    return type(one) is type(other) and one == other
