"""The admin of predictions with their outcomes: a list to search, pages to read, and the queue."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path

from predictor.admin.archives import ArchivesMixin
from predictor.admin.detail import find_archived_address, show_detail
from predictor.admin.exporting import ExportMixin
from predictor.admin.history import HistoryAdmin
from predictor.admin.listing import show_list
from predictor.admin.queue import show_queue
from predictor.history.filters import Filters
from predictor.models import Prediction


@admin.register(Prediction)
class PredictionAdmin(ArchivesMixin, ExportMixin, HistoryAdmin):
    """Django's permissions, with a list and pages of our own: its list counts all rows, and skips through them."""

    model_field = "version__model"
    ordering = ["-id"]

    def get_urls(self) -> list[URLPattern]:
        queue = path("queue/", self.admin_site.admin_view(show_queue), name="predictor_prediction_queue")
        return [queue, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return show_list(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        prediction = self.get_object(request, unquote(object_id))
        if prediction is None:
            id = Filters(q=unquote(object_id)).id
            if id and (address := find_archived_address(id)):
                return HttpResponseRedirect(address)
            return super().change_view(request, object_id, form_url, extra_context)  # It says so.
        return show_detail(request, prediction)
