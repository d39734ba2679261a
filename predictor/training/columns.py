"""Encodes the columns of a table, and infers the kind of each feature and the task from them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from predictor.exceptions import DatasetError, InvalidValue
from predictor.formats import write_count
from predictor.schema.kinds import KINDS, Feature, Kind, make_feature
from predictor.schema.target import Target
from predictor.schema.values import Label, Mask, Value, Vector
from predictor.training.date_columns import FROM_TEXTS, Form, encode_dates
from predictor.training.date_columns import find_misfit as find_odd_date
from predictor.training.dates import find_form, find_hashed_zone
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.kinds import describe_free_text, find_misfit, infer_kind, infer_task
from predictor.training.recipe import Recipe
from predictor.training.texts import describe_texts, normalise_texts, read_texts
from predictor.training.words import list_choices, match_labels


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the table as float64, shape (n,): numbers, codes into `choices`, NaN for missing.

    Dates and times, which have a `form`, are encoded as their features encode them; `zone` is the one that decides on
    their numbers, where one does.
    """

    name: str
    kind: Kind
    values: Vector
    choices: tuple[str, ...] = ()
    form: Form | None = None
    zone: str = ""
    # Of a column of texts, whose values are NaN; None where one is missing.
    texts: NDArray[np.object_] | None = None

    @property
    def reader(self) -> Any:
        """A feature that reads this column's dates or times."""
        return self.form and self.form.reader


def encode_column(recipe: Recipe, series: pl.Series, *, finds_dates: bool = True) -> Column:
    """Encode one column, as `read_numbers` returned it, by the recipe's kind or, without one, by the inferred kind.

    Raises RecipeError where a value is not of the recipe's kind, and DatasetError where the column is empty, contains
    free text of few words, which is a category only where the recipe says so, or dates that can be read in two ways.
    Without `finds_dates`, all free text is refused unless the recipe says what it is.
    """
    given = recipe.features.get(series.name, FeatureRecipe())
    if series.null_count() == len(series):
        problem = "the column is empty: exclude it or fill it"
        raise DatasetError(f"{recipe.data_file}: {series.name}: {problem}.")
    kind = given.kind or ("category" if given.choices else None)
    may_be_dates = finds_dates or given.kind in FROM_TEXTS or given.format
    if may_be_dates and (form := find_form(recipe, series, kind)):
        return _encode_dates(recipe, series, form)
    kind = kind or infer_kind(series)
    if given.kind and (misfit := find_misfit(series, kind)) is not None:
        problem = (
            f"{recipe.data} also contains {misfit!r}, but {kind} means {KINDS[kind].fitting}: fix the value or the kind"
        )
        raise recipe.error(f"features.{series.name}.{'labels' if given.labels else 'kind'}", problem)
    if kind == "text" and (given.kind or finds_dates):
        texts = read_texts(recipe, series)
        return Column(name=series.name, kind=kind, values=np.full(len(series), np.nan), texts=texts)
    if kind in ("category", "text"):
        if not given.choices and not given.kind:
            _refuse_free_text(recipe, series, recipe.name_way_out(series.name))
        return _encode_category(recipe, series, given)
    values = series.cast(pl.Float64).to_numpy()
    values = np.where(np.isnan(values), np.nan, values) + 0.0
    _check_finite(recipe, series.name, values)
    return Column(name=series.name, kind=kind, values=values)


def _encode_dates(recipe: Recipe, series: pl.Series, form: Form) -> Column:
    misfit = find_odd_date(series, form)
    if misfit is None:
        zone = find_hashed_zone(series, form)
        return Column(name=series.name, kind=form.kind, values=encode_dates(series, form), form=form, zone=zone)
    given = recipe.features.get(series.name, FeatureRecipe())
    if given.kind or given.format:
        problem = f"{recipe.data} also contains {misfit!r}, but {form.kind} means {KINDS[form.kind].fitting}"
        raise recipe.error(f"features.{series.name}.{'format' if given.format else 'kind'}", problem)
    problem = f'the other values are dates, but {misfit!r} is not: fix it, or write kind = "category" in the recipe'
    raise DatasetError(f"{recipe.data_file}: {series.name}: {problem}.")


