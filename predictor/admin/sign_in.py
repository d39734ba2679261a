"""The admin's sign-in page, which limits the number of attempts."""

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest, HttpResponse

from predictor.access.sign_in_form import LimitedSignInForm


class SignInForm(LimitedSignInForm, AdminAuthenticationForm):
    pass


def show_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin's own page, with status 429 where the limits refuse the attempt."""
    response = admin.site.login(request)
    form = (getattr(response, "context_data", None) or {}).get("form")
    if form is not None and form.is_bound and form.retry_after:
        response.status_code = 429
        response["Retry-After"] = str(form.retry_after)
    return response
