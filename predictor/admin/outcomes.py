"""Where an outcome is recorded, or corrected by one more."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from predictor.admin.history import HistoryAdmin
from predictor.exceptions import OutcomeChanged
from predictor.models import Outcome, Prediction
from predictor.outcomes.recording import find_outcome, is_same, record_outcome
from predictor.schema.values import write_value


class OutcomeForm(forms.ModelForm):
    """An outcome as somebody says it, which `record_outcome` parses against the prediction's target."""

    value = forms.CharField(
        label="What really happened",
        strip=False,
        help_text="A number, or the label of a class.",
        # Browsers drop the line ends of a label from a field of one line.
        widget=forms.Textarea(attrs={"rows": 1}),
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Outcome
        fields = ["prediction"]

    def clean(self) -> None:
        prediction, raw = self.cleaned_data.get("prediction"), self.cleaned_data.get("value")
        if prediction is None or raw is None:
            return
        target = prediction.version.parsed_schema.target
        try:
            value = target.parse(raw)
        except ValueError as error:
            self.add_error("value", str(error))
            return
        if is_same(find_outcome(prediction), target, value):
            self.add_error("value", "This is recorded already: nothing is to be added.")

    def validate_constraints(self) -> None:
        """What comes first and what is a correction is found out when it is recorded."""


@admin.register(Outcome)
class OutcomeAdmin(HistoryAdmin):
    """Where an outcome is recorded, or corrected by one more; what stands there is only read."""

    form = OutcomeForm
    list_display = ["recorded_at", "prediction", "shown_value", "recorded_by", "replaces"]
    list_select_related = ["prediction__version", "replaces__prediction__version"]
    raw_id_fields = ["prediction"]
    ordering = ["-id"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("predictor.add_outcome")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["prediction", "value", "seen"]
        return ["prediction", "shown_value", "recorded_at", "recorded_by", "replaces"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """With ?prediction=…, the form is about that one, and replaces the outcome that it has now."""
        try:
            prediction = Prediction(id=UUID(request.GET.get("prediction", "")))
        except ValueError:
            return {}
        current = find_outcome(prediction)
        value = request.GET.get("value") or (write_value(current.value) if current else "")
        return {"prediction": prediction.id, "seen": current and current.id, "value": value}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except OutcomeChanged as error:
            messages.error(request, f"Not recorded: {error}")
            return redirect(make_record_url(request.POST["prediction"], value=request.POST["value"]))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        said = form.cleaned_data
        by = request.user.get_username()
        recorded, _ = record_outcome(obj.prediction, said["value"], by=by, seen=said["seen"])
        obj.pk, obj.value = recorded.pk, recorded.value

    @admin.display(description="value")
    def shown_value(self, outcome: Outcome) -> str:
        return str(outcome.written_value)


def make_record_url(prediction_id: object, **initial: str) -> str:
    return f"{reverse('admin:predictor_outcome_add')}?{urlencode({'prediction': prediction_id, **initial})}"
