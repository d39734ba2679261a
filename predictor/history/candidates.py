"""The predictions that can be what is searched for, along the index that knows the most of it, in windows of ids."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from predictor.history.filters import Filters
from predictor.history.ids import find_first_id
from predictor.models import Outcome, Prediction, Version

# Up to so many predictions, it is quicker to look for the outcome of each than for the prediction of each outcome.
FEW = 30_000
# No version has this id.
NONE = (0,)
HAS_OUTCOME = Exists(Outcome.objects.filter(prediction=OuterRef("pk")))


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Rows of predictions, or of outcomes, in the order of the predictions' ids, which are in their column `id`.

    An index has `rows` in this order, or with `versions` those of each version and each of the `sources`. Those that
    also meet `conditions` are what is searched for, as far as filters are exact.
    """

    rows: QuerySet[Any]
    id: str = "id"
    versions: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    conditions: tuple[Any, ...] = ()

    def find_end(self, place: UUID | None, size: int, *, newer: bool) -> UUID | None:
        """The end of a window from `place` on with `size` rows or more, at most so many of a version and a source.

        None where fewer are left. The index alone answers that.
        """
        order = self.id if newer else f"-{self.id}"
        if not self.versions:
            rows = self._go_on(self.rows, place, newer).order_by(order)
            return next(iter(rows.values_list(self.id, flat=True)[size - 1 : size]), None)
        of_version = self._go_on(self.rows.filter(version=OuterRef("pk")), place, newer).order_by(order).values(self.id)
        each = {f"end_{name}": Subquery(of_version.filter(source=name)[size - 1 : size]) for name in self.sources}
        ends = Version.objects.filter(id__in=self.versions).order_by().annotate(**each).values_list(*each)
        known = (end for of_sources in ends for end in of_sources if end is not None)
        return (min if newer else max)(known, default=None)

    def list_window(self, place: UUID | None, end: UUID | None, size: int, *, newer: bool) -> QuerySet[Prediction]:
        """The predictions from `place`, which is not among them, to `end`, which is, and that meet the conditions."""
        order = "id" if newer else "-id"
        if self.versions and connection.vendor == "postgresql":
            found = Prediction.objects.filter(id__in=self._write_ranges(place, end, size, newer))
            return found.filter(*self.conditions).order_by(order)
        rows = self._go_on(self.list_all(), place, newer)
        rows = rows if end is None else rows.filter(**{f"{self.id}__{'lte' if newer else 'gte'}": end})
        if self.id != "id":
            rows = Prediction.objects.filter(id__in=rows.order_by().values(self.id))
        return rows.filter(*self.conditions).order_by(order)

    def list_all(self) -> QuerySet[Any]:
        """All rows, in no order, whatever conditions they meet."""
        if not self.versions:
            return self.rows.order_by()
        # All sources, too: otherwise the index would not lead to the place.
        return self.rows.filter(version__in=self.versions, source__in=self.sources).order_by()

    def _write_ranges(self, place: UUID | None, end: UUID | None, size: int, newer: bool) -> RawSQL:
        """The same as list_window, without the conditions.

        PostgreSQL does not know that a version's predictions are of one time: it expects most of them in any window,
        and would scan the table. The limit, which no range exceeds, tells it otherwise.
        """
        rows = self._go_on(self.rows.filter(version=RawSQL("v.id", []), source=RawSQL("s.name", [])), place, newer)
        rows = rows if end is None else rows.filter(**{f"id__{'lte' if newer else 'gte'}": end})
        sql, parameters = rows.order_by("id" if newer else "-id").values("id")[:size].query.sql_with_params()
        ranges = "unnest(%s::bigint[]) v (id), unnest(%s::varchar[]) s (name)"
        given = [list(self.versions), list(self.sources), *parameters]
        return RawSQL(f"SELECT found.id FROM {ranges}, LATERAL ({sql}) found (id)", given)  # noqa: S608, S611  # Our own.

    def _go_on(self, rows: QuerySet[Any], place: UUID | None, newer: bool) -> QuerySet[Any]:
        return rows if place is None else rows.filter(**{f"{self.id}__{'gt' if newer else 'lt'}": place})


