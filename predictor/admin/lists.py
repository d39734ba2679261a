"""Lists of rows, whatever filters their address has."""

import logging
from typing import Any

import django.db
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from predictor.exceptions import MlsiteError
from predictor.languages import gettext as _
from predictor.models import Prediction, Version

logger = logging.getLogger(__name__)

# What Django and the databases raise for a value that no row can have: a NUL, the year 99999, twenty digits.
UNUSABLE = (IncorrectLookupParameters, ValidationError, ValueError, TypeError, OverflowError, django.db.DataError)
# What the filters of a field, of a related row and of a date add to the field's name.
FILTER_LOOKUPS = ("", "__exact", "__id__exact", "__isnull", "__gte", "__lt")
DATE_LOOKUPS = ("__year", "__month", "__day", "__gte", "__lt")


class UnusableFilter(MlsiteError):
    """The address of a list has a filter that no query can be made of."""


class UnusableSelection(MlsiteError):
    """An action was sent for rows whose ids no row can have."""


class CheckedChangeList(ChangeList):
    """Raises UnusableFilter for any parameter that cannot be used; it counts the rows, so a query has run by then."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        try:
            super().__init__(*arguments, **options)
        except UNUSABLE as error:
            raise UnusableFilter(str(error)) from error


class CheckedListMixin(admin.ModelAdmin):
    """An admin whose list takes the parameters of its own filters, and shows all rows where a value cannot be used."""

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return CheckedChangeList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        try:
            return super().changelist_view(request, extra_context)
        except UnusableFilter as error:
            logger.info("a filter of %s was not used: %s", request.path, error)
            messages.warning(request, _("A filter in the address has a value that cannot be used: all rows are shown."))
        except UnusableSelection as error:
            logger.info("a selection of %s was not used: %s", request.path, error)
            messages.warning(request, _("Nothing was done: what was selected are no rows of this list."))
        return HttpResponseRedirect(request.path)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *arguments: Any, **options: Any
    ) -> HttpResponse | None:
        try:
            queryset.filter(pk__in=request.POST.getlist(ACTION_CHECKBOX_NAME)).exists()
        except UNUSABLE as error:
            raise UnusableSelection(str(error)) from error
        return super().response_action(request, queryset, *arguments, **options)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the filters ask for: others, such as `reason__regex`, could keep a worker busy for minutes."""
        allowed = {lookup for each in self.get_list_filter(request) for lookup in _list_lookups(each)}
        if self.date_hierarchy:
            allowed |= {f"{self.date_hierarchy}{suffix}" for suffix in DATE_LOOKUPS}
        return lookup in allowed


def _list_lookups(each: Any) -> list[str]:
    """The parameters of one item of `list_filter`: a filter of ours, or the name of a field."""
    if isinstance(each, str):
        return [f"{each}{suffix}" for suffix in FILTER_LOOKUPS]
    if isinstance(each, type) and issubclass(each, admin.SimpleListFilter):
        return [str(each.parameter_name)]
    raise TypeError(f"{each!r} is neither the name of a field nor a SimpleListFilter")


def with_version() -> "tuple[Prefetch[Any], Prefetch[Any]]":
    """What a list of outcomes shows of their predictions: each version is read once, and no inputs."""
    predictions = Prediction.objects.defer("inputs", "probabilities", "warnings", "warning_codes")
    return Prefetch("prediction", predictions), Prefetch("prediction__version", Version.objects.for_lists())
