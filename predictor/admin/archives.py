"""Archived months in the admin: which there are, the predictions of one, and one of these. All is read-only."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from predictor.access.rights import find_models, limit
from predictor.admin.detail import make_archived_address
from predictor.admin.filter_controls import make_control
from predictor.admin.listing import describe_form, make_line
from predictor.admin.reading import WORDS, read_prediction
from predictor.exceptions import ArchiveNotRead, DamagedArchive, InvalidFilters
from predictor.formats import MISSING, format_number
from predictor.history.archived import make_archived, read_archived
from predictor.history.archives import Archive, find_archive, find_month, list_descriptions, read_description
from predictor.history.cursor import read_cursor
from predictor.models import Prediction, Version
from predictor.texts import quote


class ArchivesMixin(admin.ModelAdmin):
    """Adds pages below `archives/`, where ARCHIVE_DIR is set. What cannot be read leads to the list of months."""

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path("archives/", self._guard(show_months), name="predictor_prediction_archives"),
            path("archives/<uuid:id>/", self._guard(show_archived), name="predictor_archived_prediction"),
            path("archives/<str:month>/", self._guard(show_month), name="predictor_archive"),
        ]
        return [*pages, *super().get_urls()]

    def _guard(self, view: Callable[..., HttpResponse]) -> Any:
        def guarded(request: HttpRequest, **captured: Any) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            if not settings.ARCHIVE_DIR:
                raise Http404("ARCHIVE_DIR is not set.")
            try:
                return view(request, **captured)
            except (ArchiveNotRead, DamagedArchive, InvalidFilters) as error:
                messages.error(request, str(error))
                return HttpResponseRedirect(reverse("admin:predictor_prediction_archives"))

        return self.admin_site.admin_view(require_safe(guarded))


def show_months(request: HttpRequest) -> HttpResponse:
    """List the archived months, the newest first; how much is in them only for those who see all models."""
    found, problems = list_months(Path(settings.ARCHIVE_DIR))
    sees_all = find_models(request.user) is None
    context = {
        "title": gettext("Archives"),
        "months": [describe_month(each, sees_all=sees_all) for each in reversed(found)],
        "problems": problems,
        "words": {
            "month": gettext("month"),
            "predictions": gettext("predictions"),
            "outcomes": gettext("outcomes"),
            "file": gettext("file"),
            "none": gettext("No month is archived."),
        },
    }
    return render(request, "archives", context)


def list_months(folder: Path) -> tuple[list[Archive], list[str]]:
    """The archives of a folder, and what is wrong with those that cannot be read."""
    if not folder.is_dir():
        return [], [gettext("ARCHIVE_DIR, {folder}, was not found.").format(folder=folder)]
    found, problems = [], []
    for description in list_descriptions(folder):
        try:
            found.append(read_description(description))
        except DamagedArchive as error:
            problems.append(str(error))
    return found, problems


def describe_month(archive: Archive, *, sees_all: bool) -> dict[str, str]:
    return {
        "name": archive.month,
        "address": reverse("admin:predictor_archive", args=[archive.month]),
        "predictions": format_number(archive.rows) if sees_all else MISSING,
        "outcomes": format_number(archive.outcomes) if sees_all else MISSING,
        "file": archive.file,
    }


def show_month(request: HttpRequest, month: str) -> HttpResponse:
    """List the archived predictions of a month, the newest first, from `before` on, of a `model` or of all."""
    given = request.GET.dict()
    models = limit(Version.objects.all(), request.user).list_models()
    model, before = given.get("model", ""), read_cursor(given).before
    if model and model not in models:
        raise ArchiveNotRead(gettext("There is no version of {model}.").format(model=quote(model)))
    archive = take_archive(month)
    page = read_archived(month, {model} if model else find_models(request.user), before=before)
    kept, address = {"model": model} if model else {}, reverse("admin:predictor_archive", args=[month])
    older = {**kept, "before": str(page.before)}
    context = {
        "title": gettext("Archive of {month}").format(month=month),
        "archive": archive,
        "control": make_control(given, {}, "model", gettext("Model"), [(each, each) for each in models]),
        "lines": [
            make_line(each.prediction, make_archived_address(each.prediction.pk), [])
            for each in make_archived(page.predictions)
        ],
        "none": gettext("No prediction was found."),
        "newest": f"{address}?{urlencode(kept)}".rstrip("?") if before else "",
        "older": f"{address}?{urlencode(older)}" if page.before else "",
        "older_label": gettext("Older"),
        "words": describe_form(),
    }
    return render(request, "archive", context)


def show_archived(request: HttpRequest, id: UUID) -> HttpResponse:
    """Show one archived prediction, where nothing can be recorded."""
    month = find_month(id) or ""
    archive = take_archive(month)
    found = make_archived(read_archived(month, find_models(request.user), id=id).predictions)
    if not found:
        raise ArchiveNotRead(gettext("The archive of {month} has no prediction {id}.").format(month=month, id=id))
    may_see_version = request.user.has_perm("predictor.view_version")
    reading = read_prediction(found[0].prediction, may_see_version=may_see_version, archived=found[0].outcomes)
    notice = gettext("It is archived in {file}, where nothing can be recorded. This stores the month again:")
    context = {
        "title": reading.title,
        "words": {**WORDS, "stored": gettext("It is still stored, too.")},
        "prediction": found[0].prediction,
        "reading": reading,
        "month": month,
        "notice": notice.format(file=archive.file),
        "command": f"./manage.py archive --restore {month}",
        "stored_address": find_stored_address(id),
    }
    return render(request, "archived", context)


def find_stored_address(id: UUID) -> str:
    """The page of a prediction that is stored as well, where its outcome is recorded; empty where it is not."""
    is_stored = Prediction.objects.filter(pk=id).exists()
    return reverse("admin:predictor_prediction_change", args=[id]) if is_stored else ""


def take_archive(month: str) -> Archive:
    """The archive of a month. Raises ArchiveNotRead and DamagedArchive."""
    archive = find_archive(Path(settings.ARCHIVE_DIR), month)
    if archive is None:
        raise ArchiveNotRead(gettext("There is no archive of {month}.").format(month=quote(month)))
    return archive


def render(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    shared = {
        **admin.site.each_context(request),
        "opts": Prediction._meta,
        "list_address": reverse("admin:predictor_prediction_changelist"),
        "archives_title": gettext("Archives"),
    }
    return TemplateResponse(request, f"admin/predictor/prediction/{template}.html", {**shared, **context})
