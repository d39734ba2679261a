"""Limits how large a visitor's request may be, before any of it is parsed, so that refusing it costs nothing."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, UnreadablePostError

from predictor.api_paths import is_api
from predictor.content import check_charset, decompress
from predictor.exceptions import (
    ContentTooLarge,
    MlsiteError,
    ModelNotFound,
    ModelRetired,
    UnreadableContent,
    UnsupportedContent,
)
from predictor.formats import format_number
from predictor.languages import gettext as _
from predictor.schema.schema import Schema
from predictor.schema.text import Text
from predictor.serving.runtime import Runtime, cache_per_runtime
from predictor.serving.service import service
from predictor.upload_paths import is_upload

# gunicorn accepts no more in one header; several Cookie headers are joined into one here.
MOST_COOKIE_BYTES = 8190
# A form sends more than its inputs: the token, buttons that browsers add, and unknown fields, which an error names.
MORE_FIELDS = 20
MOST_ADMIN_FIELDS = 1000
# Allowed in addition to what the inputs need, so that a long invalid value still gets its own error message.
MORE_BYTES = 16 * 1024
# For one number as it is typed, with its separators.
BYTES_A_VALUE = 200
# Four in UTF-8, each of which browsers encode as three.
BYTES_A_CHARACTER = 12


class TooMuch(MlsiteError):
    """A request is refused before it is parsed: a status, a title, and what would be right."""

    def __init__(self, status: int, title: str, hint: str) -> None:
        self.status, self.title, self.hint = status, title, hint
        super().__init__(f"{title}: {hint}")


def check_headers(request: HttpRequest) -> None:
    """Raise TooMuch for a body larger than any form's and for too many cookies; drop cookies that are slow to parse."""
    if not is_api(request.path_info):
        check_length(request)
    cookies = request.META.get("HTTP_COOKIE", "")
    if len(cookies) > MOST_COOKIE_BYTES:
        hint = _("At most {bytes} bytes of cookies are accepted. Delete those of this site and try again.")
        hint = hint.format(bytes=format_number(MOST_COOKIE_BYTES))
        raise TooMuch(431, _("Your browser sent too many cookies"), hint)
    if "\\" in cookies:
        # Our cookies have none, and Python before 3.11.10 parses them in quadratic time (CVE-2024-7592).
        request.META["HTTP_COOKIE"] = ";".join(each for each in cookies.split(";") if "\\" not in each)


def check_length(request: HttpRequest) -> None:
    """Raise TooMuch. The API has limits of its own, in predictor.api.bodies."""
    if "HTTP_TRANSFER_ENCODING" in request.META:
        hint = _("Send a Content-Length header, or chunks without any other Transfer-Encoding.")
        raise TooMuch(411, _("The length of the request is missing"), hint)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        if length.isdecimal() and is_upload(request.path_info):
            return  # That of a file has a limit of its own, in predictor.web.file_pages.bodies.
        raise make_too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def check_form(request: HttpRequest, address: str | None, captured: dict[str, Any]) -> None:
    """Raise TooMuch for a form that cannot be read, or that has far more than the inputs of its model need.

    `address` is the name of the URL pattern, and `captured` its keyword arguments.
    """
    if request.path_info.startswith("/admin/"):
        most_fields, most_bytes = MOST_ADMIN_FIELDS, settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    elif address == "sign_in":  # It may carry what was typed in a form.
        most_fields, most_bytes = MORE_FIELDS, settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    else:
        most_fields, most_bytes = find_bounds(address, captured)
    if len(read_form(request)) > most_bytes:
        raise make_too_large(most_bytes)
    fields = count_fields(request)
    if fields > most_fields:
        hint = _("This form may send at most {most} fields, not {sent}.")
        hint = hint.format(most=format_number(most_fields), sent=format_number(fields))
        raise TooMuch(413, _("The form is too large"), hint)


def read_form(request: HttpRequest) -> bytes:
    """The body of a form, decompressed; raise TooMuch."""
    most_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        check_charset((request.content_params or {}).get("charset", "utf-8"))
        if "HTTP_CONTENT_ENCODING" in request.META:
            # Django parses the form from here. Checked with Django 5.2.19 (tests/test_insides.py).
            request._body = decompress(request.body, request.META["HTTP_CONTENT_ENCODING"], most_bytes)
        return request.body
    except UnsupportedContent as error:
        raise TooMuch(415, _("The form cannot be read"), str(error)) from error
    except ContentTooLarge as error:
        raise make_too_large(most_bytes) from error
    except UnreadableContent as error:
        raise TooMuch(400, _("The form cannot be read"), str(error)) from error
    except UnreadablePostError as error:
        hint = _("The request did not arrive as a whole: {error}.").format(error=error)
        raise TooMuch(400, _("The form cannot be read"), hint) from error


def find_bounds(address: str | None, captured: dict[str, Any]) -> tuple[int, int]:
    """The most fields and bytes for the model whose form is at this address; the least where there is none."""
    slug = settings.DEFAULT_MODEL if address == "default" else captured.get("slug")
    try:
        runtime = service.get_runtime(slug) if slug else None
    except ModelNotFound:
        runtime = None
    except ModelRetired:
        if address in ("default", "home", "model", "trial", "embed"):
            raise  # Otherwise a form that was open would be too large.
        runtime = None
    return (MORE_FIELDS, MORE_BYTES) if runtime is None else get_bounds(runtime)


@cache_per_runtime
def get_bounds(runtime: Runtime) -> tuple[int, int]:
    return MORE_FIELDS + len(runtime.schema.features), MORE_BYTES + count_bytes(runtime.schema)


def count_bytes(schema: Schema) -> int:
    """An upper bound for the body of this schema's form, in which browsers encode a byte as up to three."""
    texts = (max([feature.name, *feature.choices], key=len) + feature.name for feature in schema.features)
    longest = sum(BYTES_A_CHARACTER * each.maximum_length for each in schema.features if isinstance(each, Text))
    return longest + sum(BYTES_A_VALUE + 3 * len(text.encode()) for text in texts)


def count_fields(request: HttpRequest) -> int:
    """An upper bound for the number of fields in a form's body."""
    if request.content_type == "multipart/form-data":
        boundary = (request.content_params or {}).get("boundary", "")
        return request.body.count(b"--" + boundary.encode()) - 1
    return request.body.count(b"&") + 1


def make_too_large(most_bytes: int) -> TooMuch:
    hint = _("A form may send at most {kilobytes} KB.").format(kilobytes=most_bytes // 1024)
    return TooMuch(413, _("The form is too large"), hint)
