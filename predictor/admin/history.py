"""The base class of all admins here: read-only rows."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from predictor.access.rights import limit
from predictor.admin.keyset import KeysetChangeList
from predictor.admin.lists import CheckedChangeList, CheckedListMixin
from predictor.formats import MISSING


class HistoryChangeList(CheckedChangeList, KeysetChangeList):
    """Checked, and in pages by the id."""


class HistoryAdmin(CheckedListMixin):
    """Rows that cannot be added, changed or deleted by hand, and that are about models which the user may see."""

    # The path of the field that has the model of a row.
    model_field: str
    empty_value_display = MISSING
    sortable_by = ()  # By any other column than the id, the whole table would be sorted for each page.
    show_facets = admin.ShowFacets.NEVER  # They would count the rows of each choice of each filter: minutes a click.

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.limit_rows(super().get_queryset(request), request.user)

    def limit_rows(self, rows: QuerySet[Any], user: AbstractBaseUser | AnonymousUser) -> QuerySet[Any]:
        """Those that the user may see."""
        return limit(rows, user, self.model_field)

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return HistoryChangeList

    def view_on_site(self, obj: Any) -> str | None:
        """The address of a row's page, where it has one: Django's own link asks nobody whether they may see it."""
        return obj.get_absolute_url() if hasattr(obj, "get_absolute_url") else None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Redirect to the row: Django's page lists changes by hand, which there are none of."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return redirect(reverse(name, args=[object_id]))


def refuse_address(request: HttpRequest, **captured: Any) -> HttpResponse:
    raise Http404("Nothing has this address.")
