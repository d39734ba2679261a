"""Changes the table of predictions on PostgreSQL in transactions for which the site's requests hardly wait."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db import OperationalError, connection, transaction

from predictor.exceptions import TablesBusy
from predictor.models import Prediction

TABLE = Prediction._meta.db_table
CHECK = f"{TABLE}_ends"
# Whoever comes meanwhile waits behind the one who waits for a lock.
MILLISECONDS_FOR_A_LOCK = 300
ATTEMPTS = 60
SECONDS_BETWEEN = (0.2, 1.5)
# PostgreSQL's codes of a lock that was not available in time, and of a deadlock.
WORTH_ANOTHER_TRY = {"55P03", "40P01"}

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A foreign key to predictions, as PostgreSQL writes it."""

    table: str
    name: str
    definition: str


def alter(change: Callable[[Any], T]) -> T:
    """Call `change` with a cursor in a transaction that gives up waiting for a lock, again and again.

    Raises TablesBusy where others, such as a long query, keep the tables locked all the time.
    """
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic(durable=True), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {MILLISECONDS_FOR_A_LOCK}")
                return change(cursor)
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", "") not in WORTH_ANOTHER_TRY:
                raise
        time.sleep(random.uniform(*SECONDS_BETWEEN))  # noqa: S311  # No secret.
    raise TablesBusy("the tables are in use all the time: end long transactions and run it again; nothing was changed")


def alter_without_references(change: Callable[[Any], None]) -> None:
    """The same, with all foreign keys to predictions dropped before and added after it; then they are validated."""

    def change_all(cursor: Any) -> None:
        references = list_references(cursor)
        tables = ", ".join(f'"{name}"' for name in [TABLE, *sorted({each.table for each in references})])
        cursor.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
        for each in references:
            cursor.execute(f'ALTER TABLE "{each.table}" DROP CONSTRAINT "{each.name}"')
        change(cursor)
        for each in references:
            added = f'ALTER TABLE "{each.table}" ADD CONSTRAINT "{each.name}" {each.definition}'
            cursor.execute(added.removesuffix(" NOT VALID") + " NOT VALID")

    alter(change_all)
    validate_references()


def validate_references() -> None:
    """Check the rows of foreign keys that a former run did not come to; nobody waits for it."""
    with connection.cursor() as cursor:
        for each in list_references(cursor):
            if each.definition.endswith(" NOT VALID"):
                cursor.execute(f'ALTER TABLE "{each.table}" VALIDATE CONSTRAINT "{each.name}"')


def list_references(cursor: Any) -> list[Reference]:
    cursor.execute(
        "SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint"
        " JOIN pg_class ON pg_class.oid = conrelid"
        " WHERE contype = 'f' AND conparentid = 0 AND confrelid = to_regclass(%s) ORDER BY relname, conname",
        [TABLE],
    )
    return [Reference(table=table, name=name, definition=text) for table, name, text in cursor.fetchall()]


@contextmanager
def closed(table: str, end: UUID) -> Iterator[None]:
    """Have a constraint refuse ids from `end` on, checked for all rows, so that attaching the table reads none.

    Nobody waits for the check. The constraint is dropped where the block fails; otherwise the block drops it.
    """
    drop_check(table)
    try:
        alter(
            lambda cursor: cursor.execute(
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{CHECK}" CHECK (id < \'{end}\') NOT VALID'
            )
        )
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER TABLE "{table}" VALIDATE CONSTRAINT "{CHECK}"')
        yield
    except BaseException:
        drop_check(table)
        raise


def has_leftover_check() -> bool:
    """Whether a run was killed while the constraint was there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = %s)", [CHECK])
        return bool(cursor.fetchone()[0])


def drop_check(table: str) -> None:
    """Drop what a run that was killed may have left."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s)",
            [table, CHECK],
        )
        [exists] = cursor.fetchone()
    if exists:
        alter(lambda cursor: cursor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{CHECK}"'))