def _refuse_free_text(recipe: Recipe, series: pl.Series, way_out: str) -> None:
    if problem := describe_free_text(series):
        raise DatasetError(f"{recipe.data_file}: {series.name}: {problem}; {way_out}.")


def _encode_category(recipe: Recipe, series: pl.Series, given: FeatureRecipe) -> Column:
    given_key = "choices" if given.choices or not given.labels else "labels"
    if series.dtype.is_float():
        raise recipe.error(f"features.{series.name}.{given_key}", "leave it out: the column contains decimal numbers")
    if given.minimum is not None or given.maximum is not None:
        raise recipe.error(f"features.{series.name}", "minimum and maximum are for numbers, and this is a category")
    texts = normalise_texts(recipe, series)
    found = sorted(texts.drop_nulls().unique().to_list())
    choices = list_choices(series, given, found)
    if len(set(choices)) < len(choices):
        raise recipe.error(f"features.{series.name}.{given_key}", f"a choice is listed twice: {list(choices)}")
    if series.dtype == pl.Boolean:
        # A file may write true in any case; the recipe's choices say how people read it.
        texts = texts.replace({choice.lower(): choice for choice in choices})
        found = sorted(texts.drop_nulls().unique().to_list())
    listed = set(choices)
    unlisted = [text for text in found if text not in listed]
    if unlisted:
        problem = f"{recipe.data} also contains {unlisted[0]!r}: add it to the {given_key} or fix the data"
        raise recipe.error(f"features.{series.name}.{given_key}", problem)
    codes = texts.replace_strict(choices, list(range(len(choices))), return_dtype=pl.Float64)
    return Column(name=series.name, kind="category", values=codes.fill_null(np.nan).to_numpy(), choices=choices)


def encode_target(recipe: Recipe, series: pl.Series) -> tuple[Target, Vector]:
    """Encode the target (no missing values), shape (n,), and describe it.

    Without `task` in the recipe, `infer_task` decides; then a target of free text is refused. Raises RecipeError or
    DatasetError.
    """
    given = recipe.features.get(series.name, FeatureRecipe())
    kind = given.kind if given.labels else None
    allowed = {key: getattr(given, key) for key in ("label", "unit", "labels", "missing", "merge")}
    if given != FeatureRecipe(kind=kind, **allowed):
        problem = "this is the target, which takes only label, unit, labels, missing and merge"
        raise recipe.error(f"features.{series.name}", problem)
    if given.labels and recipe.task == "regression":
        raise recipe.error(f"features.{series.name}.labels", "words are for classes, and the task is a regression")
    if recipe.task is None:
        _refuse_free_text(recipe, series, "choose a target whose classes occur more than once")
    task = recipe.task or infer_task(series)
    if task == "classification":
        if series.dtype == pl.String:
            series = normalise_texts(recipe, series)
        classes: list[Label] = sorted(series.unique().to_list())
        if len(classes) < 2:
            raise DatasetError(
                f"{recipe.data_file}: {series.name}: every row is {classes[0]!r}; at least two classes are needed."
            )
        if series.dtype.is_float():
            slip = find_misfit(series, "category")
            problem = f"{series.name!r} contains decimal numbers, such as {slip!r}, which cannot be classes"
            raise recipe.error("task", problem)
        target_values = series.replace_strict(classes, list(range(len(classes))), return_dtype=pl.Float64).to_numpy()
    else:
        if not series.dtype.is_numeric():
            raise recipe.error(
                "task", f"regression needs a target of numbers, but {series.name!r} contains {series.dtype}"
            )
        classes = []
        target_values = series.cast(pl.Float64).to_numpy()
        _check_finite(recipe, series.name, target_values)
        if np.isnan(target_values).any():
            raise DatasetError(f"{recipe.data_file}: {series.name}: a target is not a number.")
    target = Target(
        name=series.name,
        label=given.label or series.name,
        unit=given.unit,
        task=task,
        classes=tuple(classes),
        merge=given.aliases if classes else {},
        missing=given.gaps,
    )
    return target, target_values


