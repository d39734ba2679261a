"""What a user of the admin says of a schedule: what is done with which model, and when."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.access.rights import find_models
from predictor.admin.retraining import RETRAIN, is_trained_here
from predictor.models import Schedule, Version
from predictor.timing import read_timing, read_zone


class ScheduleForm(forms.ModelForm):
    """Offers the models that a user may see, and retrains to those who may retrain; a subclass has the user."""

    user: Any
    model = forms.ChoiceField(label=_("Model"))

    class Meta:
        model = Schedule
        fields = ["model", "kind", "timing", "with_outcomes", "is_on"]
        help_texts = {"with_outcomes": _("Retrains are also trained on recorded outcomes.")}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        fields: dict[str, Any] = self.fields
        allowed, own = find_models(self.user), {self.instance.model} - {""}
        slugs = {slug for slug in Version.objects.list_models() if allowed is None or slug in allowed}
        fields["model"].choices = [("", "---------"), *((slug, slug) for slug in sorted(slugs | own))]
        if not self.user.has_perm(RETRAIN):
            fields["kind"].choices = [(Schedule.Kind.MONITOR.value, Schedule.Kind.MONITOR.label)]
        examples = "hourly, daily, weekly, monthly, monday 03:00, 0 3 * * 1"
        sentence = gettext("For example {examples}, which is a cron expression. Hours are those of {zone}.")
        fields["timing"].help_text = sentence.format(examples=examples, zone=settings.SCHEDULE_TIME_ZONE)

    def clean_timing(self) -> str:
        timing = " ".join(self.cleaned_data["timing"].split())
        try:
            read_timing(timing, read_zone(settings.SCHEDULE_TIME_ZONE))
        except ValueError as error:
            problem = gettext(
                "“{given}” is neither a word with or without a time, such as monday 03:00, nor a cron expression, such"
                " as 0 3 * * 1: minute, hour, day of month, month, day of week."
            )
            raise ValidationError(problem.format(given=timing)) from error
        return timing

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        model = given.get("model", "")
        if given.get("kind") != Schedule.Kind.RETRAIN:
            if given.get("with_outcomes"):
                self.add_error("with_outcomes", gettext("Only retrains use outcomes: clear it, or choose retrain."))
        elif model and not is_trained_here(model):
            sentence = gettext("{model} was imported, and cannot be retrained here: choose monitoring.")
            self.add_error("kind", sentence.format(model=model))
        return given
