"""Pages of the admin that ask before something is done."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse


def ask(request: HttpRequest, opts: Any, **shown: Any) -> TemplateResponse:
    """A sentence, the fields of a `form` where there is one, and a button that does what the `title` says."""
    context = {**admin.site.each_context(request), "opts": opts, **shown}
    return TemplateResponse(request, "admin/predictor/ask.html", context)
