"""Records the outcome of one prediction."""

from django.db import IntegrityError, transaction

from predictor.exceptions import InvalidInput, InvalidValue, OutcomeChanged
from predictor.languages import gettext as _
from predictor.models import Outcome, Prediction
from predictor.schema.target import Target
from predictor.schema.values import Label, write_value


def find_outcome(prediction: Prediction) -> Outcome | None:
    """The current outcome of a prediction; None where none was recorded."""
    return Outcome.objects.current().filter(prediction=prediction).first()


def is_same(current: Outcome | None, target: Target, value: float | Label) -> bool:
    """Whether a parsed value is already recorded."""
    return current is not None and write_value(target.restore(current.value)) == write_value(value)


def record_outcome(
    prediction: Prediction, raw: object, *, by: str, seen: int | None, queue: Outcome.Queue | None = None
) -> tuple[Outcome, bool]:
    """Record one outcome that a person typed, or correct the current one; return it, and whether a row was added.

    A number is in the unit that people see. `seen` is the id of the outcome that the author saw, None for none: a
    correction replaces only that one, and keeps the queue that had asked for it. Raises InvalidInput for a value that
    the target does not take, and OutcomeChanged where another user has recorded another outcome in the meantime.
    """
    target = prediction.version.parsed_schema.target
    try:
        value = target.parse(raw, shown=True)
    except InvalidValue as error:
        raise InvalidInput({"outcome": error.problem}) from error
    current = find_outcome(prediction)
    if current is not None and is_same(current, target, value):
        return current, False
    if (current and current.id) != seen:
        raise OutcomeChanged(_describe_change(current))
    return store_outcome(prediction, value, by=by, replaces=current, queue=current.queue if current else queue), True


def store_outcome(
    prediction: Prediction, value: float | Label, *, by: str, replaces: Outcome | None, queue: str | None = None
) -> Outcome:
    """Store a parsed value as the newest outcome. Raises OutcomeChanged where another user was first."""
    try:
        with transaction.atomic():
            # Not before the row is locked: it may just be being forgotten.
            locked = Prediction.objects.select_for_update().filter(id=prediction.id)
            if locked.values_list("output", flat=True).first() is None:
                raise OutcomeChanged(_("This prediction is forgotten: nothing can be recorded for it."))
            return Outcome.objects.create(
                prediction=prediction, value=value, recorded_by=by, replaces=replaces, queue=queue
            )
    except IntegrityError as error:
        # Another row with the same place in the log was committed a moment earlier.
        raise OutcomeChanged(_describe_change(find_outcome(prediction))) from error


def _describe_change(current: Outcome | None) -> str:
    """There is none where `seen` was made up, or where the prediction was deleted meanwhile."""
    if current is None:
        return _("No outcome was recorded that this could replace: look again.")
    sentence = _("{value} is recorded by now, by {author}: send yours once more if it is to replace that.")
    return sentence.format(value=current.written_value, author=current.recorded_by)
