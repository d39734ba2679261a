"""Pages of the admin that htmx reads again every 2 s, while something on them is unfinished."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse


def is_by_htmx(request: HttpRequest) -> bool:
    return request.META.get("HTTP_HX_REQUEST") == "true"


def show_part(request: HttpRequest, page: HttpResponse, template: str) -> HttpResponse:
    """For htmx the part of a page that changes, which `template` renders in the page's context; else the page."""
    if not is_by_htmx(request):
        return page
    if not isinstance(page, TemplateResponse):  # It leads elsewhere.
        return load_again()
    page.template_name = template
    return page


def load_again() -> HttpResponse:
    """Have htmx load the whole page again."""
    return HttpResponse(headers={"HX-Refresh": "true"})
