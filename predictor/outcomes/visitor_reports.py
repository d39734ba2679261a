"""Stores what visitors report, and records it as an outcome where staff accept it."""

from django.db import transaction
from django.utils import timezone

from predictor.exceptions import InvalidInput, InvalidValue, OutcomeChanged
from predictor.languages import gettext as _
from predictor.models import Outcome, Prediction, VisitorReport
from predictor.outcomes.recording import find_outcome, is_same, store_outcome


def report_outcome(prediction: Prediction, raw: object) -> VisitorReport:
    """Store what a visitor typed, a number in the unit that people see. Raises InvalidInput."""
    try:
        value = prediction.version.parsed_schema.target.parse(raw, shown=True)
    except InvalidValue as error:
        raise InvalidInput({"outcome": error.problem}) from error
    return VisitorReport.objects.create(prediction=prediction, value=value)


def accept_report(report: VisitorReport, *, by: str) -> Outcome:
    """Record a report as the outcome of its prediction, in the name of who accepts it.

    Raises OutcomeChanged where another outcome is recorded already: only a person who has seen that corrects it.
    """
    prediction, target = report.prediction, report.prediction.version.parsed_schema.target
    value = target.restore(report.value)
    with transaction.atomic():
        outcome = find_outcome(prediction)
        if outcome is not None and not is_same(outcome, target, value):
            sentence = _("{value} is recorded already, by {by}")
            raise OutcomeChanged(sentence.format(value=outcome.written_value, by=outcome.recorded_by))
        outcome = outcome or store_outcome(prediction, value, by=by, replaces=None)
        _decide(report, by=by, outcome=outcome)
    return outcome


def dismiss_report(report: VisitorReport, *, by: str) -> None:
    """Decide that a report is no outcome; it stays stored as such."""
    _decide(report, by=by, outcome=None)


def _decide(report: VisitorReport, *, by: str, outcome: Outcome | None) -> None:
    report.decided_at, report.decided_by, report.outcome = timezone.now(), by, outcome
    report.save(update_fields=["decided_at", "decided_by", "outcome"])
