"""Records a file's outcomes: checks all of them, and then stores them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeVar, get_args
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from predictor.exceptions import OutcomeChanged
from predictor.formats import format_number, write_count
from predictor.history.references import find_by_reference
from predictor.models import Outcome, Prediction, Version
from predictor.models.prediction import PredictionQuerySet
from predictor.schema.target import Target
from predictor.schema.values import Label, write_value
from predictor.texts import quote

T = TypeVar("T")
Result = Literal["accepted", "unchanged", "unknown", "malformed", "conflicting"]
REFUSED: tuple[Result, ...] = ("unknown", "malformed", "conflicting")
# Old builds of SQLite take 999 parameters in a query.
ROWS_IN_A_QUERY = 900
ROWS_IN_AN_INSERT = 5_000


# A file may have hundreds of thousands of rows: slots halve what each takes.
@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One row of a file, `line` counted from 1; `problem` says why it cannot be read.

    Its prediction is named by its id or by its reference.
    """

    line: int
    id: str = ""
    reference: str = ""
    outcome: str | float = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The result of an entry, and its reason."""

    entry: Entry
    result: Result
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How reasons call what the author knows: how to ask for corrections, a row, and all rows."""

    correct: str = "--correct"
    line: str = "line"
    file: str = "the file"


@dataclass(frozen=True, kw_only=True)
class Known:
    """A stored prediction: its version's target, and its current outcome if any."""

    id: UUID
    target: Target
    current: Outcome | None

    @property
    def recorded(self) -> str | None:
        return None if self.current is None else write_value(self.target.restore(self.current.value))


class Row(NamedTuple):
    """An outcome to add, with the id and the queue of the one that it replaces."""

    prediction_id: UUID
    value: float | Label
    replaces_id: int | None
    queue: str | None

    def make_outcome(self, by: str) -> Outcome:
        return Outcome(**self._asdict(), recorded_by=by)


@dataclass(kw_only=True)
class Sorting:
    """Decides on each entry, and collects the rows to add; stores nothing.

    Only with `new_classes` may a file contain new classes, and only with `correct` may it replace recorded outcomes.
    With a `model`, predictions of others are unknown; references need one.
    """

    new_classes: bool
    correct: bool
    model: str | None = None
    wording: Wording = Wording()
    judged: list[Judged] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    _targets: dict[int, Target] = field(default_factory=dict)

    @property
    def is_refused(self) -> bool:
        return any(each.result in REFUSED for each in self.judged)

    @property
    def by_line(self) -> list[Judged]:
        return sorted(self.judged, key=lambda each: each.entry.line)

    def sort(self, entries: Iterable[Entry]) -> None:
        named: dict[UUID, list[Entry]] = {}
        for batch in _split(entries):
            references = {entry.reference for entry in batch if entry.reference and not entry.problem}
            found = find_by_reference(self.model, references) if self.model and references else {}
            for entry in batch:
                id = self._find_id(entry, found)
                if id is not None:
                    named.setdefault(id, []).append(entry)
        for ids in _split(named):
            known = look_up(ids, self._targets, self.model)
            forgotten = find_forgotten([id for id in ids if id not in known], self.model)
            for id in ids:
                if id in known:
                    self._sort_prediction(known[id], named[id])
                else:
                    reason = "it is forgotten" if id in forgotten else "there is no prediction with this id"
                    self._judge(named[id], "unknown", reason)

    def _find_id(self, entry: Entry, references: Mapping[str, UUID]) -> UUID | None:
        if entry.problem:
            self._judge([entry], "malformed", entry.problem)
            return None
        if entry.reference:
            id = references.get(entry.reference)
            if id is None:
                self._judge([entry], "unknown", "there is no prediction with this reference")
            return id
        try:
            return UUID(entry.id.strip())
        except ValueError:
            problem = f"{quote(entry.id)} is not the id of a prediction, as in its page's URL"
            self._judge([entry], "malformed", problem)
            return None

    def _sort_prediction(self, known: Known, entries: list[Entry]) -> None:
        """Take a prediction's value, or none where the file has two."""
        given: dict[str, tuple[float | Label, list[Entry]]] = {}
        for entry in entries:
            try:
                value = known.target.parse(entry.outcome, new_classes=self.new_classes)
            except ValueError as error:
                self._judge([entry], "malformed", str(error).rstrip("."))
            else:
                given.setdefault(write_value(value), (value, []))[1].append(entry)
        for value, same in given.values():
            if len(given) > 1:
                values = " and ".join(map(known.target.words.name, given))
                self._judge(same, "conflicting", f"{self.wording.file} has {values} for this prediction")
            else:
                self._sort_value(known, value, same)

    def _sort_value(self, known: Known, value: float | Label, entries: list[Entry]) -> None:
        first, recorded = entries[0], known.recorded
        if recorded == write_value(value):
            self._judge(entries, "unchanged", "it is already recorded")
            return
        if recorded is not None and not self.correct:
            name = known.target.words.name(recorded)
            self._judge(entries, "conflicting", f"{name} is recorded; {self.wording.correct} would replace it")
            return
        current = known.current
        replaced = (None, None) if current is None else (current.id, current.queue)
        self.rows.append(Row(known.id, value, *replaced))
        self._judge([first], "accepted", "" if recorded is None else f"replaces {known.target.words.name(recorded)}")
        self._judge(entries[1:], "unchanged", f"{self.wording.line} {first.line} has the same outcome")

    def _judge(self, entries: Iterable[Entry], result: Result, reason: str) -> None:
        self.judged += [Judged(entry=entry, result=result, reason=reason) for entry in entries]


