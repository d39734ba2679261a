"""Lets a version answer stored predictions again, and finds which answers change; it stores no prediction."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np

from predictor.exceptions import InvalidInput, MlsiteError, NoAnswer
from predictor.history.hiding import is_hidden
from predictor.models import Version
from predictor.problems import Problem, write_kind
from predictor.record.replay import Move, Refusal, Replay
from predictor.schema.schema import Row
from predictor.schema.table import Table
from predictor.schema.values import Vector
from predictor.scoring.groups import AnswerGroups
from predictor.scoring.newest import Stored, read_newest
from predictor.serving.answer import Answer
from predictor.serving.runtime import Runtime

# Of the change: from a twentieth to all but a twentieth, and both ends.
SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
MOST_MOVES, MOST_REFUSALS = 20, 20
# Of the target's spread, as when two versions are compared: a smaller change is rounding.
TOLERANCE = 1e-6


class NothingToReplay(MlsiteError):
    """The model has no stored prediction that the version could answer."""


class Progress(Protocol):
    """Called with a line about what goes on, of which `done` parts of a `total` are done."""

    def __call__(self, line: str, *, done: int = 0, total: int = 0) -> None: ...


def keep_quiet(line: str, *, done: int = 0, total: int = 0) -> None:
    """The progress of a replay that nobody follows."""


def replay(runtime: Runtime, most: int, progress: Progress = keep_quiet) -> Replay:
    """Answer the newest `most` predictions of the version's model again, and compare with what was answered.

    Bounded in memory but for 8 bytes for each answer of a regression. Raises NothingToReplay.
    """
    versions = {each.id: each for each in list_versions(runtime.version)}
    same = {id: each for id, each in versions.items() if each.target.is_same(runtime.schema.target)}
    needed = runtime.schema.names
    hiding = {id for id, each in same.items() if is_hidden(each.schema, needed)}
    counted = Counted(runtime=runtime, numbers={id: each.number for id, each in same.items()}, hiding=hiding)
    seen, line = 0, f"{runtime.version.model}: answering predictions again"
    for rows in read_newest(same.values(), most):
        counted.add(rows)
        seen += len(rows)
        progress(line, done=seen, total=most)
    left_out = sorted(each.number for id, each in versions.items() if id not in same)
    if counted.since is None and counted.hidden:
        raise NothingToReplay(f"{runtime.version.model} keeps sensitive inputs of no prediction: none can be repeated")
    if counted.since is None:
        numbers = ", ".join(map(str, left_out))
        others = f" that it could answer: versions {numbers} predict something else" if numbers else ""
        raise NothingToReplay(f"{runtime.version.model} has no stored predictions{others}")
    return counted.summarise(most, left_out)


def list_versions(candidate: Version) -> list[Version]:
    """The versions of the candidate's model that ever were live: no other has predictions."""
    versions = Version.objects.filter(model=candidate.model, promotions__isnull=False).distinct()
    return list(versions.only("model", "number", "schema"))


