"""The admin of API keys: a new one is shown once, and one that is revoked stays in the list."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.access.keys import revoke_key
from predictor.admin.cells import show_moment
from predictor.admin.history import HistoryAdmin
from predictor.admin.key_forms import KeyForm, RevocationForm, list_hidden
from predictor.formats import MISSING
from predictor.models import ApiKey

STATES = {"valid": _("valid"), "expired": _("expired"), "revoked": _("revoked")}


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        has_expired = Q(expires_at__lte=timezone.now())
        conditions = {
            "valid": Q(revoked_at=None) & (Q(expires_at=None) | ~has_expired),
            "expired": Q(revoked_at=None) & has_expired,
            "revoked": Q(revoked_at__isnull=False),
        }
        chosen = conditions.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


@admin.register(ApiKey)
class ApiKeyAdmin(HistoryAdmin):
    list_display = ["name", "shown_prefix", "state", "shown_scopes", "shown_models", "made", "expires", "last_used"]
    list_filter = [StateFilter]
    ordering = ["-id"]
    fields = [
        *["name", "shown_prefix", "state", "shown_scopes", "shown_models", "made", "made_by", "expires", "last_used"],
        *["revoked", "revoked_by", "reason"],
    ]

    def limit_rows(self, rows: QuerySet[ApiKey], user: AbstractBaseUser | AnonymousUser) -> QuerySet[ApiKey]:
        return rows.exclude(id__in=list_hidden(user, rows)).defer("sha256")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("predictor.add_apikey")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("predictor.change_apikey")

    def get_urls(self) -> list[URLPattern]:
        revoking = self.admin_site.admin_view(self.revoke_view)
        return [path("<int:number>/revoke/", revoking, name="predictor_apikey_revoke"), *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask what the key may do; the answer to the form shows it, once, and no cache, cookie or session keeps it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = KeyForm(request.user, request.POST or None)
        made = form.make() if request.method == "POST" else None
        context = self._make_context(request, gettext("New API key"), form=form, make_label=gettext("Make the key"))
        if made is None:
            return TemplateResponse(request, "admin/predictor/apikey/make.html", context)
        key, text = made
        context |= {
            "title": gettext("The key {name}").format(name=key.name),
            "text": text,
            "once": gettext("Copy it now: it is shown only this once, and the site keeps only its hash."),
            "header": f"Authorization: Bearer {key.prefix}…",
            "how": gettext("A program sends it with each request, in this header:"),
            "list_label": gettext("Back to the list"),
        }
        return TemplateResponse(request, "admin/predictor/apikey/made.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        key = self.get_object(request, object_id)
        may_revoke = key is not None and key.revoked_at is None and self.has_revoke_permission(request)
        label = gettext("Revoke this key") if may_revoke else ""
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "revoke_label": label})

    def revoke_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Ask for the reason why the key with this id is revoked, and then revoke it."""
        if not self.has_revoke_permission(request):
            raise PermissionDenied
        key = get_object_or_404(self.get_queryset(request), pk=number)
        form = RevocationForm(request.POST or None, label_suffix="")
        if request.method == "POST" and form.is_valid():
            by, reason = request.user.get_username(), form.cleaned_data["reason"]
            is_new = revoke_key(key, by=by, reason=reason)
            sentence = gettext("Revoked: {key}.") if is_new else gettext("Revoked already: {key}.")
            messages.success(request, sentence.format(key=key))
            return redirect("admin:predictor_apikey_change", key.pk)
        context = self._make_context(request, gettext("Revoke {key}").format(key=key), form=form, key=key)
        context |= {
            "sentence": gettext("Every process refuses it within 2 seconds. This cannot be undone."),
            "revoke_label": gettext("Revoke"),
        }
        return TemplateResponse(request, "admin/predictor/apikey/revoke.html", context)

    def _make_context(self, request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **more}

    @admin.display(description=_("key"))
    def shown_prefix(self, key: ApiKey) -> SafeString:
        return format_html("<code>{}…</code>", key.prefix)

    @admin.display(description=_("state"))
    def state(self, key: ApiKey) -> str:
        return str(STATES[key.state])

    @admin.display(description=_("scopes"))
    def shown_scopes(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description=_("models"))
    def shown_models(self, key: ApiKey) -> str:
        return gettext("all") if key.only_models is None else ", ".join(key.only_models)

    @admin.display(description=_("made"))
    def made(self, key: ApiKey) -> SafeString:
        return show_moment(key.made_at)

    @admin.display(description=_("expires"))
    def expires(self, key: ApiKey) -> SafeString | str:
        return show_moment(key.expires_at) if key.expires_at else gettext("never")

    @admin.display(description=_("last used"))
    def last_used(self, key: ApiKey) -> SafeString | str:
        return show_moment(key.last_used_at) if key.last_used_at else gettext("never")

    @admin.display(description=_("revoked"))
    def revoked(self, key: ApiKey) -> SafeString | str:
        return show_moment(key.revoked_at) if key.revoked_at else MISSING
