"""Finds columns of dates and times, the one form in which all of a column is written, and reads them by it."""

import re

import msgspec
import polars as pl

from predictor.exceptions import DatasetError
from predictor.schema.kinds import Feature, Kind
from predictor.schema.temporal import Date, Datetime, Time
from predictor.tables.cells import match_whole
from predictor.training.date_columns import TEMPORAL, Form, find_misfits, is_written_as
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.recipe import Recipe

# A shape that all texts of a column have, so that numbers and words cost no more than a look.
LIKE_DATE = r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*"
LIKE_DATETIME = r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}.*"
LIKE_TIME = r"\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: [AaPp][Mm])?\s*"
LIKE_OTHER = r".*[0-9]{4}.*"
OFFSET = r"\s*[0-9-]{10}[Tt ][0-9:.,]+(?:[Zz]|[+-][0-9:]+)\s*"
# Those that pages, spreadsheets and databases write; more in the recipe's own words.
DAYS = ("%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y")
CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p")
FEW_TEXTS = 50


def describe_form(form: Form) -> str:
    """What a column contains, and how it writes that: “dates written as %d.%m.%Y”."""
    words = {"date": "dates", "datetime": "dates with a time", "time": "times"}[form.kind]
    zone = f" in {form.zone}" if form.zone else ""
    return f"{words}{zone}{f' written as {form.format}' if form.format else ''}"


def infer_forms(series: pl.Series) -> list[Form]:
    """List the forms in which a column of texts can be read: none for other columns, several for an ambiguous one."""
    texts = series.drop_nulls() if series.dtype == pl.String else series.clear().cast(pl.String)
    if not len(texts):
        return []
    if match_whole(texts, LIKE_DATE).all():
        return _keep_likely(Form(kind="date"), texts)
    if match_whole(texts, LIKE_DATETIME).all():
        has_offset = match_whole(texts, OFFSET)
        is_one_form = has_offset.all() or not has_offset.any()
        return _keep_likely(Form(kind="datetime", zone="UTC" if has_offset.all() else ""), texts) if is_one_form else []
    if match_whole(texts, LIKE_TIME).all():
        return _keep_fitting([Form(kind="time"), *(Form(kind="time", format=clock) for clock in CLOCKS)], texts)[:1]
    return _infer_others(texts) if match_whole(texts, LIKE_OTHER).all() else []


def _keep_likely(form: Form, texts: pl.Series) -> list[Form]:
    """The form where it reads most of the texts; the others are then refused, each by name."""
    few = texts.unique(maintain_order=True).head(FEW_TEXTS).to_list()
    return [form] if len(list(find_misfits(few, form))) <= len(few) / 2 else []


def _infer_others(texts: pl.Series) -> list[Form]:
    days = [Form(kind="date", format=day) for day in DAYS]
    moments = [Form(kind="datetime", format=f"{day} {clock}") for day in DAYS for clock in CLOCKS]
    few = texts.head(FEW_TEXTS)
    return _keep_fitting(_keep_fitting([*days, *moments], few), texts)


def _keep_fitting(forms: list[Form], texts: pl.Series) -> list[Form]:
    return [form for form in forms if is_written_as(texts, form)]


def find_form(recipe: Recipe, series: pl.Series, kind: Kind | None) -> Form | None:
    """The form of a column of dates or times, by what the recipe gives; None for other columns.

    Raises RecipeError where the recipe's keys fit no such column, and DatasetError where two forms fit.
    """
    given = recipe.features.get(series.name, FeatureRecipe())
    if kind is not None and kind not in TEMPORAL:
        form = None
    elif given.format:
        form = Form(
            kind=kind or _name_kind(given.format), format=given.format, zone="UTC" if "%z" in given.format else ""
        )
    else:
        forms = [each for each in infer_forms(series) if kind in (None, each.kind)]
        if len(forms) > 1:
            raise _ask_form(recipe, series, forms)
        form = forms[0] if forms else Form(kind=kind) if kind else None
    return _set_zone(recipe, series.name, given, form)


def _set_zone(recipe: Recipe, name: str, given: FeatureRecipe, form: Form | None) -> Form | None:
    if form is None and given.format:
        raise recipe.error(f"features.{name}.format", "leave it out: it is for dates and times")
    if given.zone and (form is None or form.kind != "datetime"):
        raise recipe.error(f"features.{name}.zone", "leave it out: it is for dates with a time")
    return Form(kind=form.kind, format=form.format, zone=given.zone) if form and given.zone else form


def _ask_form(recipe: Recipe, series: pl.Series, forms: list[Form]) -> DatasetError:
    example = series.drop_nulls()[0]
    ways = " or ".join(f'format = "{form.format}"' for form in forms)
    return DatasetError(
        f"{recipe.data_file}: {series.name}: it contains dates that can be read in {len(forms)} ways, such as"
        f" {example!r}: write {ways} below [features.{series.name}] in {recipe.file.name}."
    )


def _name_kind(format: str) -> Kind:
    has_time = re.search("%[SMHI]", format)
    return "date" if not has_time else "datetime" if re.search("%[djyY]", format) else "time"


def find_live_form(feature: Feature) -> Form | None:
    """The form by which a live version reads a feature; None where it is no date or time."""
    match feature:
        case Datetime():
            return Form(kind="datetime", format=feature.format, zone=feature.zone)
        case Date() | Time():
            return Form(kind=feature.kind, format=feature.format)
        case _:
            return None


def keep_form(given: FeatureRecipe, form: Form) -> FeatureRecipe:
    """What the recipe gives about a column, with its kind and its form where it gives neither."""
    return msgspec.structs.replace(given, kind=form.kind, format=form.format, zone=given.zone or form.zone)


def are_read_alike(feature: Feature, other: Feature) -> bool:
    """Whether two versions encode, and so hash, the same values alike; ISO 8601 says the same as any form."""
    ours, theirs = find_live_form(feature), find_live_form(other)
    if ours is None or theirs is None:
        return ours is theirs
    return ours.kind == theirs.kind and (ours.format == theirs.format or not (ours.format and theirs.format))
