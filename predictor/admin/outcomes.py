"""The admin of outcomes, in which one is recorded, or corrected by a new one."""

from copy import deepcopy
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.access.rights import limit
from predictor.admin.cells import judge_outcome, show_moment
from predictor.admin.history import HistoryAdmin
from predictor.admin.lists import with_version
from predictor.admin.outcome_upload import show_upload
from predictor.exceptions import OutcomeChanged
from predictor.formats import MISSING
from predictor.models import Outcome, Prediction
from predictor.outcomes.recording import find_outcome, is_same, record_outcome
from predictor.schema.target import Target


class OutcomeForm(forms.ModelForm):
    """Takes the value of an outcome as text, which is parsed by the target of the prediction's version."""

    value = forms.CharField(
        label=_("What really happened"),
        strip=False,
        help_text=_("A number in the unit that pages show, or a class by its words or its code."),
        # Browsers strip line ends, which a label may contain, from a single-line input.
        widget=forms.Textarea(attrs={"rows": 1}),
    )
    # Not a list of all predictions to choose from.
    prediction = forms.ModelChoiceField(Prediction.objects.all(), label=_("prediction"), widget=forms.TextInput)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Outcome
        fields = ["prediction"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Name the unit, or the classes, where it is known which prediction this is about."""
        super().__init__(*args, **kwargs)
        field: Any = self.fields["prediction"]
        target = find_target(field.queryset, self.data.get("prediction") or self.initial.get("prediction"))
        if target is not None:
            self.fields["value"].help_text = gettext("Give {expected}.").format(expected=target.expected_of_people)

    def clean(self) -> None:
        prediction, raw = self.cleaned_data.get("prediction"), self.cleaned_data.get("value")
        if prediction is None or raw is None:
            return
        target = prediction.version.parsed_schema.target
        try:
            value = target.parse(raw, shown=True)
        except ValueError as error:
            self.add_error("value", str(error))
            return
        if is_same(find_outcome(prediction), target, value):
            self.add_error("value", _("This value is already recorded. There is nothing to add."))

    def validate_constraints(self) -> None:
        """Leave the constraint of the first outcome to `record_outcome`, which may record a correction instead."""


@admin.register(Outcome)
class OutcomeAdmin(HistoryAdmin):
    """Records an outcome, or a correction of it; stored outcomes are read-only."""

    model_field = "prediction__version__model"
    form = OutcomeForm
    list_display = [
        "moment",
        "version",
        "prediction",
        "shown_value",
        "answer",
        "verdict",
        "recorded_by",
        "queue",
        "replaced",
    ]
    list_select_related = ["replaces"]
    ordering = ["-id"]

    def get_urls(self) -> list[URLPattern]:
        uploading = self.admin_site.admin_view(show_upload)
        return [path("upload/", uploading, name="predictor_outcome_upload"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        label = gettext("Upload outcomes") if self.has_add_permission(request) else ""
        return super().changelist_view(request, {**(extra_context or {}), "upload_label": label})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Outcome]:
        return super().get_queryset(request).prefetch_related(*with_version())

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("predictor.add_outcome")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        """With the predictions that the user may see, in a copy of the field, which all requests share."""
        form = super().get_form(request, obj, change, **options)
        field: Any = deepcopy(form.base_fields.get("prediction"))
        if field is not None:
            field.queryset = list_predictions(request)
            form.base_fields = {**form.base_fields, "prediction": field}
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["prediction", "value", "seen"]
        return ["prediction", "shown_value", "answer", "verdict", "moment", "recorded_by", "queue", "replaces"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """With ?prediction=…, start from that prediction, and from its current outcome, which will be replaced."""
        try:
            prediction = Prediction(id=UUID(request.GET.get("prediction", "")))
        except ValueError:
            return {}
        is_known = list_predictions(request).filter(pk=prediction.pk).exists()
        current = find_outcome(prediction) if is_known else None
        value = request.GET.get("value") or (current.typed_value if current else "")
        return {"prediction": prediction.id, "seen": current and current.id, "value": value}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except OutcomeChanged as error:
            messages.error(request, gettext("Not recorded: {problem}").format(problem=error))
            return redirect(make_record_url(request.POST["prediction"], value=request.POST["value"]))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        cleaned = form.cleaned_data
        by = request.user.get_username()
        recorded, _is_new = record_outcome(obj.prediction, cleaned["value"], by=by, seen=cleaned["seen"])
        obj.pk, obj.value = recorded.pk, recorded.value

    @admin.display(description=_("recorded"), ordering="recorded_at")
    def moment(self, outcome: Outcome) -> SafeString:
        return show_moment(outcome.recorded_at)

    @admin.display(description=_("model and version"))
    def version(self, outcome: Outcome) -> str:
        return str(outcome.prediction.version)

    @admin.display(description=_("answer"))
    def answer(self, outcome: Outcome) -> str:
        return str(outcome.prediction.written_output)

    @admin.display(description=_("verdict"))
    def verdict(self, outcome: Outcome) -> str:
        return judge_outcome(outcome.prediction, outcome.value).short

    @admin.display(description=_("replaces"))
    def replaced(self, outcome: Outcome) -> str:
        return (
            MISSING
            if outcome.replaces is None
            else str(outcome.prediction.version.target.write(outcome.replaces.value))
        )

    @admin.display(description=_("value"))
    def shown_value(self, outcome: Outcome) -> str:
        return str(outcome.written_value)


def list_predictions(request: HttpRequest) -> QuerySet[Prediction]:
    """The predictions that the user may see."""
    return limit(Prediction.objects.all(), request.user, "version__model")


def find_target(predictions: QuerySet[Prediction], prediction_id: Any) -> Target | None:
    """The target of a prediction's version; None where it is not among these."""
    try:
        id = UUID(str(prediction_id))
    except ValueError:
        return None
    prediction = predictions.filter(id=id).select_related("version").first()
    return prediction.version.target if prediction else None


def make_record_url(prediction_id: object, **initial: str) -> str:
    return f"{reverse('admin:predictor_outcome_add')}?{urlencode({'prediction': prediction_id, **initial})}"
