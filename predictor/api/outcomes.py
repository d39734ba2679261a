"""The operations that record what really happened: for one prediction, or for many of a model, all or none."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar, cast
from uuid import UUID

import msgspec
from django.http import HttpRequest

from predictor.access.callers import Scope
from predictor.api.bodies import MOST_ROWS, UNREADABLE, Refused, read_json
from predictor.api.large import MOST_PARTS, take_turn
from predictor.api.operations import ApiRequest, operation
from predictor.api.predictions import find_prediction
from predictor.api.references import describe, is_reference
from predictor.api.repeated_keys import decode
from predictor.api.stored import Output, StoredOutcome
from predictor.api.unreadable import explain
from predictor.exceptions import ModelNotFound, OutcomeChanged, PredictionForgotten
from predictor.models import Version
from predictor.models.reference import MOST_CHARACTERS
from predictor.outcomes.files import REFUSED, Entry, Judged, Result, Wording, record_entries, write_refused
from predictor.outcomes.recording import find_outcome
from predictor.problems import ParameterProblem, Problem

WORDING = Wording(correct='"correct": true', line="row", file="the request")
Recorded = Literal["accepted", "unchanged"]
STATUSES: dict[Result, int] = {"unknown": 410, "malformed": 422, "conflicting": 409}


class OutcomeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What really happened: a number in the target's own unit, or a class, as its code or its words.

    Another outcome that is recorded is replaced only with `correct`, and only with `new_classes` may it be a class that
    the model does not know.
    """

    outcome: Output
    correct: bool = False
    new_classes: bool = False


class OutcomeRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What really happened for one prediction, which either its id or its reference names."""

    outcome: Output
    id: str = ""
    # Any, so that each row without a valid one is named.
    reference: Annotated[
        Any,
        msgspec.Meta(
            examples=["customer-42/2026-03"], extra_json_schema={"type": "string", "maxLength": MOST_CHARACTERS}
        ),
    ] = msgspec.UNSET


class OutcomesBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What really happened for up to 1,000 predictions; `correct` and `new_classes` as for one."""

    outcomes: Annotated[list[OutcomeRow], msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": MOST_ROWS})]
    correct: bool = False
    new_classes: bool = False


Body = TypeVar("Body", OutcomeBody, OutcomesBody)


class RecordedOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a prediction by now, and whether it is new: `accepted`, or `unchanged`."""

    id: UUID
    result: Recorded
    outcome: StoredOutcome


class ReportedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a row, counted from 0: `accepted`, or `unchanged` with the reason."""

    row: int
    id: str | None
    reference: str | None
    result: Recorded
    reason: str


class OutcomesReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each row: all are recorded by now."""

    accepted: int
    unchanged: int
    rows: list[ReportedRow]


@operation(
    "PUT",
    scope=Scope.OUTCOME,
    request=OutcomeBody,
    response=RecordedOutcome,
    statuses=(400, 404, 409, 410, 411, 413, 415, 422),
)
def record_outcome(request: ApiRequest, id: UUID) -> RecordedOutcome:
    """Record what really happened for a prediction. The same value again changes nothing."""
    prediction = find_prediction(request, id)
    body = read_body(request, OutcomeBody)
    entries = [Entry(line=0, id=str(id), outcome=body.outcome)]
    [judged] = record(entries, request, prediction.version.model, body)
    if judged.result in REFUSED:
        raise refuse_one(judged)
    outcome = find_outcome(prediction)
    if outcome is None:
        raise PredictionForgotten(f"the prediction {id} was forgotten meanwhile")
    recorded = StoredOutcome(value=outcome.value, recorded_at=outcome.recorded_at, recorded_by=outcome.recorded_by)
    return RecordedOutcome(id=id, result=cast(Recorded, judged.result), outcome=recorded)


@operation(
    "PUT",
    scope=Scope.OUTCOME,
    request=OutcomesBody,
    response=OutcomesReport,
    statuses=(400, 404, 409, 411, 413, 415, 422),
)
def record_outcomes(request: ApiRequest, slug: str) -> OutcomesReport:
    """Record what really happened for up to 1,000 predictions of a model: for all of them, or for none.

    Each is named by its id or by its reference. The same values again change nothing. Where a row is refused, nothing
    is stored, and the error names each such row.
    """
    if not Version.objects.filter(model=slug).exists():
        raise ModelNotFound(f"there is no model {slug!r}")
    body = read_body(request, OutcomesBody)
    count = len(body.outcomes)
    if count > MOST_ROWS:
        raise Refused(413, "too_many_rows", f"A request may have at most {MOST_ROWS:,} rows, not {count:,}.")
    if not count:
        raise Refused(400, "malformed", "The list of outcomes is empty: send at least one row.")
    invalid = find_invalid_references(body.outcomes)
    entries = [make_entry(number, row, invalid.get(number)) for number, row in enumerate(body.outcomes)]
    judged = record(entries, request, slug, body)
    refused = [each for each in judged if each.result in REFUSED]
    if refused:
        raise refuse_rows(refused, count, invalid)
    rows = [
        ReportedRow(
            row=each.entry.line,
            id=each.entry.id or None,
            reference=each.entry.reference or None,
            result=cast(Recorded, each.result),
            reason=each.reason,
        )
        for each in judged
    ]
    accepted = sum(each.result == "accepted" for each in judged)
    return OutcomesReport(accepted=accepted, unchanged=count - accepted, rows=rows)


def read_body(request: HttpRequest, struct: type[Body]) -> Body:
    """The body as a struct; raise Refused with what is wrong with it."""
    with take_turn(request):
        sent = read_json(request)
        try:
            if sent.count(b"{") + sent.count(b"[") > MOST_PARTS:
                raise msgspec.ValidationError(f"it has more than {MOST_PARTS:,} objects and lists")
            return msgspec.convert(decode(sent), type=struct)
        except UNREADABLE as error:
            raise Refused(400, "malformed", f"The body cannot be read: {explain(sent, error)}.") from error


def find_invalid_references(rows: Sequence[OutcomeRow]) -> dict[int, Problem]:
    """What is wrong with references, by the numbers of their rows. An empty one next to an id is none."""
    return {
        number: Problem(code="not_a_reference", given=describe(row.reference))
        for number, row in enumerate(rows)
        if row.reference is not msgspec.UNSET and not is_reference(row.reference)
        if not (row.id and row.reference in ("", None))
    }


def make_entry(number: int, row: OutcomeRow, invalid: Problem | None) -> Entry:
    reference = row.reference if is_reference(row.reference) else ""
    problem = str(invalid or "").removesuffix(".")
    if not invalid and bool(row.id) == bool(reference):
        problem = "give either an id or a reference"
    return Entry(line=number, id=row.id, reference=reference, outcome=row.outcome, problem=problem)


def record(
    entries: Sequence[Entry], request: ApiRequest, model: str, body: OutcomeBody | OutcomesBody
) -> Sequence[Judged]:
    try:
        return record_entries(
            entries,
            by=str(request.caller),
            model=model,
            correct=body.correct,
            new_classes=body.new_classes,
            wording=WORDING,
        )
    except OutcomeChanged as error:
        message = str(error)
        raise Refused(409, "outcome_changed", f"{message[0].upper()}{message[1:]}.") from error


def refuse_one(judged: Judged) -> Refused:
    problem = ParameterProblem(code=judged.result, sentence=write_reason(judged))
    return Refused(STATUSES[judged.result], f"{judged.result}_outcome", "Nothing was stored.", {"outcome": problem})


def refuse_rows(refused: Sequence[Judged], count: int, invalid: Mapping[int, Problem]) -> Refused:
    """409 where all rows that are refused conflict with what is recorded, else 422."""
    problems = {
        str(each.entry.line): invalid.get(each.entry.line)
        or ParameterProblem(code=each.result, sentence=write_reason(each))
        for each in refused
    }
    message = f"{write_refused(len(refused), count)}, and nothing was stored."
    is_conflict = all(each.result == "conflicting" for each in refused)
    status, code = (409, "conflicting_outcomes") if is_conflict else (422, "invalid_outcomes")
    return Refused(status, code, message, problems)


def write_reason(judged: Judged) -> str:
    return f"{judged.reason[:1].upper()}{judged.reason[1:]}."
