"""The admin's sign-in page, which limits the number of attempts."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from predictor.access import sign_in
from predictor.access.addresses import find_address
from predictor.languages import ngettext


class SignInForm(AdminAuthenticationForm):
    """Hashes a password only if the attempt is within the limits; otherwise `retry_after` is above 0."""

    retry_after = 0

    def clean(self) -> dict[str, Any]:
        account = self.cleaned_data.get("username")
        if self.request is None or account is None or "password" not in self.cleaned_data:
            return super().clean()
        address = find_address(self.request)
        self.retry_after = sign_in.count_attempt(account, address)
        if self.retry_after:
            raise ValidationError(describe_wait(self.retry_after), code="too_many_tries")
        try:
            cleaned = super().clean()
        except ValidationError:
            sign_in.note_failure(account, address)
            raise
        sign_in.note_success(account, address)
        return cleaned


def show_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin's own page, with status 429 where the limits refuse the attempt."""
    response = admin.site.login(request)
    form = (getattr(response, "context_data", None) or {}).get("form")
    if form is not None and form.is_bound and form.retry_after:
        response.status_code = 429
        response["Retry-After"] = str(form.retry_after)
    return response


def describe_wait(seconds: int) -> str:
    """How long to wait, in whole minutes, rounded up."""
    minutes = -(-seconds // 60)
    sentence = ngettext(
        "Too many attempts to sign in. Try again in a minute.",
        "Too many attempts to sign in. Try again in {minutes} minutes.",
        minutes,
    )
    return sentence.format(minutes=minutes)
