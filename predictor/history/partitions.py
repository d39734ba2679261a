"""Divides the table of predictions by the month of their ids, on PostgreSQL, while the site runs.

The first partition has no lower end and the last one no upper end, so that every id has a place whatever a clock says.
Months are made ahead; where nobody does that, the last partition takes all, and is closed later. Everything else sees
one table with the same name, columns, indexes and references as before.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from predictor.exceptions import CannotPartition
from predictor.history.altering import CHECK, TABLE, alter, alter_without_references, closed, validate_references
from predictor.history.ids import find_first_id, find_moment

FIRST, LAST = f"{TABLE}_earlier", f"{TABLE}_later"
MONTHS_AHEAD = 3
# A constraint refuses ids of after it while the table is divided: by far enough for a run, and for one that was killed.
LEAST_TIME_AHEAD = timedelta(days=7)
# A clock may be wrong, but not by so much.
MOST_TIME_AHEAD = timedelta(days=400)
BOUNDS = re.compile(r"FOR VALUES FROM \((?:MINVALUE|'(.+?)')\) TO \((?:MAXVALUE|'(.+?)')\)")


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A part of the table: ids from `first` on to before `end`; None where it has no such end."""

    name: str
    first: UUID | None
    end: UUID | None

    @property
    def month(self) -> datetime | None:
        """The month that it contains; None for any other time."""
        if self.first is None or self.end is None:
            return None
        first, end = find_moment(self.first), find_moment(self.end)
        return first if add_months(first, 1) == end else None


def is_supported() -> bool:
    return connection.vendor == "postgresql"


def list_partitions() -> list[Partition]:
    """The parts in the order of time; none where the table is not divided."""
    if not is_supported():
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_get_expr(relpartbound, pg_class.oid) FROM pg_inherits"
            " JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = to_regclass(%s)",
            [TABLE],
        )
        found = [(name, BOUNDS.fullmatch(bounds)) for name, bounds in cursor.fetchall()]
    partitions = [_make_partition(name, *bounds.groups()) for name, bounds in found if bounds]
    return sorted(partitions, key=lambda each: (each.first is not None, each.first))


def _make_partition(name: str, first: str | None, end: str | None) -> Partition:
    return Partition(name=name, first=first and UUID(first), end=end and UUID(end))  # type: ignore[arg-type]  # None or an id.


def make_partitions(now: datetime) -> list[Partition]:
    """Divide the table, or make the months ahead where it is divided; the partitions that were made."""
    before = list_partitions()
    if not before:
        _divide(now)
    else:
        _extend(before[-1], now)
    validate_references()
    with connection.cursor() as cursor:
        cursor.execute(f'ANALYZE "{TABLE}"')  # No autovacuum does that for a table with partitions.
    names = {each.name for each in before}
    return [each for each in list_partitions() if each.name not in names]


def _divide(now: datetime) -> None:
    """Make the table the first partition of a new one; its rows stay where they are."""
    start = find_end(TABLE, now)
    own = f"{TABLE}_before_{start:%Y_%m}"
    with closed(TABLE, find_first_id(start)):
        alter_without_references(lambda cursor: _swap(cursor, own, start))


def _swap(cursor: Any, own: str, start: datetime) -> None:
    refuse_dependents(cursor)
    constraints, indexes, grants = list_constraints(cursor), list_indexes(cursor), list_grants(cursor)
    for index, _ in indexes:
        cursor.execute(f'ALTER INDEX "{index}" RENAME TO "{index[:45]}_{start:%Y_%m}"')
    for name, kind, _ in constraints:
        if kind in "pu":
            cursor.execute(f'ALTER TABLE "{TABLE}" RENAME CONSTRAINT "{name}" TO "{name[:45]}_{start:%Y_%m}"')
    cursor.execute(f'ALTER TABLE "{TABLE}" RENAME TO "{own}"')
    cursor.execute(
        f'CREATE TABLE "{TABLE}" (LIKE "{own}" INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMMENTS)'
        " PARTITION BY RANGE (id)"
    )
    for name, _, definition in constraints:
        cursor.execute(f'ALTER TABLE "{TABLE}" ADD CONSTRAINT "{name}" {definition}')
    for _, definition in indexes:
        cursor.execute(definition)
    for grant in grants:
        cursor.execute(grant)
    _attach(cursor, own, None, start)
    cursor.execute(f'ALTER TABLE "{own}" DROP CONSTRAINT "{CHECK}"')
    _make_months(cursor, start, MONTHS_AHEAD)


def _extend(last: Partition, now: datetime) -> None:
    """Make the months ahead that are missing, in place of the beginning of the last partition."""
    assert last.first is not None  # noqa: S101  # The table was divided by this module.
    start, wanted = find_moment(last.first), add_months(next_month(now), MONTHS_AHEAD)
    if start >= wanted:
        return
    count = (wanted.year - start.year) * 12 + wanted.month - start.month
    if not alter(lambda cursor: _replace_last(cursor, last.name, start, count)):
        # Months were not made for long: what came meanwhile becomes a partition of its own.
        end = find_end(last.name, now)
        with closed(last.name, find_first_id(end)):
            alter_without_references(lambda cursor: _close_last(cursor, last.name, start, end))


def _replace_last(cursor: Any, name: str, start: datetime, count: int) -> bool:
    """Whether it could be replaced, which needs that it is empty, also once nobody can write any more."""
    cursor.execute(f'LOCK TABLE "{TABLE}" IN ACCESS EXCLUSIVE MODE')
    cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{name}")')  # noqa: S608  # Our own.
    if cursor.fetchone()[0]:
        return False
    _remove(cursor, name)
    _make_months(cursor, start, count)
    return True


