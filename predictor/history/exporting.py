"""Exports stored predictions from a web process: `manage.py export` in another process, whose output is sent on."""

import logging
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import IO

from django.http import StreamingHttpResponse

from predictor.exceptions import ExportError
from predictor.history.commands import BUSY, make_busy, read_problem, wait_for_turn_of_pages, write_command
from predictor.history.filters import Filters
from predictor.languages import gettext as _

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


def stream_export(model: str, filters: Filters, format: str, *, by: object) -> StreamingHttpResponse:
    """The table of a model's predictions as a download, in one of FORMATS. Raises ExportError, and ExportsBusy."""
    wait_for_turn_of_pages()
    if not running.acquire(blocking=False):
        raise make_busy()
    try:
        output = ExportOutput(model, filters, format)
    except OSError:  # No other process could be started.
        running.release()
        raise
    logger.info("%s exports predictions of %s as %s", by, model, format)
    return StreamingHttpResponse(output, content_type=FORMATS[format][1], headers=write_headers(model, format))


def write_headers(model: str, format: str) -> Mapping[str, str]:
    file = f"{model}-{datetime.now(UTC):%Y-%m-%d}.{format}"
    return {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"}


class ExportOutput:
    """The bytes that the other process writes; it ends when these are closed. `running` is held until then.

    Raises ExportError where it fails before its first byte, and ExportsBusy where another file is written for a page.
    """

    def __init__(self, model: str, filters: Filters, format: str) -> None:
        where = [f"--where={name}={value}" for name, value in filters.to_query().items() if name != "model"]
        command = write_command("export", model, "--for-page", "--format", format, *where)
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # Closed with the process.
        self._process = subprocess.Popen(  # noqa: S603  # Our own command, whose arguments were parsed.
            command, bufsize=0, stdout=subprocess.PIPE, stderr=self._errors
        )
        self._first = self._read()
        if not self._first and self._process.wait():
            error = make_busy() if self._process.returncode == BUSY else ExportError(self._read_problem())
            self.close()
            raise error

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
        problem = read_problem(self._errors.read())
        logger.warning("an export failed: %s", problem or "without a word")
        return problem or _("The export failed: see the log.")
