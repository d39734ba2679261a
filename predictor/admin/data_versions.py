"""The admin of tables that were uploaded for retrains: which there are, and which versions need them."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.admin.asking import ask, delete
from predictor.admin.cells import show_moment
from predictor.admin.history import HistoryAdmin
from predictor.admin.retraining import RETRAIN
from predictor.files.data_versions import discard, list_trained
from predictor.formats import MISSING, format_number, format_size
from predictor.models import DataVersion

MOST_VERSIONS = 10


@admin.register(DataVersion)
class DataVersionAdmin(HistoryAdmin):
    model_field = "model"
    list_display = ["number", "name", "model", "shown_rows", "size", "trained", "made_by", "made"]
    list_filter = ["model"]
    list_select_related = ["file"]
    ordering = ["-id"]
    fieldsets = [
        (None, {"fields": ["number", "name", "model", "shown_rows", "shown_columns", "size", "trained"]}),
        (_("Record"), {"fields": ["made", "made_by", "shown_sha256"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("file")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may retrain may see on what."""
        return request.user.has_perm(RETRAIN) or super().has_view_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        discarding = self.admin_site.admin_view(self.discard_view)
        return [path("<int:number>/discard/", discarding, name="predictor_dataversion_discard"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        label = gettext("Delete this table") if request.user.has_perm("predictor.delete_dataversion") else ""
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "discard_label": label})

    def discard_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Ask whether the table with this number is to be deleted, and then delete it, where nothing needs it."""
        if not request.user.has_perm("predictor.delete_dataversion"):
            raise PermissionDenied
        table = get_object_or_404(self.get_queryset(request), pk=number)
        address = reverse("admin:predictor_dataversion_change", args=[table.pk])
        if request.method == "POST":
            return delete(
                request,
                lambda: discard(table),
                done=gettext("{table} was deleted.").format(table=table),
                address=address,
                changelist="admin:predictor_dataversion_changelist",
            )
        return ask(
            request,
            self.opts,
            title=gettext("Delete {table}").format(table=table),
            sentence=gettext("It cannot be brought back. A table that a version, a recipe or a job needs is kept."),
            button_label=gettext("Delete this table"),
            back=address,
            back_label=str(table),
        )

    @admin.display(description=_("number"))
    def number(self, table: DataVersion) -> str:
        return str(table.pk)

    @admin.display(description=_("name"))
    def name(self, table: DataVersion) -> str:
        return table.file.name

    @admin.display(description=_("rows"))
    def shown_rows(self, table: DataVersion) -> str:
        return format_number(table.rows)

    @admin.display(description=_("columns"))
    def shown_columns(self, table: DataVersion) -> str:
        return ", ".join(table.columns)

    @admin.display(description=_("size"))
    def size(self, table: DataVersion) -> str:
        return format_size(table.file.size)

    @admin.display(description="SHA-256")
    def shown_sha256(self, table: DataVersion) -> str:
        return table.sha256

    @admin.display(description=_("versions trained on it"))
    def trained(self, table: DataVersion) -> SafeString | str:
        versions = list_trained(table).only("model", "number")[:MOST_VERSIONS]
        links = [(reverse("admin:predictor_version_change", args=[each.pk]), each.number) for each in versions]
        return format_html_join(", ", '<a href="{}">{}</a>', links) or MISSING

    @admin.display(description=_("uploaded"))
    def made(self, table: DataVersion) -> SafeString:
        return show_moment(table.made_at)
