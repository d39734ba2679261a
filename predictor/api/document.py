"""Answers with the OpenAPI document, which is kept for each set of live versions."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import get_resolver
from django.utils.cache import get_conditional_response

from predictor.access.callers import Caller
from predictor.api.admission import is_public, may_see
from predictor.api.openapi import make_document
from predictor.api.operations import JSON, ApiRequest, Operation, list_operations, operation
from predictor.languages import ENGLISH, use_language
from predictor.models import Version
from predictor.serving.service import service

URLS = "predictor.api.urls"
# Of a version.
NEEDED = ("model", "number", "title", "description", "schema", "profile", "interval")


@dataclass(frozen=True, kw_only=True)
class Document:
    """The document as it is and as it is sent, with its ETag."""

    content: dict[str, Any]
    body: bytes
    etag: str


@operation("GET", contents=(JSON,), is_conditional=True)
def describe_api(request: ApiRequest) -> HttpResponseBase:
    """This description, as OpenAPI 3.1, with the inputs of each model that is live."""
    document = get_document(request.caller)
    kept = "no-cache" if service.are_all_open else "private, no-cache"
    headers = {"ETag": document.etag, "Cache-Control": kept, "Content-Length": str(len(document.body))}
    response = HttpResponse(document.body, content_type=JSON, headers=headers)
    conditional = get_conditional_response(request, etag=document.etag, response=response)
    # Other conditions are for those who change what they name.
    return conditional if conditional is not None and conditional.status_code == 304 else response


def get_document(caller: Caller) -> Document:
    """The document of the models that are live and that a caller may see."""
    seen = [version for version in service.list_live() if may_see(caller, version.model)]
    free = tuple(version.model for version in seen if service.is_free(version.model))
    off = frozenset(each.name for _, each in _list_all() if not each.is_on)
    return _make_document(tuple(version.id for version in seen), free if is_public() else None, off)


@lru_cache(maxsize=8)
def _make_document(ids: tuple[int, ...], free: tuple[str, ...] | None, off: frozenset[str]) -> Document:
    versions = Version.objects.filter(id__in=ids).only(*NEEDED).order_by("model")
    with use_language(ENGLISH):
        operations = [(address, each) for address, each in _list_all() if each.name not in off]
        content = make_document(operations, list(versions), free)
    body = msgspec.json.encode(content)
    return Document(content=content, body=body, etag=f'"{sha256(body).hexdigest()[:32]}"')


def _list_all() -> Iterator[tuple[str, Operation]]:
    return list_operations(get_resolver(URLS).url_patterns)
