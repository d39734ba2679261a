"""The form by which users sign in, on the site's own page and in the admin; the number of attempts is limited."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from predictor.access import sign_in
from predictor.access.addresses import find_address
from predictor.languages import ngettext


class LimitedSignInForm(AuthenticationForm):
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


def describe_wait(seconds: int) -> str:
    """How long to wait, in whole minutes, rounded up."""
    minutes = -(-seconds // 60)
    sentence = ngettext(
        "Too many attempts to sign in. Try again in a minute.",
        "Too many attempts to sign in. Try again in {minutes} minutes.",
        minutes,
    )
    return sentence.format(minutes=minutes)