def infer_feature(recipe: Recipe, column: Column, training: Mask) -> Feature:
    """Describe a column by its data; what the recipe gives takes precedence.

    `training` has shape (n,) and marks the rows from which the range seen in training is taken.
    """
    given = recipe.features.get(column.name, FeatureRecipe())
    gaps = bool(np.isnan(column.values).any()) if column.texts is None else None in column.texts.tolist()
    if given.required and gaps:
        raise recipe.error(f"features.{column.name}.required", f"{recipe.data} has rows where it is missing")
    if given.maximum_length is not None and column.texts is None:
        raise recipe.error(f"features.{column.name}.maximum_length", f"it is for texts, and this is {column.kind}")
    has_nan = gaps or column.texts is not None
    values = column.values[training & ~np.isnan(column.values)] if has_nan else column.values[training]
    minimum, maximum = (_read_limit(recipe, column, key, getattr(given, key)) for key in ("minimum", "maximum"))
    _check_limits(recipe, column, minimum, maximum)
    labels = {"labels": match_labels(recipe, column.name, column.choices)} if given.labels else {}
    return make_feature(
        name=column.name,
        kind=column.kind,
        **_describe_form(column),
        **({} if column.texts is None else describe_texts(column.texts, training, given.maximum_length)),
        label=given.label or column.name,
        unit=given.unit,
        help=given.help,
        required=not gaps if given.required is None else given.required,
        minimum=minimum,
        maximum=maximum,
        choices=column.choices,
        missing=given.gaps,
        sensitive=given.hiding,
        **_describe_choices(recipe, column, given),
        seen=_find_seen(column, values),
        typical=_find_typical(column, values),
        **labels,
    )


def _describe_form(column: Column) -> dict[str, str]:
    if column.form is None:
        return {}
    return {key: how for key, how in (("format", column.form.format), ("zone", column.form.zone)) if how}


def _describe_choices(recipe: Recipe, column: Column, given: FeatureRecipe) -> dict[str, Any]:
    if column.kind != "category":
        if given.unseen:
            raise recipe.error(f"features.{column.name}.unseen", f"it is for categories, and this is {column.kind}")
        return {}
    known = set(column.choices)
    merged = {text: into for text, into in given.aliases.items() if into in known}
    return {"merge": merged, "unseen": given.unseen or ""}


def _find_seen(column: Column, values: Vector) -> tuple[float, ...] | tuple[str, ...]:
    if column.kind == "category":
        return tuple(column.choices[int(code)] for code in np.unique(values))
    return (float(values.min()), float(values.max())) if len(values) else ()


def _find_typical(column: Column, values: Vector) -> Value:
    """The most frequent category or boolean, or the lower median of the numbers, which is one of them."""
    if not len(values):
        return None
    match column.kind:
        case "category":
            return column.choices[int(_find_commonest(values))]
        case "boolean":
            return bool(_find_commonest(values))
        case "integer":
            return int(_find_middle(values))
        case "text":
            return None  # It would publish one.
        case _:
            middle = _find_middle(values)
            return str(column.reader.decode(middle)) if column.form else middle


def _find_commonest(values: Vector) -> float:
    codes, counts = np.unique(values, return_counts=True)
    return float(codes[counts.argmax()])


def _find_middle(values: Vector) -> float:
    half = (len(values) - 1) // 2
    return float(np.partition(values, half)[half])


def _read_limit(recipe: Recipe, column: Column, key: str, limit: float | str | None) -> float | None:
    """A limit as its column is encoded."""
    place = f"features.{column.name}.{key}"
    if column.form is None:
        if isinstance(limit, str):
            raise recipe.error(place, f"must be a number, not {limit}")
        return limit
    try:
        return None if limit is None else float(column.reader.encode(column.reader.convert(limit)))
    except InvalidValue as error:
        raise recipe.error(place, str(error)) from error


def _check_limits(recipe: Recipe, column: Column, minimum: float | None, maximum: float | None) -> None:
    if column.kind in ("boolean", "text") and (minimum is not None or maximum is not None):
        raise recipe.error(
            f"features.{column.name}", f"minimum and maximum are for numbers, and this is a {column.kind}"
        )
    if minimum is not None and maximum is not None and minimum > maximum:
        raise recipe.error(f"features.{column.name}.minimum", f"{minimum} is above the maximum {maximum}")


def _check_finite(recipe: Recipe, name: str, values: Vector) -> None:
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        rows = write_count(len(infinite), "row contains", "rows contain")
        problem = f"{rows} a number beyond ±1.8e308: fix it or leave it empty"
        raise DatasetError(f"{recipe.data_file}: {name}: {problem}.")
