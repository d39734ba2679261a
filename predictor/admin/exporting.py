"""Exports what the list of predictions shows: `manage.py export` in a process of its own, whose output is sent on."""

import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Lock
from typing import IO
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from predictor.exceptions import ExportError, InvalidFilters
from predictor.history.filters import Filters, read_filters
from predictor.models import Version

logger = logging.getLogger(__name__)
# The name and the content type of each.
FORMATS = {
    "csv": ("CSV", "text/csv; charset=utf-8"),
    "jsonl": ("JSON lines", "application/jsonl; charset=utf-8"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "xlsx": (".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
BYTES_AT_ONCE = 1 << 16
# One at a time in a web process: the other process takes its memory next to it.
running = Lock()


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
    model, format = filters.model or find_only_model(), request.GET.get("format", "csv")
    if format not in FORMATS:
        raise ExportError(_("Choose one of the formats {formats}.").format(formats=", ".join(FORMATS)))
    if not running.acquire(blocking=False):
        raise ExportError(_("Another export is being written: try again when it is done."))
    output = ExportOutput(model, filters, format)
    logger.info("%s exports predictions of %s as %s", request.user, model, format)
    file = f"{model}-{datetime.now(UTC):%Y-%m-%d}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(output, content_type=FORMATS[format][1], headers=headers)


def find_only_model() -> str:
    """The site's model where it has a single one. Raises ExportError."""
    models = Version.objects.list_models()
    if len(models) != 1:
        raise ExportError(_("Choose a model first: each has columns of its own."))
    return models[0]


class ExportOutput:
    """The bytes that the other process writes; it ends when these are closed. `running` is held until then.

    Raises ExportError where it fails before its first byte.
    """

    def __init__(self, model: str, filters: Filters, format: str) -> None:
        where = [f"--where={name}={value}" for name, value in filters.to_query().items() if name != "model"]
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "export", model, "--format", format, *where]
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # Closed with the process.
        self._process = subprocess.Popen(  # noqa: S603  # Our own command, whose arguments were parsed.
            command, bufsize=0, stdout=subprocess.PIPE, stderr=self._errors
        )
        self._first = self._read()
        if not self._first and self._process.wait():
            problem = self._read_problem()
            self.close()
            raise ExportError(problem)

    def __iter__(self) -> Iterator[bytes]:
        chunk = self._first
        while chunk:
            yield chunk
            chunk = self._read()
        if self._process.wait():
            # The response ends without its last chunk, so that the browser does not take it for whole.
            raise ExportError(self._read_problem())

    def close(self) -> None:
        if self._errors.closed:
            return
        self._process.kill()
        self._process.communicate()
        self._errors.close()
        running.release()

    def _read(self) -> bytes:
        return self._process.stdout.read(BYTES_AT_ONCE) if self._process.stdout else b""

    def _read_problem(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        logger.warning("an export failed: %s", lines[-1] if lines else "without a word")
        return lines[-1].removeprefix("CommandError: ") if lines else _("The export failed: see the log.")
