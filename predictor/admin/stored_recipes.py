"""The admin of recipes that are rows: superusers see, change and delete them, and make new ones."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from predictor.admin.asking import ask, delete
from predictor.admin.cells import show_moment
from predictor.admin.history import HistoryAdmin
from predictor.admin.new_models.steps import change_recipe, may_make, show_draft, show_upload
from predictor.formats import format_number
from predictor.models import StoredRecipe
from predictor.registry.recipes import delete_recipe


@admin.register(StoredRecipe)
class StoredRecipeAdmin(HistoryAdmin):
    model_field = "model"
    list_display = ["model", "table", "state", "made_by", "made"]
    list_select_related = ["data_version__file"]
    ordering = ["-id"]
    fields = ["model", "state", "table", "sha256", "shown_toml", "made_by", "made"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_make(request)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("upload/", wrap(show_upload), name="predictor_storedrecipe_upload"),
            path("draft/<uuid:id>/", wrap(show_draft), name="predictor_storedrecipe_draft"),
            path("<int:number>/discard/", wrap(self.discard_view), name="predictor_storedrecipe_discard"),
            path("<int:number>/edit/", wrap(change_recipe), name="predictor_storedrecipe_edit"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return redirect("admin:predictor_storedrecipe_upload")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        may_change = row is not None and row.handed_over_at is None and may_make(request)
        label = gettext("Change the recipe") if may_change else ""
        labels = {"edit_label": label, "discard_label": gettext("Delete this recipe")}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **labels})

    def discard_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Ask whether the recipe with this number is to be deleted, and then delete it, where nothing goes by it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(self.get_queryset(request), pk=number)
        address = reverse("admin:predictor_storedrecipe_change", args=[row.pk])
        if request.method == "POST":
            return delete(
                request,
                lambda: delete_recipe(row),
                done=gettext("The recipe of {model} was deleted.").format(model=row.model),
                address=address,
                changelist="admin:predictor_storedrecipe_changelist",
            )
        return ask(
            request,
            self.opts,
            title=gettext("Delete the recipe of {model}").format(model=row.model),
            sentence=gettext(
                "It cannot be brought back; its table is kept. Only a recipe of a model without versions, or one that"
                " was exported to a folder, is deleted."
            ),
            button_label=gettext("Delete this recipe"),
            back=address,
            back_label=row.model,
        )

    @admin.display(description=_("table"))
    def table(self, row: StoredRecipe) -> str:
        version = row.data_version
        sentence = ngettext("{file}, {rows} row", "{file}, {rows} rows", version.rows)
        return sentence.format(file=version.file.name, rows=format_number(version.rows))

    @admin.display(description=_("SHA-256 of the table"))
    def sha256(self, row: StoredRecipe) -> str:
        return row.data_version.sha256

    @admin.display(description=_("state"))
    def state(self, row: StoredRecipe) -> str:
        if row.handed_over_at is None:
            return gettext("in use")
        return gettext("exported to a folder on {day}").format(day=f"{row.handed_over_at:%Y-%m-%d}")

    @admin.display(description=_("recipe"))
    def shown_toml(self, row: StoredRecipe) -> SafeString:
        return format_html("<pre>{}</pre>", row.toml)

    @admin.display(description=_("made"))
    def made(self, row: StoredRecipe) -> SafeString:
        return show_moment(row.made_at)
