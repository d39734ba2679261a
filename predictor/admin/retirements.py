"""The admin of the log of retirements, to read."""

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.admin.history import HistoryAdmin
from predictor.models import Retirement


@admin.register(Retirement)
class RetirementAdmin(HistoryAdmin):
    list_display = ["recorded_at", "model", "event", "recorded_by", "reason"]
    list_filter = ["model"]
    ordering = ["-id"]
    fields = ["recorded_at", "model", "event", "recorded_by", "reason"]

    @admin.display(description=_("event"))
    def event(self, retirement: Retirement) -> str:
        return gettext("retired") if retirement.is_retired else gettext("brought back")