@dataclass(kw_only=True)
class Counted:
    """What was found so far; `numbers` are the versions' by their ids, `hiding` those that keep not all inputs."""

    runtime: Runtime
    numbers: dict[int, int]
    hiding: Collection[int] = ()
    hidden: int = 0
    since: datetime | None = None
    until: datetime | None = None
    versions: Counter[int] = field(default_factory=Counter)
    moves: Counter[tuple[Any, Any]] = field(default_factory=Counter)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: dict[tuple[str, str], str] = field(default_factory=dict)
    changes: list[Vector] = field(default_factory=list)
    rows: int = 0
    changed: int = 0
    with_interval: int = 0
    outside: int = 0
    refused: int = 0
    unanswered: int = 0
    warned: int = 0
    warned_now: int = 0

    def __post_init__(self) -> None:
        self._groups = AnswerGroups(self.runtime.schema)
        spread = self.runtime.version.parsed_metrics.baseline.get("rmse", 0.0)
        self._tolerance = TOLERANCE * spread

    def add(self, stored: Sequence[Stored]) -> None:
        """Answer rows, newest first, and compare; those whose inputs were not all kept are only counted."""
        whole = [each for each in stored if each["version_id"] not in self.hiding]
        self.hidden += len(stored) - len(whole)
        if not whole:
            return
        stored = whole
        self.until = self.until or stored[0]["created_at"]
        self.since = stored[-1]["created_at"]
        accepted = list(self._parse(stored))
        answered = [pair for pair in self._answer(accepted) if pair[2] is not None]
        self.unanswered += len(accepted) - len(answered)
        if answered:
            self._compare(*zip(*answered, strict=True))

    def _parse(self, stored: Sequence[Stored]) -> Iterator[tuple[Stored, Row]]:
        schema = self.runtime.schema
        for each in stored:
            inputs = each["inputs"]
            try:
                yield each, schema.parse({name: inputs[name] for name in schema.names if name in inputs})
            except InvalidInput as error:
                self._refuse(error.problems)

    def _refuse(self, problems: dict[str, Problem]) -> None:
        self.refused += 1
        for name, problem in problems.items():
            reason = (name, problem.code)
            self.refusals[reason] += 1
            self.problems.setdefault(reason, write_kind(problem))

    def _answer(self, accepted: Sequence[tuple[Stored, Row]]) -> Iterator[tuple[Stored, Row, Answer | None]]:
        """Answer rows together; where that fails, in halves, down to the row without an answer."""
        if not accepted:
            return
        try:
            answers, _ = self.runtime.answer([row for _, row in accepted])
        except NoAnswer:
            if len(accepted) == 1:
                yield *accepted[0], None
                return
            middle = len(accepted) // 2
            yield from self._answer(accepted[:middle])
            yield from self._answer(accepted[middle:])
        else:
            yield from ((each, row, answer) for (each, row), answer in zip(accepted, answers, strict=True))

    def _compare(self, stored: Sequence[Stored], rows: Sequence[Row], answers: Sequence[Answer]) -> None:
        self.rows += len(rows)
        self.versions.update(self.numbers[each["version_id"]] for each in stored)
        self.warned += sum(bool(each["warnings"]) for each in stored)
        self.warned_now += sum(bool(row.warnings) for row in rows)
        pairs = [(each["output"], answer.output) for each, answer in zip(stored, answers, strict=True)]
        if self.runtime.schema.target.task == "regression":
            changes = np.array([float(new) - float(old) for old, new in pairs])
            changed = np.abs(changes) > self._tolerance
            self.changes.append(changes)
            ends = [(each["interval"], new) for each, (_, new) in zip(stored, pairs, strict=True) if each["interval"]]
            self.with_interval += len(ends)
            self.outside += sum(not low <= new <= high for (low, high), new in ends)
        else:
            changed = np.array([old != new for old, new in pairs])
            changes = np.zeros(len(pairs))
            self.moves.update(pair for pair in pairs if pair[0] != pair[1])
        self.changed += int(changed.sum())
        inputs = self.runtime.schema.encode(rows)
        self._groups.count(inputs.matrix if isinstance(inputs, Table) else inputs, changed, changes)

    def summarise(self, asked: int, left_out: Sequence[int]) -> Replay:
        """The result; at least one row was added."""
        changes = np.concatenate(self.changes) if self.changes else np.array([])
        quantiles = zip(SHARES, np.quantile(changes, SHARES).tolist(), strict=True) if len(changes) else ()
        return Replay(
            asked=asked,
            rows=self.rows,
            since=self.since.isoformat() if self.since else "",
            until=self.until.isoformat() if self.until else "",
            versions={str(number): count for number, count in sorted(self.versions.items())},
            changed=self.changed,
            with_interval=self.with_interval,
            outside=self.outside,
            quantiles=tuple(quantiles),
            moves=tuple(Move(old=old, new=new, rows=count) for (old, new), count in self.moves.most_common(MOST_MOVES)),
            groups=self._groups.rank(),
            refused=self.refused,
            refusals=tuple(
                Refusal(feature=name, code=code, problem=self.problems[name, code], rows=count)
                for (name, code), count in self.refusals.most_common(MOST_REFUSALS)
            ),
            unanswered=self.unanswered,
            warned=self.warned,
            warned_now=self.warned_now,
            hidden=self.hidden,
            left_out=tuple(left_out),
        )
