"""The second step: the column to predict."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class TargetForm(forms.Form):
    """One of the columns of a table, by its position: names may be anything."""

    target = forms.TypedChoiceField(
        coerce=int,
        label=_("The column to predict"),
        error_messages={"required": _("Choose a column.")},
        widget=forms.RadioSelect,
    )

    def __init__(self, columns: list[dict[str, Any]], data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        self.columns = columns
        field: Any = self.fields["target"]
        field.choices = [(position, column["name"]) for position, column in enumerate(columns)]

    @property
    def chosen(self) -> str:
        return str(self.columns[self.cleaned_data["target"]]["name"])
