"""Checks a recipe's `[output]` against the target that it is about, and limits the output of fitted estimators."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from predictor.estimators.limited import Limited, Thresholded
from predictor.exceptions import InvalidValue
from predictor.formats import write_count
from predictor.schema.output import Output
from predictor.schema.target import Target
from predictor.schema.values import Label, Vector
from predictor.training.recipe import Recipe

FOR_NUMBERS = ("decimals", "scale", "unit", "bands", "minimum", "maximum")
FOR_CLASSES = ("threshold", "positive")


def apply_output(recipe: Recipe, target: Target) -> Target:
    """The target with the recipe's `[output]`. Raises RecipeError for a key that does not go with this target."""
    output, empty = recipe.output, Output()
    others = FOR_CLASSES if target.task == "regression" else FOR_NUMBERS
    for key in others:
        if getattr(output, key) != getattr(empty, key):
            meant = "two classes" if key in FOR_CLASSES else "numbers"
            raise recipe.error(f"output.{key}", f"is for a target of {meant}, and this is a {target.task}")
    if target.task == "regression":
        _check_numbers(recipe, output, target)
        return replace(target, output=output)
    return replace(target, output=_check_classes(recipe, output, target))


def _check_numbers(recipe: Recipe, output: Output, target: Target) -> None:
    low, high = output.minimum, output.maximum
    if low is not None and high is not None and low >= high:
        raise recipe.error("output.minimum", f"must be below the maximum {high}, not {low}")
    if output.scale != 1 and (output.unit is None or output.unit == target.unit):
        problem = f"numbers that are {output.scale} times the target's have another unit: write it as output.unit"
        raise recipe.error("output.scale", problem)
    for lower, upper in pairwise(output.bands):
        if lower.below is None or (upper.below is not None and upper.below <= lower.below):
            problem = "must have rising ends `below`, and only the last band may have none"
            raise recipe.error("output.bands", f"{problem}, which {lower.label!r} and {upper.label!r} have not")


def _check_classes(recipe: Recipe, output: Output, target: Target) -> Output:
    """The same with the positive class as the target has it; the recipe may name it by its words."""
    if output.threshold is None and output.positive is None:
        return output
    if output.threshold is None or output.positive is None:
        missing = "threshold" if output.threshold is None else "positive"
        raise recipe.error(f"output.{missing}", "is missing: threshold is the least probability of the class positive")
    if len(target.classes) != 2:
        problem = f"is for two classes, and {target.name!r} has {len(target.classes)}"
        raise recipe.error("output.threshold", problem)
    return msgspec.structs.replace(output, positive=_read_class(recipe, output.positive, target))


def _read_class(recipe: Recipe, positive: Label, target: Target) -> Label:
    try:
        read = target.parse(positive)
    except InvalidValue as error:
        raise recipe.error("output.positive", str(error)) from error
    return next(label for label in target.classes if label == read)


def check_probabilities(recipe: Recipe, target: Target, estimator: Any) -> None:
    """Raise RecipeError where the recipe sets a threshold for an estimator without probabilities."""
    if target.output.threshold is not None and not hasattr(estimator, "predict_proba"):
        raise recipe.error("output.threshold", "this estimator gives no probabilities: choose another, or leave it out")


def limit_output(fitted: Any, target: Target) -> Any:
    """The same estimator with the limits that the target has; itself where it has none."""
    output = target.output
    if output.threshold is not None:
        positive = target.classes.index(output.positive)
        return Thresholded(estimator=fitted, threshold=output.threshold, positive=positive, negative=1 - positive)
    limits = {"minimum": output.minimum, "maximum": output.maximum}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return Limited(estimator=fitted, **given) if given else fitted


def note_beyond(target: Target, values: Vector) -> list[str]:
    """Say how many true values, shape (n,), the limits of the output make unreachable."""
    low, high = target.limits
    beyond = int(np.count_nonzero((values < low) | (values > high))) if target.task == "regression" else 0
    if not beyond:
        return []
    rows = write_count(beyond, "row has a value", "rows have values")
    return [f"{rows} of {target.name} beyond the limits of [output]: no prediction is"]
