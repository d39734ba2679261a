"""Finds columns of dates and times, the one form in which all of a column is written, and reads them by it."""

import re
from dataclasses import replace

import msgspec
import numpy as np
import polars as pl

from predictor.exceptions import DatasetError
from predictor.schema.kinds import Feature, Kind
from predictor.schema.temporal import Datetime
from predictor.tables.cells import match_whole
from predictor.training.date_columns import (
    FROM_TEXTS,
    Form,
    encode_dates,
    find_misfits,
    find_other_forms,
    is_written_as,
)
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.recipe import Recipe

# A shape that all texts of a column have, so that numbers and words cost no more than a look.
LIKE_DATE = r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*"
LIKE_DATETIME = r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}.*"
LIKE_TIME = r"\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: [AaPp][Mm])?\s*"
LIKE_OTHER = r".*[0-9]{4}.*"
LIKE_SHORT = r"\s*(?:[0-9]{1,2}|[A-Za-z]{3,9})[-/. ](?:[0-9]{1,2}|[A-Za-z]{3,9})(?:[-/. ]|, )[0-9]{2}(?:[T ].*)?\s*"
OFFSET = r"\s*[0-9-]{10}[Tt ][0-9:.,]+(?:[Zz]|[+-][0-9:]+)\s*"
# Those that pages, spreadsheets and databases write; more in the recipe's own words.
DAYS = ("%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y")
SHORT_DAYS = ("%y-%m-%d", "%y/%m/%d", *(day.replace("%Y", "%y") for day in DAYS[1:]))
CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p")
FEW_TEXTS = 50
FEW_MISFITS = 0.1
# By strptime, as POSIX has it, years from 69 are of the 20th century, and others of this one; these may be of either.
FIRST_UNCLEAR, FIRST_CLEAR = "2030-01-01T00:00", "2069-01-01T00:00"


def describe_form(form: Form) -> str:
    """What a column contains, and how it writes that: “dates written as %d.%m.%Y”."""
    words = "dates with a time" if form.kind == "datetime" else f"{form.kind}s"
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
    if match_whole(texts, LIKE_OTHER).all():
        return _infer_others(texts, DAYS) or _keep_nearest(texts)
    found = _infer_others(texts, SHORT_DAYS) if match_whole(texts, LIKE_SHORT).all() else []
    # Days that are read as years are soon unclear ones: 30 and 31.
    return [form for form in found if not find_unclear_year(texts, form)] or found


def _keep_likely(form: Form, texts: pl.Series) -> list[Form]:
    """The form where it reads most of the texts; the others are then refused, each by name."""
    few = texts.unique(maintain_order=True).head(FEW_TEXTS).to_list()
    return [form] if len(list(find_misfits(few, form))) <= len(few) / 2 else []


def _infer_others(texts: pl.Series, days: tuple[str, ...]) -> list[Form]:
    return _keep_fitting(_keep_fitting(_list_forms(days), texts.head(FEW_TEXTS)), texts)


def _list_forms(days: tuple[str, ...]) -> list[Form]:
    moments = [Form(kind="datetime", format=f"{day} {clock}") for day in days for clock in CLOCKS]
    return [*(Form(kind="date", format=day) for day in days), *moments]


def _keep_nearest(texts: pl.Series) -> list[Form]:
    """The forms with the fewest misfits, where these are few; they are then refused, each by name."""
    few = texts.unique(maintain_order=True).head(FEW_TEXTS).to_list()
    forms = [Form(kind="date"), Form(kind="datetime"), *_list_forms(DAYS)]
    misfits = {form: len(list(find_other_forms(few, form))) for form in forms}
    least = min(misfits.values())
    return [form for form in forms if misfits[form] == least <= len(few) * FEW_MISFITS]


def reads_nearly_all(series: pl.Series, form: Form) -> bool:
    """Whether a form reads so many texts of a column that the others are slips."""
    few = series.drop_nulls().unique(maintain_order=True).head(FEW_TEXTS).to_list() if series.dtype == pl.String else []
    return bool(few) and len(list(find_misfits(few, form))) <= len(few) * FEW_MISFITS


def _keep_fitting(forms: list[Form], texts: pl.Series) -> list[Form]:
    return [form for form in forms if is_written_as(texts, form)]


def find_form(recipe: Recipe, series: pl.Series, kind: Kind | None) -> Form | None:
    """The form of a column of dates or times, by what the recipe gives; None for other columns.

    Raises RecipeError where the recipe's keys fit no such column, and DatasetError where two forms fit.
    """
    given = recipe.features.get(series.name, FeatureRecipe())
    if kind is not None and kind not in FROM_TEXTS:
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
        if form and (text := find_unclear_year(series, form)):
            raise _ask_century(recipe, series, form, text)
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
        f' {example!r}: write {ways} below [features.{series.name}] in {recipe.file.name}, or kind = "category".'
    )


def find_unclear_year(series: pl.Series, form: Form) -> str:
    """The first text whose year has two digits that may be of this century or of the former one; empty without any."""
    if "%y" not in form.format:
        return ""
    reader = Datetime(name="", label="")
    first, end = (reader.encode(each) / (86_400 if form.kind == "date" else 1) for each in (FIRST_UNCLEAR, FIRST_CLEAR))
    numbers = pl.Series(encode_dates(series, form))
    unclear = series.filter((numbers >= first) & (numbers < end))
    return str(unclear[0]) if len(unclear) else ""


def _ask_century(recipe: Recipe, series: pl.Series, form: Form, text: str) -> DatasetError:
    read = form.reader.convert(text)[:4]
    return DatasetError(
        f"{recipe.data_file}: {series.name}: the year of {text!r} may be {read} or {int(read) - 100}: write four"
        f' digits, or, for {read}, format = "{form.format}" below [features.{series.name}] in {recipe.file.name}.'
    )


def _name_kind(format: str) -> Kind:
    has_time = re.search("%[SMHI]", format)
    return "date" if not has_time else "datetime" if re.search("%[djyY]", format) else "time"


def find_live_form(feature: Feature) -> Form | None:
    """The form by which a live version reads a feature; None where it is no date or time."""
    if not feature.reads_texts:
        return None
    return Form(kind=feature.kind, format=getattr(feature, "format", ""), zone=getattr(feature, "zone", ""))


def find_hashed_zone(series: pl.Series, form: Form) -> str:
    """The zone of a column, where its values are other numbers in it than in UTC; empty where all have an offset."""
    if form.zone in ("", "UTC"):
        return ""
    in_zone, in_utc = encode_dates(series, form), encode_dates(series, replace(form, zone="UTC"))
    return "" if np.array_equal(in_zone, in_utc, equal_nan=True) else form.zone


def keep_form(given: FeatureRecipe, form: Form) -> FeatureRecipe:
    """What the recipe gives about a column, with its kind and its form where it gives neither."""
    return msgspec.structs.replace(given, kind=form.kind, format=form.format, zone=given.zone or form.zone)


def are_read_alike(feature: Feature, other: Feature) -> bool:
    """Whether two versions encode, and so hash, the same values alike; ISO 8601 says the same as any form."""
    ours, theirs = find_live_form(feature), find_live_form(other)
    if ours is None or theirs is None:
        return ours is theirs
    return ours.kind == theirs.kind and (ours.format == theirs.format or not (ours.format and theirs.format))
