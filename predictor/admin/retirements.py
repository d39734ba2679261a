"""The admin of the log of retirements, to read."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.admin.cells import show_moment
from predictor.admin.history import HistoryAdmin
from predictor.models import Retirement


@admin.register(Retirement)
class RetirementAdmin(HistoryAdmin):
    model_field = "model"
    list_display = ["moment", "model", "event", "recorded_by", "reason"]
    list_filter = ["model"]
    ordering = ["-id"]
    fields = ["moment", "model", "event", "recorded_by", "reason"]

    @admin.display(description=_("recorded"), ordering="recorded_at")
    def moment(self, retirement: Retirement) -> SafeString:
        return show_moment(retirement.recorded_at)

    @admin.display(description=_("event"))
    def event(self, retirement: Retirement) -> str:
        return gettext("retired") if retirement.is_retired else gettext("brought back")