def find_end(table: str, now: datetime) -> datetime:
    """The beginning of a month that is after all rows of a table, and after those that come during the run.

    Raises CannotPartition where a row is from far in the future.
    """
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id FROM "{table}" ORDER BY id DESC LIMIT 1')  # noqa: S608  # Our own.
        newest = find_moment(max((id for (id,) in cursor.fetchall()), default=UUID(int=0)))
    if newest > now + MOST_TIME_AHEAD:
        problem = f"the newest prediction says that it was made on {newest:%Y-%m-%d}"
        raise CannotPartition(f"{problem}: a clock was wrong; delete that row first")
    return next_month(max(newest, now + LEAST_TIME_AHEAD))


def _close_last(cursor: Any, name: str, start: datetime, end: datetime) -> None:
    own = f"{TABLE}_{start:%Y_%m}_to_{end:%Y_%m}"
    cursor.execute(f'ALTER TABLE "{TABLE}" DETACH PARTITION "{name}"')
    cursor.execute(f'ALTER TABLE "{name}" RENAME TO "{own}"')
    _attach(cursor, own, start, end)
    cursor.execute(f'ALTER TABLE "{own}" DROP CONSTRAINT "{CHECK}"')
    _make_months(cursor, end, MONTHS_AHEAD)


def _make_months(cursor: Any, start: datetime, count: int) -> None:
    """Make `count` months, and after them the partition of all that comes later."""
    for number in range(count):
        month = add_months(start, number)
        _create(cursor, f"{TABLE}_{month:%Y_%m}", month, add_months(month, 1))
    _create(cursor, LAST, add_months(start, count), None)


def count_versions(partition: Partition) -> "Counter[int]":
    """How many predictions of each version, by its id, a partition contains."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT version_id, count(*) FROM "{partition.name}" GROUP BY version_id')  # noqa: S608  # Our own.
        return Counter(dict(cursor.fetchall()))


def drop_partitions(names: Sequence[str], end: UUID) -> None:
    """Drop the first partitions, which end at `end`, and put an empty one in their place; nothing may refer to them.

    Raises IntegrityError where an outcome was recorded meanwhile; then nothing is dropped.
    """
    alter(lambda cursor: _drop(cursor, names, end))


def _drop(cursor: Any, names: Sequence[str], end: UUID) -> None:
    for name in names:
        _remove(cursor, name)
    _create(cursor, FIRST, None, find_moment(end))


def _remove(cursor: Any, name: str) -> None:
    cursor.execute(f'ALTER TABLE "{TABLE}" DETACH PARTITION "{name}"')
    cursor.execute(f'DROP TABLE "{name}"')


def _create(cursor: Any, name: str, first: datetime | None, end: datetime | None) -> None:
    cursor.execute(f'CREATE TABLE "{name}" PARTITION OF "{TABLE}" {write_bounds(first, end)}')


def _attach(cursor: Any, name: str, first: datetime | None, end: datetime | None) -> None:
    cursor.execute(f'ALTER TABLE "{TABLE}" ATTACH PARTITION "{name}" {write_bounds(first, end)}')


def write_bounds(first: datetime | None, end: datetime | None) -> str:
    low = "MINVALUE" if first is None else f"'{find_first_id(first)}'"
    high = "MAXVALUE" if end is None else f"'{find_first_id(end)}'"
    return f"FOR VALUES FROM ({low}) TO ({high})"


def list_constraints(cursor: Any) -> list[tuple[str, str, str]]:
    """The primary key, unique and foreign keys of the table: name, type and definition."""
    cursor.execute(
        "SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = to_regclass(%s) AND contype IN ('p', 'u', 'f') ORDER BY conname",
        [TABLE],
    )
    return list(cursor.fetchall())


def list_indexes(cursor: Any) -> list[tuple[str, str]]:
    """The names and definitions of its other indexes."""
    cursor.execute(
        "SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
        " WHERE indrelid = to_regclass(%s)"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))",
        [TABLE],
    )
    return list(cursor.fetchall())


def list_grants(cursor: Any) -> list[str]:
    """The statements that give others the rights that they have on the table."""
    cursor.execute(
        "SELECT format('GRANT %%s ON TABLE %%I TO %%s', privilege_type, %s::text,"
        " CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)"
        " FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = to_regclass(%s) AND grantee <> relowner",
        [TABLE, TABLE],
    )
    return [statement for (statement,) in cursor.fetchall()]


def refuse_dependents(cursor: Any) -> None:
    """Raise CannotPartition where something of the database's owner would stay with the old table."""
    cursor.execute(
        "SELECT 'the view ' || ev_class::regclass FROM pg_depend JOIN pg_rewrite ON pg_rewrite.oid = pg_depend.objid"
        " WHERE refobjid = to_regclass(%s) AND classid = 'pg_rewrite'::regclass"
        " UNION SELECT 'the trigger ' || tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND NOT tgisinternal"
        " UNION SELECT 'the policy ' || polname FROM pg_policy WHERE polrelid = to_regclass(%s)"
        " UNION SELECT 'the publication ' || pubname FROM pg_publication_rel"
        " JOIN pg_publication ON pg_publication.oid = prpubid WHERE prrelid = to_regclass(%s)",
        [TABLE] * 4,
    )
    if found := [name for (name,) in cursor.fetchall()]:
        raise CannotPartition(
            f"{', '.join(found)} would stay with the old table: drop it, and make it again afterwards"
        )


def next_month(moment: datetime) -> datetime:
    """The beginning of the month after a moment, in UTC."""
    return add_months(datetime(moment.year, moment.month, 1, tzinfo=UTC), 1)


def add_months(month: datetime, count: int) -> datetime:
    years, number = divmod(month.month - 1 + count, 12)
    return month.replace(year=month.year + years, month=number + 1)
