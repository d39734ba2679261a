"""The base class of all admins here: read-only rows."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class HistoryAdmin(admin.ModelAdmin):
    """Rows that cannot be added, changed or deleted by hand."""

    show_full_result_count = False  # It would count a long history a second time for each page.
    show_facets = admin.ShowFacets.NEVER  # They would count the rows of each choice of each filter: minutes a click.

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
