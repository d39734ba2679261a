"""The admin of jobs: how far each is, who asked for it and what came of it; unfinished ones can be cancelled."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from predictor import jobs
from predictor.admin.asking import ask
from predictor.admin.cells import show_moment
from predictor.admin.history import HistoryAdmin
from predictor.admin.job_results import show_error, show_result
from predictor.admin.live import is_by_htmx, load_again, show_part
from predictor.admin.replaying import REPLAY
from predictor.admin.retraining import RETRAIN, describe_missing_worker
from predictor.exceptions import FileGone
from predictor.files.downloading import send_kept
from predictor.files.keeping import find_kept
from predictor.formats import MISSING, format_number
from predictor.models import Job
from predictor.models.job import KINDS, name_kind
from predictor.record.job_step import translate_line


class KindFilter(admin.SimpleListFilter):
    """Offers the kinds that there are, by the words for them; two may share theirs."""

    title, parameter_name = _("kind"), "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        kinds = Job.objects.order_by("kind").values_list("kind", flat=True).distinct()
        return list({name_kind(kind): (kind, name_kind(kind)) for kind in kinds}.values())

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        chosen = self.value()
        if not chosen:
            return queryset
        return queryset.filter(kind__in=[chosen, *(k for k in KINDS if name_kind(k) == name_kind(chosen))])


# The kinds whose result is a file, and who may read it.
OF_FILES = {jobs.EXPORT: "predictor.view_prediction", jobs.OUTCOMES: "predictor.add_outcome"}
# The permissions to ask for other jobs than a retrain.
ASKING = {*OF_FILES.values(), REPLAY}


def sees_all(user: Any) -> bool:
    """Whether a user may see jobs of others, which are about models that they may see."""
    return bool(user.has_perm(RETRAIN) or user.has_perm("predictor.view_job"))


@admin.register(Job)
class JobAdmin(HistoryAdmin):
    model_field = "model"
    list_display = ["link", "model", "state", "standing", "duration", "made_by", "made"]
    list_display_links = None  # The link has an id, by which it keeps the focus when the list is read again.
    list_filter = ["state", KindFilter, "model"]
    ordering = ["-id"]
    fieldsets = [
        (None, {"fields": ["shown_kind", "model", "state", "progress", "shown_end"]}),
        (
            _("Record"),
            {"fields": ["made", "made_by", "started", "duration", "attempts", "worker", "cancelled_by", "english"]},
        ),
    ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may ask for a job may see it; all of their models' are for who may ask for a retrain."""
        may_ask = any(request.user.has_perm(permission) for permission in ASKING)
        return sees_all(request.user) or (may_ask and (obj is None or obj.made_by == request.user.get_username()))

    def limit_rows(self, rows: "QuerySet[Any]", user: AbstractBaseUser | AnonymousUser) -> "QuerySet[Any]":
        limited = super().limit_rows(rows, user)
        return limited if sees_all(user) else limited.filter(made_by=user.get_username())

    def may_cancel(self, request: HttpRequest, job: Job) -> bool:
        is_own = job.made_by == request.user.get_username()
        return not job.is_finished and (is_own or request.user.has_perm("predictor.change_job"))

    def get_urls(self) -> list[URLPattern]:
        cancelling, sending = self.admin_site.admin_view(self.cancel_view), self.admin_site.admin_view(self.file_view)
        return [
            path("<int:number>/cancel/", cancelling, name="predictor_job_cancel"),
            path("<int:number>/file/", require_safe(sending), name="predictor_job_file"),
            *super().get_urls(),
        ]

    def file_view(self, request: HttpRequest, number: int) -> HttpResponseBase:
        """Send the file that a job has made, to who may do what the job did."""
        job = get_object_or_404(self.get_queryset(request), pk=number, kind__in=OF_FILES)
        if not request.user.has_perm(OF_FILES[job.kind]):
            raise PermissionDenied
        try:
            return send_kept(find_kept((job.result or {})["file"]))
        except (FileGone, KeyError):
            messages.warning(request, gettext("The file is no longer kept: ask for it again."))
            return redirect("admin:predictor_job_change", job.pk)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        is_live = self.limit_rows(Job.objects.unfinished(), request.user).exists()
        context = {**(extra_context or {}), **describe_live(is_live=is_live)}
        return show_part(request, super().changelist_view(request, context), "admin/predictor/job/_list.html")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        job = self.get_object(request, object_id)
        is_live = job is not None and not job.is_finished
        if is_by_htmx(request) and not is_live:
            return load_again()  # Other parts of the page depend on its end, too.
        label = gettext("Cancel this job") if job is not None and self.may_cancel(request, job) else ""
        context = {**(extra_context or {}), "cancel_label": label, **describe_live(is_live=is_live)}
        page = super().change_view(request, object_id, form_url, context)
        return show_part(request, page, "admin/predictor/job/_job.html")

    def cancel_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Ask whether the job with this id is to be cancelled, and then cancel it."""
        job = get_object_or_404(self.get_queryset(request), pk=number)
        address = reverse("admin:predictor_job_change", args=[job.pk])
        if not job.is_finished and not self.may_cancel(request, job):
            raise PermissionDenied
        if job.is_finished or request.method == "POST":
            is_cancelled = not job.is_finished and jobs.cancel(job, by=request.user.get_username())
            sentence = gettext("It is cancelled within seconds.") if is_cancelled else gettext("It is over already.")
            messages.info(request, sentence)
            return redirect(address)
        return ask(
            request,
            self.opts,
            title=gettext("Cancel {job}").format(job=job),
            sentence=gettext("What it has stored until then stays; a retrain has stored nothing before it is done."),
            button_label=gettext("Cancel this job"),
            back=address,
            back_label=str(job),
        )

    @admin.display(description=_("kind"))
    def link(self, job: Job) -> SafeString:
        address = reverse("admin:predictor_job_change", args=[job.pk])
        return format_html('<a id="job-{}" href="{}">{}</a>', job.pk, address, self.shown_kind(job))

    @admin.display(description=_("kind"))
    def shown_kind(self, job: Job) -> str:
        return name_kind(job.kind)

    @admin.display(description=_("progress"))
    def progress(self, job: Job) -> SafeString | str:
        counts = format_number(job.done) if job.done else ""
        if job.total:
            counts = gettext("{done} of {total}").format(done=format_number(job.done), total=format_number(job.total))
        # Lines of a training begin with the model, which stands next to it.
        step: SafeString | str | None = translate_line(english := job.step.removeprefix(f"{job.model}: "))
        if step is None:
            step = format_html('<span lang="en" dir="auto">{}</span>', english)
        return format_html_join(", ", "{}", ((part,) for part in (step, counts) if part)) or MISSING

    @admin.display(description=_("progress or result"))
    def standing(self, job: Job) -> SafeString | str:
        if job.is_finished:
            return show_result(job)
        return format_html("{}. {}", self.progress(job), show_error(job)) if job.error else self.progress(job)

    @admin.display(description=_("result"))
    def shown_end(self, job: Job) -> SafeString | str:
        return show_result(job)

    @admin.display(description=_("error in English"))
    def english(self, job: Job) -> SafeString | str:
        return format_html('<span lang="en" dir="auto">{}</span>', job.error) if job.error else MISSING

    @admin.display(description=_("duration"))
    def duration(self, job: Job) -> str:
        duration = job.measure_duration(timezone.now())
        return MISSING if duration is None else str(timedelta(seconds=round(duration.total_seconds())))

    @admin.display(description=_("asked for"))
    def made(self, job: Job) -> SafeString:
        return show_moment(job.made_at)

    @admin.display(description=_("begun"))
    def started(self, job: Job) -> SafeString | str:
        return show_moment(job.started_at) if job.started_at else MISSING


def describe_live(*, is_live: bool) -> dict[str, Any]:
    """What the part of a page needs that is read again while `is_live`."""
    return {"is_live": is_live, "waiting_sentence": describe_missing_worker() if is_live else ""}
