"""Pages of the admin that ask before something is done, and what follows a deletion."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from predictor.exceptions import RecipeInUse, TableInUse


def ask(request: HttpRequest, opts: Any, **shown: Any) -> TemplateResponse:
    """A sentence, the fields of a `form` where there is one, and a button that does what the `title` says."""
    context = {**admin.site.each_context(request), "opts": opts, **shown}
    return TemplateResponse(request, "admin/predictor/ask.html", context)


def delete(
    request: HttpRequest, action: Callable[[], None], *, done: str, address: str, changelist: str
) -> HttpResponse:
    """Delete a row, say that it is `done` and go to the list; or back to the row's page, which says what needs it."""
    try:
        action()
    except (RecipeInUse, TableInUse) as error:
        messages.error(request, str(error))
        return redirect(address)
    messages.success(request, done)
    return redirect(changelist)
