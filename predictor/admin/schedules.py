"""The admin of schedules: those of users can be changed, those of recipes are shown next to them."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor import jobs
from predictor.access.rights import limit
from predictor.admin.cells import show_moment
from predictor.admin.history import HistoryAdmin
from predictor.admin.retraining import RETRAIN
from predictor.admin.schedule_form import ScheduleForm
from predictor.formats import MISSING
from predictor.models import Job, Schedule, ScheduledMoment
from predictor.models.job import from_now
from predictor.models.schedule import is_of_retired

# Heroku Scheduler calls `manage.py due` every hour at the most seldom, if not once a day.
LATE = timedelta(hours=1)
# Where one of these is changed, what was due before does not count.
BEGIN_ANEW = ("model", "kind", "timing", "is_on")


@admin.register(Schedule)
class ScheduleAdmin(HistoryAdmin):
    model_field = "model"
    form = ScheduleForm
    list_display = ["model", "shown_kind", "shown_timing", "state", "next", "last", "author"]
    list_filter = ["model", "kind"]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the newest moment that was taken of the same model and kind, and its job."""
        taken = ScheduledMoment.objects.filter(model=OuterRef("model"), kind=OuterRef("kind")).order_by("-moment")
        newest = {"moment": "moment", "job": "job_id", "job_state": "job__state"}
        found = {f"last_{name}": Subquery(taken.values(field)[:1]) for name, field in newest.items()}
        return super().get_queryset(request).annotate(is_retired=is_of_retired(), **found)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        if not self._may_write(request, obj):
            return super().get_form(request, obj, change=change, form=forms.ModelForm, **options)
        form = super().get_form(request, obj, change=change, **options)
        return type(form.__name__, (form,), {"user": request.user})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ScheduleForm.Meta.fields if self._may_write(request, obj) else self.list_display

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if self._may_write(request, obj) else self.list_display

    def _may_write(self, request: HttpRequest, obj: Schedule | None) -> bool:
        return obj is None or self.has_change_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may retrain may see when that is done."""
        return request.user.has_perm(RETRAIN) or super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("predictor.add_schedule")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("predictor.change_schedule") and is_own_work(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("predictor.delete_schedule") and is_own_work(request, obj)

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        obj.made_by = request.user.get_username()
        if any(form.initial.get(name) != form.cleaned_data[name] for name in BEGIN_ANEW):
            obj.after = from_now(0)
        super().save_model(request, obj, form, change)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "GET" and (late := self._count_late(request)) and not jobs.is_worker_alive():
            sentence = gettext(
                "No worker runs. Schedules that are more than an hour late: {number}. Start a worker: {command}; or let"
                " cron or Heroku Scheduler call {due}."
            )
            given = {"number": late, "command": "./manage.py worker", "due": "./manage.py due"}
            messages.warning(request, sentence.format(**given))
        return super().changelist_view(request, extra_context)

    def _count_late(self, request: HttpRequest) -> int:
        then = timezone.now() - LATE
        return sum(row.find_due(then) is not None for row in limit(Schedule.objects.running(), request.user))

    @admin.display(description=_("what"))
    def shown_kind(self, row: Schedule) -> str:
        label = str(row.get_kind_display())
        return gettext("{what} with outcomes").format(what=label) if row.with_outcomes else label

    @admin.display(description=_("when"))
    def shown_timing(self, row: Schedule) -> str:
        zone = settings.SCHEDULE_TIME_ZONE
        return f"{row.timing or MISSING}{'' if zone == 'UTC' else f' ({zone})'}"

    @admin.display(description=_("state"))
    def state(self, row: Any) -> str:
        if row.error:
            return gettext("not run: {error}").format(error=row.error)
        if not row.is_on:
            return gettext("off")
        return gettext("not run: the model is retired") if row.is_retired else gettext("on")

    @admin.display(description=_("next"))
    def next(self, row: Any) -> SafeString | str:
        moment = None if row.is_retired else row.find_next(timezone.now())
        return show_moment(moment) if moment else MISSING

    @admin.display(description=_("last"))
    def last(self, row: Any) -> SafeString | str:
        """The newest moment of the same model and kind, whichever schedule it was of."""
        if row.last_moment is None:
            return MISSING
        moment = show_moment(row.last_moment)
        if row.last_job is None:
            return moment
        address = reverse("admin:predictor_job_change", args=[row.last_job])
        return format_html('{}: <a href="{}">{}</a>', moment, address, Job.State(row.last_job_state).label)

    @admin.display(description=_("by"))
    def author(self, row: Schedule) -> str:
        return gettext("the recipe") if row.is_from_recipe else row.made_by


def is_own_work(request: HttpRequest, row: Schedule | None) -> bool:
    """Whether a schedule is not a recipe's, and does nothing that the user may not ask for."""
    if row is None:
        return True
    return not row.is_from_recipe and (row.kind != Schedule.Kind.RETRAIN or request.user.has_perm(RETRAIN))
