"""Records a file's outcomes: checks all of them, and then stores them."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args
from uuid import UUID

from predictor.formats import format_number, write_count
from predictor.history.references import find_by_reference
from predictor.models import Outcome, Prediction, Version
from predictor.models.prediction import NIL_UUID, PredictionQuerySet
from predictor.outcomes.storing import Ids, Row, Rows, split, store_rows
from predictor.schema.target import Target
from predictor.schema.values import Label, write_value
from predictor.texts import quote

Result = Literal["accepted", "unchanged", "unknown", "malformed", "conflicting"]
REFUSED: tuple[Result, ...] = ("unknown", "malformed", "conflicting")
# Old builds of SQLite take 999 parameters in a query.
ROWS_IN_A_QUERY = 900


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
    rows: Rows = field(default_factory=Rows)
    _counts: Counter[Result] = field(default_factory=Counter)
    _targets: dict[int, Target] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many entries have each result."""
        return {result: self._counts[result] for result in get_args(Result)}

    @property
    def refused(self) -> int:
        return sum(self._counts[result] for result in REFUSED)

    def judge(self, entries: Iterable[Entry]) -> Iterator[Judged]:
        """The result of each entry, in their order.

        They are read up to three times, and hardly more than a batch is in memory: those that share a prediction are
        judged together.
        """
        ids = self._find_ids(entries)
        repeated = _gather(entries, ids)
        judged: dict[int, Judged] = {}
        named = iter(ids)
        for batch in split(entries, ROWS_IN_A_QUERY):
            together: dict[UUID, list[Entry]] = {}
            # In this order, so that the last one of a batch takes no id of the next.
            for entry, id in zip(batch, named, strict=False):
                if id == NIL_UUID:
                    judged[entry.line] = _judge_nameless(entry)
                elif entry.line not in judged and id not in together:
                    together[id] = repeated.pop(id, [entry])
            judged |= {each.entry.line: each for each in self._judge_predictions(together)}
            for entry in batch:
                each = judged.pop(entry.line)
                self._counts[each.result] += 1
                yield each

    def _find_ids(self, entries: Iterable[Entry]) -> Ids:
        """The id of each entry's prediction; NIL_UUID for one that names none."""
        ids = Ids()
        for batch in split(entries, ROWS_IN_A_QUERY):
            references = {entry.reference for entry in batch if entry.reference and not entry.problem}
            found = find_by_reference(self.model, references) if self.model and references else {}
            for entry in batch:
                ids.add(_find_id(entry, found) or NIL_UUID)
        return ids

    def _judge_predictions(self, entries: dict[UUID, list[Entry]]) -> Iterator[Judged]:
        known = look_up(entries, self._targets, self.model)
        forgotten = find_forgotten([id for id in entries if id not in known], self.model)
        for id, same in entries.items():
            if id in known:
                yield from self._judge_prediction(known[id], same)
            else:
                reason = "it is forgotten" if id in forgotten else "there is no prediction with this id"
                yield from _judge(same, "unknown", reason)

    def _judge_prediction(self, known: Known, entries: list[Entry]) -> Iterator[Judged]:
        """Take a prediction's value, or none where the file has two."""
        given: dict[str, tuple[float | Label, list[Entry]]] = {}
        for entry in entries:
            try:
                value = known.target.parse(entry.outcome, new_classes=self.new_classes)
            except ValueError as error:
                yield from _judge([entry], "malformed", str(error).rstrip("."))
            else:
                given.setdefault(write_value(value), (value, []))[1].append(entry)
        for value, same in given.values():
            if len(given) > 1:
                values = " and ".join(map(known.target.words.name, given))
                yield from _judge(same, "conflicting", f"{self.wording.file} has {values} for this prediction")
            else:
                yield from self._judge_value(known, value, same)

    def _judge_value(self, known: Known, value: float | Label, entries: list[Entry]) -> Iterator[Judged]:
        first, recorded = entries[0], known.recorded
        if recorded == write_value(value):
            yield from _judge(entries, "unchanged", "it is already recorded")
            return
        if recorded is not None and not self.correct:
            name = known.target.words.name(recorded)
            yield from _judge(entries, "conflicting", f"{name} is recorded; {self.wording.correct} would replace it")
            return
        current = known.current
        replaced = (None, None) if current is None else (current.id, current.queue)
        self.rows.add(Row(known.id, value, *replaced))
        yield from _judge(
            [first], "accepted", "" if recorded is None else f"replaces {known.target.words.name(recorded)}"
        )
        yield from _judge(entries[1:], "unchanged", f"{self.wording.line} {first.line} has the same outcome")


def _gather(entries: Iterable[Entry], ids: Ids) -> dict[UUID, list[Entry]]:
    """The entries of predictions that have more than one."""
    repeated: dict[UUID, list[Entry]] = {id: [] for id in ids.find_repeated() if id != NIL_UUID}
    for entry, id in zip(entries if repeated else (), ids, strict=False):
        if id in repeated:
            repeated[id].append(entry)
    return repeated


def _find_id(entry: Entry, references: Mapping[str, UUID]) -> UUID | None:
    if entry.problem:
        return None
    if entry.reference:
        return references.get(entry.reference)
    try:
        return UUID(entry.id.strip())
    except ValueError:
        return None


def _judge_nameless(entry: Entry) -> Judged:
    """The result of an entry that names no prediction."""
    if entry.problem:
        return Judged(entry=entry, result="malformed", reason=entry.problem)
    if entry.reference:
        return Judged(entry=entry, result="unknown", reason="there is no prediction with this reference")
    problem = f"{quote(entry.id)} is not the id of a prediction, as in its page's URL"
    return Judged(entry=entry, result="malformed", reason=problem)


def _judge(entries: Iterable[Entry], result: Result, reason: str) -> Iterator[Judged]:
    return (Judged(entry=entry, result=result, reason=reason) for entry in entries)


def write_refused(refused: int, rows: int) -> str:
    """How many rows are refused: “1 of 3 rows is refused”."""
    return f"{format_number(refused)} of {write_count(rows, 'row')} {'is' if refused == 1 else 'are'} refused"


def record_entries(
    entries: Collection[Entry],
    *,
    by: str,
    model: str | None = None,
    new_classes: bool = False,
    correct: bool = False,
    wording: Wording = Wording(),
) -> list[Judged]:
    """Record outcomes, all or none; return the result of each entry.

    With a `model`, only for its predictions; references need one. Raises OutcomeChanged, and stores nothing, where
    another user records an outcome for one of these predictions at the same time.
    """
    sorting = Sorting(new_classes=new_classes, correct=correct, model=model, wording=wording)
    judged = list(sorting.judge(entries))
    if not sorting.refused:
        store_rows(sorting.rows, by)
    return judged


def find_forgotten(ids: Sequence[UUID], model: str | None = None) -> set[UUID]:
    """Those of these predictions, of one model or of all, whose inputs and output were erased."""
    if not ids:
        return set()
    predictions = Prediction.objects.filter(id__in=ids, output=None)
    return set(_choose_model(predictions, model).values_list("id", flat=True))


def _choose_model(predictions: PredictionQuerySet, model: str | None) -> PredictionQuerySet:
    return predictions if model is None else predictions.filter(version__model=model)


def look_up(ids: Collection[UUID], targets: dict[int, Target], model: str | None = None) -> dict[UUID, Known]:
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
