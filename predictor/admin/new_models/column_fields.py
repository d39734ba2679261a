"""The fields of one column in the form of a recipe."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.admin.new_models.columns import KINDS, read_words, write_missing, write_words
from predictor.admin.new_models.doubts import Shown, find_obstacle, list_doubts, list_found

FIELDS = ("label", "kind", "unit", "missing", "words")
MOST_OF_A_LABEL = 200
TICKS = ("use", "merge")


class WordsField(forms.CharField):
    """Words for codes; one that is left empty leaves the codes as they are."""

    def __init__(self, codes: list[str], words: dict[str, str]) -> None:
        example = forms.TextInput(attrs={"placeholder": ", ".join(f"{code} = …" for code in codes)})
        label = _("Words for codes")
        super().__init__(max_length=2_000, required=False, label=label, initial=write_words(words), widget=example)

    def clean(self, value: Any) -> Any:
        try:
            return read_words(super().clean(value))
        except ValueError as error:
            problem = gettext("Write each as code = word, with commas between them, not {part}.")
            raise ValidationError(problem.format(part=error)) from error


@dataclass(frozen=True, kw_only=True)
class ColumnRow:
    """A column with what is doubtful about it, and its fields."""

    proposed: dict[str, Any]
    fields: list[BoundField]
    ticks: list[BoundField]

    @property
    def found(self) -> list[Shown]:
        """What it contains, and how it is read."""
        return list_found(self.proposed)

    @property
    def doubts(self) -> list[Shown]:
        return list_doubts(self.proposed)

    @property
    def obstacle(self) -> Shown | None:
        """Why the column is left out, where it is."""
        return find_obstacle(self.proposed)


def make_fields(
    column: dict[str, Any], given: dict[str, Any], proposed: dict[str, Any], *, is_target: bool
) -> dict[str, forms.Field]:
    """The fields of a proposed column; `given` is what the recipe says about it, `proposed` what was drafted."""
    label = given.get("label", column["name"])
    fields: dict[str, forms.Field] = {
        "label": _make_text(MOST_OF_A_LABEL, _("Label"), label[:MOST_OF_A_LABEL]),
        "unit": _make_text(50, _("Unit"), given.get("unit", "")),
        "missing": _make_text(200, _("Means missing"), write_missing(given.get("missing", []))),
    }
    if not is_target:
        fields["use"] = forms.BooleanField(required=False, label=_("Use"), initial=not given.get("exclude"))
        # What is not read as it looks stays so: the draft names its kind.
        found = [] if proposed.get("kind") else [("", _("as found"))]
        fields["kind"] = forms.ChoiceField(
            choices=[*found, *KINDS.items()], required=False, label=_("Kind"), initial=given.get("kind", "")
        )
    if column["codes"] or given.get("labels"):
        fields["words"] = WordsField(column["codes"], given.get("labels", {}))
    if column["merge"]:
        fields["merge"] = forms.BooleanField(
            required=False, label=_("Unite spellings"), initial=bool(given.get("merge"))
        )
    return fields


def _make_text(most: int, label: Any, initial: str) -> forms.CharField:
    return forms.CharField(max_length=most, required=False, label=label, initial=initial)
