"""Doubts about a table's columns, as a draft of a recipe stores them; and the one place where a form says them."""

from collections.abc import Mapping

import msgspec

from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.record.filling import Value, fill
from predictor.texts import clip

# By code. They advise what the form has, where the text of a doubt advises keys of model.toml.
SENTENCES = {
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


class Doubt(msgspec.Struct, frozen=True, omit_defaults=True):
    """`text` is what `manage.py startmodel` writes, in English; a code and values are what a form says it by."""

    text: str
    code: str = ""
    values: Mapping[str, Value] = {}

    def __str__(self) -> str:
        return self.text

    @property
    def sentence(self) -> str:
        """In the current language; empty where this build knows no code of it."""
        return fill(gettext(SENTENCES[self.code]), self.values) if self.code in SENTENCES else ""


def make_doubt(code: str, text: str, **values: Value) -> Doubt:
    """A doubt with what databases can store of its values."""
    return Doubt(text, code, {k: list(map(clip, v)) if isinstance(v, list) else v for k, v in values.items()})