def list_candidates(filters: Filters) -> Candidates:
    """The candidates of a search; those with an outcome where it asks for one."""
    versions = _find_versions(filters)
    predictions = _list_predictions(filters, versions)
    if filters.id or not filters.needs_outcome:
        return predictions
    outcomes = _bound(Outcome.objects.filter(is_first()), filters, "prediction_id")
    if predictions.versions:
        if predictions.list_all()[: FEW + 1].count() <= FEW:
            return predictions
        newest, oldest = (predictions.find_end(None, 1, newer=newer) for newer in (False, True))
        outcomes = outcomes.filter(prediction_id__gte=oldest, prediction_id__lte=newest)
    conditions = tuple(_list_conditions(filters, versions, by=("outcome",)))
    return Candidates(rows=outcomes, id="prediction_id", conditions=conditions)


def _list_predictions(filters: Filters, versions: tuple[int, ...] | None) -> Candidates:
    rows: QuerySet[Any] = _bound(Prediction.objects.all(), filters, "id")
    if filters.id:
        conditions = tuple(_list_conditions(filters, versions, by=()))
        return Candidates(rows=rows.filter(id=filters.id), conditions=conditions)
    if versions is None and not filters.source and not filters.warned:
        return Candidates(rows=rows, conditions=tuple(_list_conditions(filters, versions, by=())))
    by = ("version", "source", "warned") if filters.warned else ("version", "source")
    every = tuple(Version.objects.values_list("id", flat=True)) or NONE
    return Candidates(
        rows=rows.filter(is_warned()) if filters.warned else rows,
        versions=every if versions is None else versions,
        sources=(filters.source,) if filters.source else tuple(Prediction.Source.values),
        conditions=tuple(_list_conditions(filters, versions, by=by)),
    )


def is_warned() -> Any:
    """The condition as the index has it; SQLite uses that for no parameter."""
    if connection.vendor == "sqlite":
        return Func(F("warnings"), template="NOT (%(expressions)s = '[]')", output_field=BooleanField())
    return ~Q(warnings=[])


def is_first() -> Any:
    """The condition of one outcome of each prediction; but for the +, SQLite would sort them all by another index."""
    if connection.vendor == "sqlite":
        return Func(F("replaces"), template="+%(expressions)s IS NULL", output_field=BooleanField())
    return Q(replaces=None)


def _list_conditions(filters: Filters, versions: tuple[int, ...] | None, *, by: tuple[str, ...]) -> Iterator[Any]:
    """The exact filters of predictions, without those that the index is `by`."""
    if versions is not None and "version" not in by:
        yield Q(version__in=versions)
    if filters.source and "source" not in by:
        yield Q(source=filters.source)
    if filters.warned is not None and "warned" not in by:
        yield ~Q(warnings=[]) if filters.warned else Q(warnings=[])
    if filters.needs_outcome and "outcome" not in by:
        yield HAS_OUTCOME
    if filters.outcome is False:
        yield ~HAS_OUTCOME


def _bound(rows: QuerySet[Any], filters: Filters, id: str) -> QuerySet[Any]:
    """Those of the time that is asked for."""
    if filters.since is not None:
        rows = rows.filter(**{f"{id}__gte": find_first_id(filters.since)})
    if filters.until is not None:
        rows = rows.filter(**{f"{id}__lt": find_first_id(filters.until)})
    return rows


def _find_versions(filters: Filters) -> tuple[int, ...] | None:
    """The ids of the versions that are asked for; None for all."""
    if not filters.model and filters.only is None:
        return None
    found = Version.objects.filter(model=filters.model) if filters.model else Version.objects.all()
    found = found if filters.only is None else found.filter(model__in=filters.only)
    found = found if filters.version is None else found.filter(number=filters.version)
    return tuple(found.order_by("id").values_list("id", flat=True)) or NONE
