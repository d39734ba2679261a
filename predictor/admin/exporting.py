"""Exports what the list of predictions shows."""

from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from predictor.access.rights import limit
from predictor.exceptions import ExportError, InvalidFilters
from predictor.history.exporting import FORMATS, stream_export
from predictor.history.filters import read_filters
from predictor.models import Version
from predictor.texts import quote


class ExportMixin(admin.ModelAdmin):
    """Adds the address `export/`, which takes the list's filters and a `format`."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.export))
        return [path("export/", view, name="predictor_prediction_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            return make_response(request)
        except (ExportError, InvalidFilters) as error:
            messages.error(request, str(error))
            wrong = {"format", *(error.fields if isinstance(error, InvalidFilters) else ())}
            query = urlencode({name: text for name, text in request.GET.items() if name not in wrong})
            return HttpResponseRedirect(f"{reverse('admin:predictor_prediction_changelist')}?{query}")


def make_response(request: HttpRequest) -> StreamingHttpResponse:
    """The table as a download. Raises ExportError and InvalidFilters."""
    filters = read_filters(request.GET.dict())
    models = limit(Version.objects.all(), request.user).list_models()
    model, format = filters.model or choose_only(models), request.GET.get("format", "csv")
    if model not in models:
        raise ExportError(_("There is no version of {model}.").format(model=quote(model)))
    if format not in FORMATS:
        raise ExportError(_("Choose one of the formats {formats}.").format(formats=", ".join(FORMATS)))
    return stream_export(model, filters, format, by=request.user)


def choose_only(models: list[str]) -> str:
    """The model where there is a single one. Raises ExportError."""
    if len(models) != 1:
        raise ExportError(_("Choose a model first: each has columns of its own."))
    return models[0]
