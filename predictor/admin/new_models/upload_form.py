"""The first step: a name, and the table."""

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.models import StoredRecipe, Version
from predictor.schema.schema import RESERVED_SLUGS, SLUG, TAKEN_SLUGS

TABLES = ".csv,.tsv,.txt,.parquet,.jsonl,.ndjson,.xlsx,.gz,.zip"


class UploadForm(forms.Form):
    """Which table, and what the model's addresses are called."""

    slug = forms.CharField(
        max_length=50,
        label=_("Name in addresses"),
        help_text=_("Lower-case letters, digits and underscores, beginning with a letter: houses makes /houses/."),
    )
    table = forms.FileField(label=_("Table"), widget=forms.FileInput(attrs={"accept": TABLES}))

    def __init__(self, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files, label_suffix="")
        sentence = gettext(
            "CSV, Parquet, JSON lines or Excel (.xlsx), at most {megabytes} MB, names in the first line."
        )
        self.fields["table"].help_text = sentence.format(megabytes=settings.UPLOAD_MAX_MB)

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if not SLUG.fullmatch(slug):
            raise ValidationError(gettext("Use lower-case letters, digits and underscores, beginning with a letter."))
        if slug in RESERVED_SLUGS | TAKEN_SLUGS:
            raise ValidationError(gettext("There is a page of this name: choose another one."))
        folder = Path(settings.MODELS_DIR) / slug
        if folder.exists():
            raise ValidationError(gettext("There is a folder {folder}: choose another name.").format(folder=folder))
        is_taken = StoredRecipe.objects.filter(model=slug).exists() or Version.objects.filter(model=slug).exists()
        if is_taken:
            raise ValidationError(gettext("There is a model of this name: choose another one."))
        return slug

    def clean_table(self) -> Any:
        table = self.cleaned_data["table"]
        if table.size > settings.UPLOAD_MAX_BYTES:
            sentence = gettext("The file is larger than {megabytes} MB.")
            raise ValidationError(sentence.format(megabytes=settings.UPLOAD_MAX_MB))
        return table
