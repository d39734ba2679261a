"""Reads the body of a form with a file: the file goes to the disk, piece by piece, before its token is looked for."""

from time import sleep
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, UnreadablePostError

from predictor.content import check_charset
from predictor.exceptions import UnsupportedContent
from predictor.formats import format_number
from predictor.languages import gettext as _
from predictor.turns import leave_connection
from predictor.web.bounds import TooMuch

# Of a form with a file: the token, the file and few choices.
MOST_PARTS = 20


class Parts:
    """A body as it is parsed: it refuses more parts than such a form has, and lets other requests run meanwhile."""

    def __init__(self, stream: Any, boundary: str) -> None:
        self._stream, self._mark = stream, b"--" + boundary.encode()
        self._found, self._end = 0, b""

    def read(self, *size: int) -> bytes:
        piece: bytes = self._stream.read(*size)
        searched = self._end + piece
        self._found += searched.count(self._mark)
        self._end = searched[1 - len(self._mark) :]
        if self._found > MOST_PARTS:
            hint = _("This form may send at most {most} fields, not {sent}.")
            hint = hint.format(most=format_number(MOST_PARTS), sent=format_number(self._found))
            raise TooMuch(413, _("The form is too large"), hint)
        sleep(0)
        return piece

    def readline(self, *size: int) -> bytes:
        """What follows the last part is dropped by lines."""
        piece: bytes = self._stream.readline(*size)
        return piece


def read_upload(request: HttpRequest) -> None:
    """Parse a form with a file into `request.POST` and `request.FILES`. Raises TooMuch."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.UPLOAD_MAX_BODY_BYTES:
        raise make_too_large()
    # A greenlet that parses holds no connection.
    leave_connection()
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
    parameters = request.content_params or {}
    # Django reads the body from it. Checked with Django 5.2.19 (tests/test_insides.py).
    request._stream = Parts(request._stream, parameters.get("boundary", ""))  # type: ignore[assignment]  # It needs no more of it.
    try:
        check_charset(parameters.get("charset", "utf-8"))
        len(request.POST)
    except UnsupportedContent as error:
        raise TooMuch(415, _("The form cannot be read"), str(error)) from error
    except UnreadablePostError as error:
        hint = _("The site is receiving too many files at the moment: try again in a minute.")
        raise TooMuch(503, _("Temporarily unavailable"), hint) from error


def make_too_large() -> TooMuch:
    hint = _("The file is too large: at most {megabytes} MB. Divide it, or save it as Parquet, which is smaller.")
    return TooMuch(413, _("The file is too large"), hint.format(megabytes=format_number(settings.UPLOAD_MAX_MB)))
