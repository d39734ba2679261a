"""How much a visitor's request may bring: found out before any of it is parsed, so that refusing it costs nothing."""

from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.http import HttpRequest

from predictor.exceptions import ModelNotFound
from predictor.schema.schema import Schema
from predictor.serving.runtime import Runtime
from predictor.serving.service import service

# gunicorn takes no more in one header; several of them become one here.
MOST_COOKIE_BYTES = 8190
# What a form sends next to its inputs: the token, and buttons of browsers' own; and unknown fields, to name them.
MORE_FIELDS = 20
MOST_ADMIN_FIELDS = 1000
# Of a form next to what its inputs need, so that a long wrong value still gets a message of its own.
MORE_BYTES = 16 * 1024
# The longest number that anybody types, with what stands around it.
BYTES_A_VALUE = 200


# A version that is served no more takes its bounds along.
_bounds: WeakKeyDictionary[Runtime, tuple[int, int]] = WeakKeyDictionary()


class TooMuch(Exception):
    """A request that is refused as it came: a status, a title, and what would be right."""

    def __init__(self, status: int, title: str, hint: str) -> None:
        self.status, self.title, self.hint = status, title, hint
        super().__init__(f"{title}: {hint}")


def check_headers(request: HttpRequest) -> None:
    """Raise TooMuch for a body that no form has and for too many cookies; drop cookies that are slow to read."""
    if "HTTP_TRANSFER_ENCODING" in request.META:
        raise TooMuch(411, "That came without its length", "Send it with a Content-Length.")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise make_too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    cookies = request.META.get("HTTP_COOKIE", "")
    if len(cookies) > MOST_COOKIE_BYTES:
        hint = f"At most {MOST_COOKIE_BYTES:,} bytes of cookies are read. Delete those of this site, and try it again."
        raise TooMuch(431, "Your browser sent too many cookies", hint)
    if "\\" in cookies:
        # None of ours has one, and Python before 3.11.10 takes time that grows with their square (CVE-2024-7592).
        request.META["HTTP_COOKIE"] = ";".join(each for each in cookies.split(";") if "\\" not in each)


def check_form(request: HttpRequest, address: str | None, captured: dict[str, Any]) -> None:
    """Raise TooMuch for a form with far more fields or longer ones than the model at this address has inputs.

    `address` is the name of the URL's pattern, and `captured` what it holds.
    """
    if request.path_info.startswith("/admin/"):
        most_fields, most_bytes = MOST_ADMIN_FIELDS, settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    else:
        most_fields, most_bytes = find_bounds(address, captured)
    if len(request.body) > most_bytes:
        raise make_too_large(most_bytes)
    fields = count_fields(request)
    if fields > most_fields:
        hint = f"This form may send at most {most_fields:,} fields, not {fields:,}."
        raise TooMuch(413, "That is too much at once", hint)


def find_bounds(address: str | None, captured: dict[str, Any]) -> tuple[int, int]:
    """The most fields and bytes for the model whose form is at this address; the least where there is none."""
    slug = settings.DEFAULT_MODEL if address == "default" else captured.get("slug")
    try:
        runtime = service.get_runtime(slug) if slug else None
    except ModelNotFound:
        runtime = None
    if runtime is None:
        return MORE_FIELDS, MORE_BYTES
    if runtime not in _bounds:
        schema = runtime.schema
        _bounds[runtime] = MORE_FIELDS + len(schema.features), MORE_BYTES + count_bytes(schema)
    return _bounds[runtime]


def count_bytes(schema: Schema) -> int:
    """The most that a form of this schema takes, with three bytes a byte as browsers encode them, and some more."""
    texts = (max([feature.name, *feature.choices], key=len) + feature.name for feature in schema.features)
    return sum(BYTES_A_VALUE + 3 * len(text.encode()) for text in texts)


def count_fields(request: HttpRequest) -> int:
    """The fields of a form's body, or a few more."""
    if request.content_type == "multipart/form-data":
        boundary = (request.content_params or {}).get("boundary", "")
        return request.body.count(b"--" + boundary.encode()) - 1
    return request.body.count(b"&") + 1


def make_too_large(most_bytes: int) -> TooMuch:
    return TooMuch(413, "That is too much at once", f"A form may send at most {most_bytes // 1024} KB.")
