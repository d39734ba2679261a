"""Before a recipe is changed: the table that it names from then on."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from predictor.admin.retrain_form import describe_table
from predictor.models import DataVersion, StoredRecipe


class TableForm(forms.Form):
    """One of the tables that were uploaded for a model."""

    data_version = forms.ModelChoiceField(
        DataVersion.objects.none(),
        label=_("Table"),
        empty_label=None,
        help_text=_("Tables that were uploaded before are kept."),
    )

    def __init__(self, row: StoredRecipe, data: Any = None) -> None:
        super().__init__(data, initial={"data_version": row.data_version}, label_suffix="")
        field: Any = self.fields["data_version"]
        field.queryset = DataVersion.objects.filter(model=row.model).select_related("file").order_by("-id")
        field.label_from_instance = describe_table
