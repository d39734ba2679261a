"""Sends a kept file."""

from collections.abc import Iterator

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from predictor.files.keeping import iterate
from predictor.models import KeptFile
from predictor.turns import leave_connection


def send_kept(file: KeptFile) -> StreamingHttpResponse:
    """A kept file as a download, which holds a connection for one chunk at a time."""
    headers = {
        "Content-Disposition": content_disposition_header(True, file.name) or "attachment",
        "Content-Length": str(file.size),
        "Cache-Control": "no-store",
    }
    return StreamingHttpResponse(_read(file), content_type="application/octet-stream", headers=headers)


def _read(file: KeptFile) -> Iterator[bytes]:
    for chunk in iterate(file):
        leave_connection()
        yield chunk
