"""The page of one prediction: what was predicted, what happened, and the inputs; with the next ones of the list."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext

from predictor.access.rights import find_models
from predictor.admin.entry import EntryForm
from predictor.admin.reading import WORDS, read_prediction
from predictor.exceptions import DamagedArchive, InvalidFilters
from predictor.history.archives import find_archive, find_month
from predictor.history.cursor import Cursor
from predictor.history.filters import Filters, read_filters
from predictor.history.search import find
from predictor.models import Prediction

SECONDS_FOR_NEIGHBOURS = 0.1


def show_detail(request: HttpRequest, prediction: Prediction) -> HttpResponse:
    """Show a prediction, or record the outcome that is typed on its page."""
    user: Any = request.user
    may_record = user.has_perm("predictor.add_outcome") and not prediction.is_forgotten
    form = EntryForm(prediction) if may_record else None
    if request.method == "POST":
        if not may_record or "value" not in request.POST:
            raise PermissionDenied  # Nothing else of it can be changed.
        form = EntryForm(prediction, request.POST, has_focus=True)
        if form.record(request):
            messages.success(request, gettext("Recorded."))
            return HttpResponseRedirect(request.get_full_path())
    query = request.GET.urlencode()
    filters = replace(read_list_filters(request), only=find_models(request.user))
    newer, older = find_neighbours(filters, prediction)
    reading = read_prediction(prediction, may_see_version=user.has_perm("predictor.view_version"))
    send = gettext("Record a correction") if reading.outcomes else gettext("Record")
    context = {
        **admin.site.each_context(request),
        "title": reading.title,
        "opts": Prediction._meta,
        "words": {**WORDS, "send": send, "newer": gettext("Newer"), "older": gettext("Older")},
        "prediction": prediction,
        "reading": reading,
        "form": form,
        "list_address": add_query(reverse("admin:predictor_prediction_changelist"), query),
        "newer": newer and make_detail_address(newer, query),
        "older": older and make_detail_address(older, query),
    }
    status = 422 if form is not None and form.errors else 200
    return TemplateResponse(request, "admin/predictor/prediction/detail.html", context, status=status)


def read_list_filters(request: HttpRequest) -> Filters:
    """The filters of the list that led here; none where they cannot be read."""
    try:
        return read_filters(request.GET.dict())
    except InvalidFilters:
        return Filters()


def find_neighbours(filters: Filters, prediction: Prediction) -> tuple[Prediction | None, Prediction | None]:
    """The next newer and the next older prediction of the list; None where none was found in time."""
    after = find(filters, Cursor(after=prediction.pk), limit=1, seconds=SECONDS_FOR_NEIGHBOURS).rows
    before = find(filters, Cursor(before=prediction.pk), limit=1, seconds=SECONDS_FOR_NEIGHBOURS).rows
    newer = next((each for each in after if each.pk > prediction.pk), None)
    return newer, next(iter(before), None)


def make_detail_address(prediction: Prediction, query: str) -> str:
    """The page of a prediction that leads back to the list with this query: its filters, columns and place."""
    return add_query(reverse("admin:predictor_prediction_change", args=[prediction.pk]), query)


def find_archived_address(id: UUID) -> str:
    """The page of a prediction that may be archived, by the month in its id; empty where that has no archive."""
    month = find_month(id)
    if not settings.ARCHIVE_DIR or month is None:
        return ""
    try:
        return make_archived_address(id) if find_archive(Path(settings.ARCHIVE_DIR), month) else ""
    except DamagedArchive:
        return make_archived_address(id)  # It says so.


def make_archived_address(id: UUID) -> str:
    return reverse("admin:predictor_archived_prediction", args=[id])


def add_query(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address
