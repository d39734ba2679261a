"""Keeps the kinds, the task and the label type of a live model where its recipe gives none."""

import msgspec
import polars as pl

from predictor.schema.kinds import Kind, Task
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.tables.cells import are_codes, cast_numbers
from predictor.training.date_columns import Form
from predictor.training.date_columns import find_misfit as find_odd_date
from predictor.training.dates import find_live_form, infer_forms, keep_form, reads_nearly_all
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.kinds import describe_free_text, find_misfit, infer_kind, infer_task, read_whole
from predictor.training.number_columns import drop_zeros
from predictor.training.recipe import Recipe

SHOWN_NAMES = 5
REFUSED = "refused, since most of its texts differ"


def keep_live(recipe: Recipe, table: pl.DataFrame, live: Schema) -> tuple[Recipe, list[str]]:
    """Fill in what the recipe leaves open from the live version, where it would now be inferred differently.

    So a new rule of inference changes no live model. What the data no longer fits is inferred anew. The second value
    tells the author what was kept, and which line to write.
    """
    kept: dict[tuple[Kind, str], list[str]] = {}
    features = dict(recipe.features)
    for feature in live.features:
        given = features.get(feature.name, FeatureRecipe())
        if feature.name not in table.columns or given.exclude or given.kind or given.choices:
            continue
        series = table[feature.name]
        form = find_live_form(feature)
        if form is not None:
            # Its own form is kept, also where another one would fit by now, or a slip fits none.
            if not given.format and (find_odd_date(series, form) is None or _is_slip(series, form)):
                features[feature.name] = keep_form(given, form)
            continue
        now = _infer_anew(series)
        if now != feature.kind and find_misfit(series, feature.kind) is None:
            features[feature.name] = msgspec.structs.replace(given, kind=feature.kind)
            kept.setdefault((feature.kind, now), []).append(feature.name)
    notes = [_note_kind(names, *kinds) for kinds, names in kept.items()]
    task, note = _keep_task(recipe, table[recipe.target], live.target)
    return msgspec.structs.replace(recipe, features=features, task=task), [*note, *notes]


def _is_slip(series: pl.Series, form: Form) -> bool:
    """Whether a column has few texts that its form does not read, and no other form reads all of it."""
    others = infer_forms(series)
    return reads_nearly_all(series, form) and all(find_odd_date(series, each) is not None for each in others)


def _infer_anew(series: pl.Series) -> str:
    if forms := infer_forms(series):
        return forms[0].kind
    kind = infer_kind(series)
    return REFUSED if kind == "category" and describe_free_text(series) else kind


def _keep_task(recipe: Recipe, series: pl.Series, live: Target) -> tuple[Task | None, list[str]]:
    now = REFUSED if describe_free_text(series) else infer_task(series)
    fits = not series.dtype.is_float() if live.task == "classification" else series.dtype.is_numeric()
    if recipe.task or live.name != recipe.target or now == live.task or not fits:
        return recipe.task, []
    change = f'Write task = "{now}" to have that, or' if now != REFUSED else "Write"
    return live.task, [
        f"{recipe.target}: the task is {live.task}, as in the live version; without one, it would now be {now}."
        f' {change} task = "{live.task}" to keep it'
    ]


def _note_kind(names: list[str], kind: Kind, now: str) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    change = "exclude = true to leave it out" if now == REFUSED else f'kind = "{now}" to have that'
    return (
        f"{', '.join(names[:SHOWN_NAMES])}{more}: the kind is {kind}, as in the live version; without one, it would"
        f' now be {now}. Write {change}, or kind = "{kind}" to keep it, below [features.<column>]'
    )


def keep_numbers(recipe: Recipe, series: pl.Series, live: Schema) -> pl.Series:
    """Read codes with leading zeros as whole numbers where the live version does: as choices, or as its target."""
    if series.name == recipe.target:
        is_number = live.target.name == series.name and live.target.task == "regression" and not recipe.task
        return drop_zeros(series) if is_number else series
    choices = [choice for feature in live.features if feature.name == series.name for choice in feature.choices]
    return drop_zeros(series) if choices and not are_codes(pl.Series(choices)) else series


def keep_labels(recipe: Recipe, series: pl.Series, live: Target) -> pl.Series:
    """Convert classes to the type that the live version's have, where all can be: 1 to true or "1"."""
    task = recipe.task or infer_task(series)
    if not live.classes or live.name != recipe.target or task != "classification" or series.dtype.is_float():
        return series
    wanted = type(live.classes[0])
    if wanted is str:
        return series.cast(pl.String)
    if series.dtype == pl.String:
        if find_misfit(series, "integer") is not None:
            return series
        numbers = read_whole(cast_numbers(series.str.strip_chars()))
    else:
        numbers = series.cast(pl.Int64)
    if not numbers.dtype.is_integer() or (wanted is bool and find_misfit(numbers, "boolean") is not None):
        return series
    return numbers.cast(pl.Boolean) if wanted is bool else numbers
