"""Has a worker record the outcomes of an uploaded file, as `manage.py record_outcomes` does."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor import jobs
from predictor.access.rights import limit
from predictor.admin.asking import ask
from predictor.admin.retraining import describe_missing_worker
from predictor.exceptions import NoSpace
from predictor.files.uploading import keep_upload
from predictor.models import Job, Outcome, Version


class OutcomeFileForm(forms.Form):
    """A file, whose predictions it is about, and the options of the command."""

    file = forms.FileField(
        label=_("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.parquet,.jsonl,.ndjson,.xlsx,.gz,.zip"}),
    )
    model = forms.ChoiceField(label=_("Model"))
    partial = forms.BooleanField(
        required=False,
        label=_("Record the valid rows where others are refused"),
        help_text=_("Otherwise all rows are recorded, or none."),
    )
    correct = forms.BooleanField(
        required=False,
        label=_("Replace recorded outcomes"),
        help_text=_("Otherwise another value for such a prediction is refused. What is replaced is kept."),
    )
    new_classes = forms.BooleanField(required=False, label=_("Accept classes that the model does not know"))

    def __init__(self, models: list[str], data: Any = None, files: Any = None) -> None:
        super().__init__(data, files, label_suffix="")
        chosen: Any = self.fields["model"]
        chosen.choices = [(model, model) for model in models]
        sentence = gettext(
            "A table with the columns id, or reference, and outcome: CSV, Parquet, JSON lines or Excel (.xlsx), at most"
            " {megabytes} MB. Numbers are in the unit of the data."
        )
        self.fields["file"].help_text = sentence.format(megabytes=settings.UPLOAD_MAX_MB)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > settings.UPLOAD_MAX_BYTES:
            sentence = gettext("The file is larger than {megabytes} MB.")
            raise forms.ValidationError(sentence.format(megabytes=settings.UPLOAD_MAX_MB))
        return file


def show_upload(request: HttpRequest) -> HttpResponse:
    """Ask for a file; then keep it, and have a worker record what is in it."""
    user: Any = request.user
    if not user.has_perm("predictor.add_outcome"):
        raise PermissionDenied
    models = limit(Version.objects.all(), request.user).list_models()
    form = OutcomeFileForm(models, *((request.POST, request.FILES) if request.method == "POST" else ()))
    if form.is_valid() and (job := enqueue_file(request, form)):
        return redirect("admin:predictor_job_change", job.pk)
    sentence = gettext("A worker records what really happened for the predictions of a file, and reports on each row.")
    return ask(
        request,
        Outcome._meta,
        form=form,
        title=gettext("Upload outcomes"),
        sentence=" ".join(filter(None, [sentence, describe_missing_worker()])),
        button_label=gettext("Upload"),
        back=reverse("admin:predictor_outcome_changelist"),
    )


def enqueue_file(request: HttpRequest, form: OutcomeFileForm) -> Job | None:
    """The job of a file that is now kept; None where it has no space, which the form then says."""
    by, chosen = request.user.get_username(), form.cleaned_data
    try:
        file = keep_upload(chosen["file"], by=by)
    except NoSpace as error:
        form.add_error("file", str(error))
        return None
    options = {name: chosen[name] for name in ("partial", "correct", "new_classes")}
    arguments = {"file": str(file.pk), **options}
    return jobs.enqueue(jobs.OUTCOMES, by=by, model=chosen["model"], arguments=arguments)
