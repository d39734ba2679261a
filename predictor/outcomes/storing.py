"""Keeps a file's outcomes that are to be added, and stores them together."""

from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from predictor.exceptions import OutcomeChanged
from predictor.models import Outcome
from predictor.schema.values import Label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")
ROWS_IN_AN_INSERT = 5_000


class Row(NamedTuple):
    """An outcome to add, with the id and the queue of the one that it replaces."""

    prediction_id: UUID
    value: float | Label
    replaces_id: int | None
    queue: str | None

    def make_outcome(self, by: str) -> Outcome:
        return Outcome(**self._asdict(), recorded_by=by)


class Ids:
    """Ids of predictions, 16 bytes each: a file may have a million."""

    SIZE = 16

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, id: UUID) -> None:
        self._bytes += id.bytes

    def __iter__(self) -> Iterator[UUID]:
        return (self[place] for place in range(len(self._bytes) // self.SIZE))

    def __getitem__(self, place: int) -> UUID:
        return UUID(bytes=bytes(self._bytes[self.SIZE * place : self.SIZE * (place + 1)]))

    def sort(self) -> "NDArray[np.intp]":
        """The places of all ids, in the order of the ids."""
        # Here, so that commands which record nothing need not wait for it.
        import numpy as np

        return np.lexsort(self._read_halves()[::-1])

    def find_repeated(self) -> set[UUID]:
        """Those that are there more than once."""
        order = self.sort()
        halves = self._read_halves()[:, order]
        is_repeated = (halves[:, 1:] == halves[:, :-1]).all(axis=0)
        return {self[place] for place in order[1:][is_repeated].tolist()}

    def _read_halves(self) -> "NDArray[np.uint64]":
        """The high and the low half of each id, as numbers."""
        import numpy as np

        return np.frombuffer(bytes(self._bytes), ">u8").reshape(-1, 2).T


class Rows:
    """Outcomes to add, in the order of their predictions' ids, so that two files at once never cause a deadlock.

    Each takes about 70 bytes: a file may have a million.
    """

    def __init__(self) -> None:
        self._ids = Ids()
        self._values: list[float | Label] = []
        self._replaced = array("q")
        self._queues: list[str | None] = []
        self._labels: dict[tuple[type, Label], Label] = {}

    def add(self, row: Row) -> None:
        value = row.value
        self._ids.add(row.prediction_id)
        self._values.append(value if isinstance(value, float) else self._labels.setdefault((type(value), value), value))
        self._replaced.append(row.replaces_id or 0)
        self._queues.append(row.queue)

    def __iter__(self) -> Iterator[Row]:
        for place in self._ids.sort().tolist():
            yield Row(self._ids[place], self._values[place], self._replaced[place] or None, self._queues[place])


def store_rows(rows: Iterable[Row], by: str, on_stored: Callable[[], None] = lambda: None) -> None:
    """Store outcomes, which come in the order of their predictions' ids, and call `on_stored` in the same transaction.

    Raises OutcomeChanged, and stores nothing, where another user records an outcome for one of these predictions at the
    same time.
    """
    try:
        INSERTS.get(connection.vendor, _insert_by_orm)(rows, by, on_stored)
    except IntegrityError as error:
        # Another row was added after the check; the log's constraints refuse this one.
        problem = "another user recorded an outcome for one of these predictions at the same time"
        raise OutcomeChanged(f"{problem}, and nothing was stored: run it again") from error


def _insert_by_orm(rows: Iterable[Row], by: str, on_stored: Callable[[], None]) -> None:
    with transaction.atomic(durable=True):
        for batch in split(rows, ROWS_IN_AN_INSERT):
            Outcome.objects.bulk_create([row.make_outcome(by) for row in batch])
        on_stored()


def _insert_staged(rows: Iterable[Row], by: str, on_stored: Callable[[], None]) -> None:
    """For SQLite, whose writers all wait meanwhile: rows are first written to a table of this connection alone.

    Copying them from there holds the database for a third of the time that inserting them from Python would.
    """
    fields = [field for field in Outcome._meta.concrete_fields if not field.primary_key]
    names, places = ", ".join(field.attname for field in fields), ", ".join(["%s"] * len(fields))

    def prepare(outcome: Outcome) -> tuple[Any, ...]:
        return tuple(field.get_db_prep_save(getattr(outcome, field.attname), connection) for field in fields)

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE staged_outcome ({names})")
        try:
            for batch in split(rows, ROWS_IN_AN_INSERT):
                prepared = [prepare(row.make_outcome(by)) for row in batch]
                cursor.executemany(f"INSERT INTO staged_outcome VALUES ({places})", prepared)  # noqa: S608  # Our own.
            with transaction.atomic(durable=True):
                cursor.execute(f"INSERT INTO {Outcome._meta.db_table} ({names}) SELECT * FROM staged_outcome")  # noqa: S608  # The same.
                on_stored()
        finally:
            cursor.execute("DROP TABLE staged_outcome")


INSERTS: dict[str, Callable[[Iterable[Row], str, Callable[[], None]], None]] = {"sqlite": _insert_staged}


def split(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most so many items, one after another."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
