"""The frame of all operations: who calls, which method, and every error as JSON of one shape.

What an operation takes and answers is said once, where it is defined: `predictor.api.urls` gives it an address, and the
OpenAPI document is written from both.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any, Literal, cast

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver
from django.views.decorators.csrf import csrf_exempt

from predictor.access.callers import Caller, Scope, identify
from predictor.api.admission import check_prediction, check_sight, check_token
from predictor.api.bodies import NO_ADDRESS, Refused, write_json, write_refusal
from predictor.api.errors import make_refusal
from predictor.languages import ENGLISH, reset_language, set_language


class ApiRequest(HttpRequest):
    """A request to an operation, whose caller is known and admitted."""

    caller: Caller


Method = Literal["GET", "POST", "PUT"]
# A view gets the request and what its address captured; it answers a struct, which is written as JSON, or a response.
View = Callable[..., msgspec.Struct | HttpResponseBase]
JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of an operation's query; `schema` is its JSON Schema."""

    name: str
    description: str
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method at an address. `request` and `response` are the structs of its bodies.

    Its name and its texts are those of the view. `scope` is what a caller's key needs, None for descriptions of models.
    `statuses` are those of its errors that others do not have, `contents` what it answers besides JSON. One that is
    `direct` is answered before any middleware that only pages need, one that is `conditional` has an ETag and looks at
    If-None-Match; `setting` is the one that turns it on or off.
    """

    method: Method
    view: View
    scope: Scope | None
    request: type[msgspec.Struct] | None = None
    response: type[msgspec.Struct] | None = None
    parameters: tuple[Parameter, ...] = ()
    statuses: tuple[int, ...] = ()
    contents: tuple[str, ...] = ()
    is_direct: bool = False
    is_conditional: bool = False
    setting: str = ""

    @property
    def is_on(self) -> bool:
        return not self.setting or bool(getattr(settings, self.setting))

    @property
    def name(self) -> str:
        return self.view.__name__

    @property
    def summary(self) -> str:
        """The first sentence of the view's docstring."""
        return cleandoc(self.view.__doc__ or "").partition("\n")[0]

    @property
    def description(self) -> str:
        """The rest of the view's docstring."""
        return cleandoc(self.view.__doc__ or "").partition("\n")[2].strip()

    def answer(self, request: HttpRequest, captured: dict[str, Any]) -> HttpResponseBase:
        if not self.is_direct:
            self._admit(request, captured.get("slug"))
        answer = self.view(request, **captured)
        response = write_json(answer) if isinstance(answer, msgspec.Struct) else answer
        if self.scope is not None and not self.is_direct:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _admit(self, request: Any, slug: str | None) -> None:
        """Find out who calls, and raise what refuses them; the request keeps it as `caller`."""
        if self.scope is Scope.PREDICT and slug is not None:
            request.caller = check_prediction(request, slug)
            return
        caller = identify(request)
        if self.scope is None:
            check_sight(caller, slug)
        else:
            caller.require(self.scope, slug)
        if caller.user is not None and self.method != "GET":
            check_token(request)
        request.caller = caller


def operation(method: Method, **options: Any) -> Callable[[View], Operation]:
    """Make an operation of a view; the options are the fields of Operation."""
    return lambda view: Operation(method=method, view=view, **{"scope": None, **options})


class Route:
    """The operations at one address, by method, as a view of Django's."""

    # The caller's token is asked for once it is known who calls: a key needs none.
    csrf_exempt = True

    def __init__(self, *operations: Operation) -> None:
        self.operations = {each.method: each for each in operations}
        self.is_direct = any(each.is_direct for each in operations)

    def __call__(self, request: HttpRequest, **captured: Any) -> HttpResponseBase:
        former = set_language(ENGLISH)
        try:
            return self._find(request.method or "").answer(request, captured)
        except Exception as error:  # An unexpected error is answered with JSON too.
            return write_refusal(make_refusal(error, request.path_info))
        finally:
            reset_language(former)

    def _find(self, method: str) -> Operation:
        found = self.operations.get(cast(Method, "GET" if method == "HEAD" else method))
        if found is not None:
            return found
        allowed = ", ".join([*self.operations, *(["HEAD"] if "GET" in self.operations else [])])
        problem = f"This address takes {allowed}, not {method[:20]}."
        raise Refused(405, "method_not_allowed", problem, headers={"Allow": allowed})


@csrf_exempt
def refuse_address(request: HttpRequest) -> HttpResponseBase:
    """Answer for what has no address of its own."""
    return write_refusal(Refused(404, "not_found", NO_ADDRESS))


def list_operations(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, Operation]]:
    """The operations with the patterns of their addresses, such as `api/v1/models/<slug:slug>`, in their order."""
    for pattern in patterns:
        address = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from list_operations(pattern.url_patterns, address)
        elif isinstance(pattern.callback, Route):
            yield from ((address, each) for each in pattern.callback.operations.values())
