"""The admin's sign-in page, which limits the number of attempts."""

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest, HttpResponse

from predictor.access.sign_in_form import LimitedSignInForm
from predictor.admin.live import is_by_htmx, load_again


class SignInForm(LimitedSignInForm, AdminAuthenticationForm):
    pass


def show_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin's own page, with status 429 where the limits refuse the attempt.

    A part of a page that htmx reads again has been sent here: the whole page is to be loaded, and then leads here.
    """
    if is_by_htmx(request):
        return load_again()
    response = admin.site.login(request)
    form = (getattr(response, "context_data", None) or {}).get("form")
    if form is not None and form.is_bound and form.retry_after:
        response.status_code = 429
        response["Retry-After"] = str(form.retry_after)
    return response
