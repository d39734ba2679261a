"""Answers with the OpenAPI document, which is kept for each set of live versions."""

from functools import lru_cache
from hashlib import sha256

import msgspec
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import get_resolver
from django.utils.cache import get_conditional_response

from predictor.access.callers import Caller, needs_key
from predictor.api.admission import may_see
from predictor.api.openapi import make_document
from predictor.api.operations import JSON, ApiRequest, list_operations, operation
from predictor.languages import ENGLISH, use_language
from predictor.models import Version
from predictor.serving.service import service

URLS = "predictor.api.urls"


@operation("GET", contents=(JSON,))
def describe_api(request: ApiRequest) -> HttpResponseBase:
    """This description, as OpenAPI 3.1, with the inputs of each model that is live."""
    body, etag = get_document(request.caller)
    kept = "no-cache" if service.are_all_open else "private, no-cache"
    headers = {"ETag": etag, "Cache-Control": kept, "Content-Length": str(len(body))}
    response = HttpResponse(body, content_type=JSON, headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response


def get_document(caller: Caller) -> tuple[bytes, str]:
    """The document, and its ETag, for the models that are live and that the caller may see."""
    live = tuple((version.model, version.id) for version in service.list_live() if may_see(caller, version.model))
    return write_document(live, needs_key())


@lru_cache(maxsize=8)
def write_document(live: tuple[tuple[str, int], ...], is_closed: bool) -> tuple[bytes, str]:
    versions = Version.objects.filter(id__in=[id for _, id in live]).order_by("model")
    with use_language(ENGLISH):
        document = make_document(list_operations(get_resolver(URLS).url_patterns), list(versions))
    body = msgspec.json.encode(document)
    return body, f'"{sha256(body).hexdigest()[:32]}"'
