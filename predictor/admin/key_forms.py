"""What a user of the admin says of an API key: what a new one may do, and why one is revoked."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.access.callers import PERMISSIONS
from predictor.access.keys import NameInUse, Scope, make_key
from predictor.access.rights import find_models
from predictor.models import ApiKey, Version

MOST_CHARACTERS = 1_000
DAYS = 365
CHECKBOXES = {"class": "radiolist"}  # By which the admin's styles know such a list.
SCOPES = {
    Scope.PREDICT: _("predict: ask for predictions"),
    Scope.READ: _("read: read stored predictions and their reasons"),
    Scope.OUTCOME: _("outcome: record what really happened"),
}


class KeyForm(forms.Form):
    """Makes a key that may do no more than the user who makes it."""

    name = forms.CharField(
        max_length=100, label=_("Name"), help_text=_("Which program uses it; it names the key in lists and errors.")
    )
    scopes = forms.MultipleChoiceField(label=_("What it may do"), widget=forms.CheckboxSelectMultiple(CHECKBOXES))
    models = forms.MultipleChoiceField(label=_("Models"), widget=forms.CheckboxSelectMultiple(CHECKBOXES))
    expires = forms.DateField(
        required=False,
        label=_("Expires"),
        help_text=_("At 00:00 UTC of this day; never where it is empty."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, user: Any, data: Any = None) -> None:
        super().__init__(data, initial={"expires": timezone.now().date() + timedelta(days=DAYS)}, label_suffix="")
        self.user = user
        fields: dict[str, Any] = self.fields
        fields["scopes"].choices = [(each.value, SCOPES[each]) for each in list_scopes(user)]
        allowed, known = find_models(user), Version.objects.list_models()
        fields["models"].choices = [(slug, slug) for slug in known if allowed is None or slug in allowed]
        fields["models"].required = allowed is not None
        if allowed is None:
            fields["models"].help_text = _("Those that are chosen; where none is, all, also those that come later.")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise ValidationError(gettext("Give a name in one line of text."))
        return name

    def clean_expires(self) -> datetime | None:
        day = self.cleaned_data["expires"]
        if day is None:
            return None
        moment = datetime.combine(day, time(), UTC)
        if moment <= timezone.now():
            raise ValidationError(gettext("This day has begun already: give a later one."))
        return moment

    def make(self) -> tuple[ApiKey, str] | None:
        """The new key with its text, which nobody can find out later; None where the form says what is wrong."""
        if not self.is_valid():
            return None
        given = self.cleaned_data
        try:
            return make_key(
                given["name"],
                scopes=[Scope(each) for each in given["scopes"]],
                models=given["models"] or None,
                expires_at=given["expires"],
                by=self.user.get_username(),
            )
        except NameInUse:
            self.add_error("name", gettext("A key has this name: choose another, or revoke that key first."))
            return None


class RevocationForm(forms.Form):
    """Why a key is revoked."""

    reason = forms.CharField(
        max_length=MOST_CHARACTERS,
        label=_("Reason"),
        help_text=_("Why it is revoked; kept with your name and the time."),
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60, "aria-describedby": "id_reason_helptext"}),
    )


def list_scopes(user: Any) -> list[Scope]:
    """What a user may do, and so the keys that the user makes."""
    return [scope for scope in Scope if scope not in PERMISSIONS or user.has_perm(PERMISSIONS[scope])]


def list_hidden(user: AbstractBaseUser | AnonymousUser, keys: Iterable[ApiKey]) -> list[int]:
    """The ids of the keys for models that a user may not see."""
    allowed = find_models(user)
    if allowed is None:
        return []
    return [key.id for key in keys if key.only_models is None or not allowed.issuperset(key.only_models)]
