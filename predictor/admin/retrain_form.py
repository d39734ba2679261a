"""The form that asks on what a model is retrained."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from predictor.formats import format_number
from predictor.models import DataVersion


class RetrainForm(forms.Form):
    """On what a model is retrained: by default on the recipe's table."""

    data_version = forms.ModelChoiceField(
        DataVersion.objects.none(),
        required=False,
        label=_("Table"),
        empty_label=_("the recipe's table"),
        help_text=_("Tables that were uploaded before are kept."),
    )
    table = forms.FileField(
        required=False,
        label=_("Or upload a table"),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.parquet,.jsonl,.ndjson,.xlsx,.gz,.zip"}),
    )
    with_outcomes = forms.BooleanField(
        required=False,
        label=_("Also train on recorded outcomes"),
        help_text=_("Rows that are held out stay held out."),
    )

    def __init__(self, model: str, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files, label_suffix="")
        kept: Any = self.fields["data_version"]
        kept.queryset = DataVersion.objects.filter(model=model).select_related("file")
        kept.label_from_instance = describe_table
        sentence = gettext(
            "CSV, Parquet, JSON lines or Excel (.xlsx), at most {megabytes} MB. It is kept for later retrains."
        )
        self.fields["table"].help_text = sentence.format(megabytes=settings.UPLOAD_MAX_MB)

    def clean_table(self) -> Any:
        table = self.cleaned_data["table"]
        if table is not None and table.size > settings.UPLOAD_MAX_BYTES:
            sentence = gettext("The file is larger than {megabytes} MB.")
            raise forms.ValidationError(sentence.format(megabytes=settings.UPLOAD_MAX_MB))
        return table

    def clean(self) -> None:
        if self.cleaned_data.get("table") and self.cleaned_data.get("data_version"):
            self.add_error("table", gettext("Choose a table or upload one, not both."))


def describe_table(table: DataVersion) -> str:
    sentence = ngettext(
        "{number}: {name}, {rows} row, uploaded on {day} by {user}",
        "{number}: {name}, {rows} rows, uploaded on {day} by {user}",
        table.rows,
    )
    return sentence.format(
        number=table.pk,
        name=table.file.name,
        rows=format_number(table.rows),
        day=f"{table.made_at:%Y-%m-%d}",
        user=table.made_by,
    )
