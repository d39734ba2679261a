"""Stores chunks of predictions in their order while the next are made: by COPY on PostgreSQL, in turns on SQLite."""

import io
import time
from collections.abc import Callable, Generator, Iterable, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
from django.db import connection
from django.db.models import JSONField

from predictor.models import Prediction
from predictor.serving.history import FIELDS, Stored, insert_rows

T = TypeVar("T")
S = TypeVar("S", bound=Sized)
# In one transaction on SQLite, while all other writers wait.
ROWS_IN_A_TURN = 250


def store_rows(stored: Sequence[Stored]) -> None:
    """Store all rows: on PostgreSQL in one statement, on SQLite 250 at a time."""
    STORES.get(connection.vendor, insert_rows)(stored)


def store_in_order(
    chunks: Iterable[tuple[T, S]], store: Callable[[S], None], count: Callable[[int], None] = lambda rows: None
) -> Generator[T, None, None]:
    """Yield each chunk once `store` has committed what belongs to it, and call `count` with how many rows these were.

    While one chunk is stored, over a connection of its own, the next is made, so memory is bounded. SQLite is free for
    others half of the time. Raises what the database raises; what was yielded until then is stored, and at most one
    chunk more. Nothing is stored after a gap.
    """

    def store_next(stored: S, ahead: "Future[None] | None") -> None:
        """Store a chunk, unless the one before it failed."""
        if ahead is not None:
            ahead.result()
        if len(stored):
            store(stored)
            count(len(stored))

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="scoring") as writer:
        try:
            ahead: tuple[T, Future[None]] | None = None
            for chunk, stored in chunks:
                # Submitted before the former chunk is done, so that the database never waits for this thread.
                storing = writer.submit(store_next, stored, ahead and ahead[1])
                if ahead is not None:
                    ahead[1].result()
                    yield ahead[0]
                ahead = chunk, storing
            if ahead is not None:
                ahead[1].result()
                yield ahead[0]
        finally:
            writer.submit(_hang_up).result()


def _store_in_turns(stored: Sequence[Stored]) -> None:
    """Pause as long as each piece took, so that other writers of SQLite, which retry within 100 ms, get a turn."""
    for start in range(0, len(stored), ROWS_IN_A_TURN):
        began = time.monotonic()
        insert_rows(stored[start : start + ROWS_IN_A_TURN])
        time.sleep(time.monotonic() - began)


def copy_rows(stored: Sequence[Stored]) -> None:
    """Commit all rows or none, by one COPY of PostgreSQL."""
    columns = [_write_column(name, stored) for name in FIELDS]
    # JSON has neither tabs nor line ends, and no other column contains a visitor's text.
    lines = "\n".join(map("\t".join, zip(*columns, strict=True))).replace("\\", "\\\\")
    sql = f"COPY {Prediction._meta.db_table} ({', '.join(FIELDS)}) FROM STDIN WITH (NULL '')"
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(sql, io.StringIO(lines))


def _write_column(name: str, stored: Sequence[Stored]) -> list[str]:
    """A column as texts; an empty one is missing."""
    if isinstance(FIELDS[name], JSONField):
        return [_write_json(row[name]) for row in stored]
    values = [row[name] for row in stored]
    # All but ids are often the same in a whole chunk.
    return [str(values[0])] * len(values) if values.count(values[0]) == len(values) else list(map(str, values))


def _write_json(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()


STORES: dict[str, Callable[[Sequence[Stored]], None]] = {"sqlite": _store_in_turns, "postgresql": copy_rows}


def _hang_up() -> None:
    connection.close()  # The writing thread's own.
