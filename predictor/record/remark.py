"""What a draft of a recipe says of a table's columns, as it is stored; and the one place where a form says it."""

from collections.abc import Mapping

import msgspec

from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.record.filling import Value, fill
from predictor.texts import clip

# By code. They advise what the form has, where the text of a remark advises keys of model.toml.
SENTENCES = {
    # What a column contains, and how it is read.
    "whole_numbers": _("Whole numbers from {low} to {high}"),
    "numbers": _("Numbers from {low} to {high}"),
    "dates": _("Dates from {low} to {high}"),
    "datetimes": _("Dates with a time from {low} to {high}"),
    "times": _("Times from {low} to {high}"),
    "yes_or_no": _("Yes or no, with {share} yes"),
    "categories": _("Categories ({count}): {some}"),
    "more_categories": _("Categories ({count}): {some}, …"),
    "classes": _("Classes ({count}): {some}"),
    "more_classes": _("Classes ({count}): {some}, …"),
    "texts": _("Different texts: {count}, of up to {longest} characters"),
    "are_row_numbers": _("Row numbers"),
    "is_free_text": _("Free text"),
    "not_trained_on": _("Cannot be trained on"),
    "empty": _("empty in {gaps} of {rows} rows"),
    "codes_stay_texts": _("codes with leading zeros stay texts"),
    "trained_on_words": _("most values differ and have several words, so the model is trained on these"),
    "read_with_unit": _("read as numbers with the unit {unit}"),
    "read_without_separators": _("read as numbers without their separators of thousands"),
    "means_missing": _("what means missing: {words}"),
    # Doubts.
    "same_value": _("It always has the same value."),
    "same_value_or_empty": _("It always has the same value, or is empty."),
    "named_as_id": _("Its name looks like an id, which has no meaning for a new row."),
    "numbers_rows": _("Every row has a different whole number, like an id, which has no meaning for a new row."),
    "sentinel": _(
        "{value} occurs {times} times, far from all other values: if it means missing, write it into “Means missing”."
    ),
    "unclear_amounts": _(
        "{example} may be thousands or a decimal, so it stays a text: write it without separators of thousands."
    ),
    "mixed_dates": _(
        "It contains dates, but not all in one form, so each is a category: write all of them like 2026-03-01."
    ),
    "compact_dates": _("Its numbers may be dates, such as {example}: write them like 2026-03-01."),
    "like_free_text": _(
        "{different} different texts in {rows} rows, like free text: each is a category of its own. The kind “text”"
        " would train on its words."
    ),
    "gives_away": _("It predicts the target almost perfectly on its own: is it known before the target is?"),
    "spellings": _("{into} is also written {others}: tick “Unite spellings” to make them one."),
    "more_spellings": _(
        "{into} is also written {others}, and other values (number: {more}) in several ways, too: tick “Unite"
        " spellings” to make them one."
    ),
    "rows_left_out": _("Rows without a value in the target, which are left out: {count}."),
    "few_rows": _("Rows to train on: {count}. That is few, and too few to hold some out."),
    "few_numbers": _(
        "The target has {different} different numbers: if they are classes, choose a class as what is predicted."
    ),
    "numbers_as_classes": _(
        "The target is whole numbers from {first} to {last}, taken for classes: if they are quantities, choose a number"
        " as what is predicted."
    ),
    "many_classes": _("The target has {count} classes: is it a quantity, or a text?"),
    "rare_class": _("The class {rare} has one row, which cannot be both trained on and measured on."),
    "common_class": _("{share} of the rows are {common}: look at macro F1 rather than accuracy."),
    # Why a column is left out.
    "row_numbers": _("Left out: it numbers the rows, so it has no meaning for a new one."),
    "reserved_name": _("Left out: every form has a field with this name. Rename the column."),
    "free_text": _(
        "Left out: {different} different texts in {rows} rows are free text. The kind “text” would train on its words."
    ),
    "left_out_dates": _("Left out: it contains dates, but not all in one form. Write all of them like 2026-03-01."),
    "left_out_amounts": _(
        "Left out: {example} may be thousands or a decimal. Write it without separators of thousands."
    ),
}


class Remark(msgspec.Struct, frozen=True, omit_defaults=True):
    """A description, a doubt, or why a column is left out.

    `text` is what `manage.py startmodel` writes, in English; by its code and values a form says it.
    """

    text: str
    code: str = ""
    values: Mapping[str, Value] = {}

    def __str__(self) -> str:
        return self.text

    @property
    def sentence(self) -> str:
        """In the current language; empty where this build knows no code of it."""
        return fill(gettext(SENTENCES[self.code]), self.values) if self.code in SENTENCES else ""


def make_remark(code: str, text: str, **values: Value) -> Remark:
    """A remark with what databases can store of its values."""
    return Remark(text, code, {k: list(map(clip, v)) if isinstance(v, list) else v for k, v in values.items()})
