"""The admin of visitors' reports, in which one is accepted as an outcome, or dismissed."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from predictor.admin.history import HistoryAdmin
from predictor.admin.lists import with_version
from predictor.exceptions import OutcomeChanged
from predictor.languages import gettext
from predictor.models import VisitorReport
from predictor.outcomes.visitor_reports import accept_report, dismiss_report


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", gettext("Waiting")), ("accepted", gettext("Accepted")), ("dismissed", gettext("Dismissed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        conditions = {
            "waiting": Q(decided_at=None),
            "accepted": Q(outcome__isnull=False),
            "dismissed": Q(decided_at__isnull=False, outcome=None),
        }
        chosen = conditions.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


@admin.register(VisitorReport)
class VisitorReportAdmin(HistoryAdmin):
    model_field = "prediction__version__model"
    list_display = ["reported_at", "page", "predicted", "shown_value", "state", "decided_at", "decided_by"]
    list_filter = [StateFilter]
    list_select_related = ()
    ordering = ["-id"]
    actions = ["accept", "dismiss"]
    fields = ["prediction", "predicted", "shown_value", "reported_at", "state", "decided_at", "decided_by", "outcome"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[VisitorReport]:
        return super().get_queryset(request).prefetch_related(*with_version())

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("predictor.add_outcome")

    @admin.action(description=_("Accept: record as what really happened"), permissions=["decide"])
    def accept(self, request: HttpRequest, queryset: QuerySet[VisitorReport]) -> None:
        accepted = 0
        for report in self._list_waiting(queryset):
            try:
                accept_report(report, by=request.user.get_username())
            except OutcomeChanged as error:
                messages.error(request, gettext("Not accepted: {report}: {error}.").format(report=report, error=error))
            else:
                accepted += 1
        messages.success(request, gettext("Accepted: {count}.").format(count=accepted))

    @admin.action(description=_("Dismiss"), permissions=["decide"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[VisitorReport]) -> None:
        waiting = self._list_waiting(queryset)
        for report in waiting:
            dismiss_report(report, by=request.user.get_username())
        messages.success(request, gettext("Dismissed: {count}.").format(count=len(waiting)))

    def _list_waiting(self, queryset: Any) -> list[VisitorReport]:
        """Reports that are not decided yet, the oldest first."""
        return list(queryset.waiting().order_by("id"))

    @admin.display(description=_("prediction"))
    def page(self, report: VisitorReport) -> SafeString:
        return format_html('<a href="{}">{}</a>', report.prediction.get_absolute_url(), report.prediction_id)

    @admin.display(description=_("predicted"))
    def predicted(self, report: VisitorReport) -> str:
        return str(report.prediction.written_output)

    @admin.display(description=_("reported"))
    def shown_value(self, report: VisitorReport) -> str:
        return str(report.written_value)

    @admin.display(description=_("state"))
    def state(self, report: VisitorReport) -> str:
        if report.decided_at is None:
            return gettext("waiting")
        return gettext("dismissed") if report.outcome_id is None else gettext("accepted")