def write_refused(refused: int, rows: int) -> str:
    """How many rows are refused: “1 of 3 rows is refused”."""
    return f"{format_number(refused)} of {write_count(rows, 'row')} {'is' if refused == 1 else 'are'} refused"


def record_entries(
    entries: Iterable[Entry],
    *,
    by: str,
    model: str | None = None,
    new_classes: bool = False,
    correct: bool = False,
    partial: bool = False,
    dry_run: bool = False,
    wording: Wording = Wording(),
) -> tuple[list[Judged], bool]:
    """Record a file's outcomes; return the result of each entry, by line, and whether the accepted ones are stored.

    All or nothing, unless `partial`. With a `model`, only for its predictions; references need one. Raises
    OutcomeChanged, and stores nothing, where another user records an outcome for one of these predictions at the same
    time.
    """
    sorting = Sorting(new_classes=new_classes, correct=correct, model=model, wording=wording)
    sorting.sort(entries)
    stored = not dry_run and (partial or not sorting.is_refused)
    if stored:
        store_rows(sorting.rows, by)
    return sorting.by_line, stored


def store_rows(rows: list[Row], by: str, on_stored: Callable[[], None] = lambda: None) -> None:
    """Store the outcomes that `Sorting` has found, and call `on_stored` in the same transaction.

    Raises OutcomeChanged as `record_entries` does.
    """
    # In one order, so that two files at once never cause a deadlock.
    rows.sort(key=lambda row: row.prediction_id)
    try:
        INSERTS.get(connection.vendor, _insert_by_orm)(rows, by, on_stored)
    except IntegrityError as error:
        # Another row was added after the check; the log's constraints refuse this one.
        problem = "another user recorded an outcome for one of these predictions at the same time"
        raise OutcomeChanged(f"{problem}, and nothing was stored: run it again") from error


def count_results(judged: Iterable[Judged]) -> dict[str, int]:
    counts = Counter(each.result for each in judged)
    return {result: counts[result] for result in get_args(Result)}


def _insert_by_orm(rows: list[Row], by: str, on_stored: Callable[[], None]) -> None:
    with transaction.atomic(durable=True):
        for batch in _split(rows, ROWS_IN_AN_INSERT):
            Outcome.objects.bulk_create([row.make_outcome(by) for row in batch])
        on_stored()


def _insert_staged(rows: list[Row], by: str, on_stored: Callable[[], None]) -> None:
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
            for batch in _split(rows, ROWS_IN_AN_INSERT):
                prepared = [prepare(row.make_outcome(by)) for row in batch]
                cursor.executemany(f"INSERT INTO staged_outcome VALUES ({places})", prepared)  # noqa: S608  # Our own.
            with transaction.atomic(durable=True):
                cursor.execute(f"INSERT INTO {Outcome._meta.db_table} ({names}) SELECT * FROM staged_outcome")  # noqa: S608  # The same.
                on_stored()
        finally:
            cursor.execute("DROP TABLE staged_outcome")


INSERTS: dict[str, Callable[[list[Row], str, Callable[[], None]], None]] = {"sqlite": _insert_staged}


def find_forgotten(ids: Sequence[UUID], model: str | None = None) -> set[UUID]:
    """Those of these predictions, of one model or of all, whose inputs and output were erased."""
    if not ids:
        return set()
    predictions = Prediction.objects.filter(id__in=ids, output=None)
    return set(_choose_model(predictions, model).values_list("id", flat=True))


def _choose_model(predictions: PredictionQuerySet, model: str | None) -> PredictionQuerySet:
    return predictions if model is None else predictions.filter(version__model=model)


def look_up(ids: Sequence[UUID], targets: dict[int, Target], model: str | None = None) -> dict[UUID, Known]:
    """Find the predictions with these ids, of one model or of all, without those that are forgotten.

    `targets` has those of versions that were read before, by the versions' ids; others are added.
    """
    predictions = _choose_model(Prediction.objects.without_forgotten().filter(id__in=ids), model)
    found = list(predictions.values_list("id", "version_id").order_by())
    current = {each.prediction_id: each for each in Outcome.objects.current().filter(prediction__in=ids).order_by()}
    new = {version_id for _, version_id in found} - targets.keys()
    if new:
        versions = Version.objects.only("schema").in_bulk(new)
        targets |= {id: version.parsed_schema.target for id, version in versions.items()}
    return {id: Known(id=id, target=targets[version_id], current=current.get(id)) for id, version_id in found}


def _split(items: Iterable[T], size: int = ROWS_IN_A_QUERY) -> Iterator[list[T]]:
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
