"""How good a model's predictions were, by their outcomes, as `manage.py monitor` stores it."""

from typing import Literal

import msgspec

from predictor.record.charts import CalibrationCurve
from predictor.record.input_group import InputGroup
from predictor.schema.values import Label

State = Literal["well", "alarm", "cannot say"]
Unit = Literal["day", "week"]
# Why there is nothing to say: nothing was measured when the version was trained, or on rows that it may have been
# trained on; no prediction has an outcome, too few have, or their scores are too far apart.
Reason = Literal["", "no_promise", "sample_promise", "no_outcomes", "too_few", "too_uncertain"]

# Fewer predictions with an outcome are not judged.
FEWEST_JUDGED = 50


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """A metric's score with the ends of its 95 % interval; without an interval where none was measured."""

    value: float
    low: float | None = None
    high: float | None = None


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How many of `rows` are meant, and the ends of the 95 % interval of that share."""

    count: int
    rows: int
    low: float
    high: float


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the live version does what its hold-out promised, and what was compared."""

    state: State
    reason: Reason = ""
    # What is compared, such as "mae".
    metric: str = ""
    # When the first and the last of the compared predictions may have been made, and whether that is the window itself:
    # where too few of it have an outcome, earlier ones are compared, too.
    since: str
    until: str
    is_window: bool = True
    # The predictions of the live version from then, and how many of them are compared.
    predictions: int = 0
    rows: int = 0
    # How many of them were asked for at random, and whether those stand for all predictions without an outcome.
    random: int = 0
    is_weighted: bool = False
    # How many are left out, since they were asked for because the model was uncertain of them, or they were unusual.
    left_out: int = 0
    observed: Score | None = None
    promised: Score | None = None
    # What the promise was measured on.
    method: str = ""
    promised_rows: int = 0
    # The loss now minus the promised one, with its 95 % interval; an accuracy's loss is the share of wrong answers.
    change: Score | None = None
    # From which change on it is large enough for an alarm.
    limit: float | None = None
    coverage: Share | None = None


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """The predictions of one version in one day or week that have an outcome."""

    # The date of its first day, as ISO 8601 has it.
    start: str
    version: int
    rows: int
    # By metric.
    scores: dict[str, Score]


class VersionQuality(msgspec.Struct, frozen=True, kw_only=True):
    """The predictions of one version that have an outcome, next to what its hold-out promised."""

    version: int
    rows: int
    scores: dict[str, Score]
    promised: dict[str, Score]
    coverage: Share | None = None


class Slice(InputGroup, frozen=True, kw_only=True):
    """Predictions with similar values of one input whose losses are larger than those of all others."""

    # By the metric that is judged, of these rows and of all others.
    score: Score
    others: float
    # The chance of such a difference without a cause, corrected for how many groups were compared.
    p: float


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How good a model's predictions were, by their outcomes."""

    judged: Judged
    # How many predictions of the window have an outcome.
    with_outcome: int
    # From when on periods and versions are listed, and how long a period is.
    since: str
    unit: Unit
    periods: tuple[Period, ...] = ()
    versions: tuple[VersionQuality, ...] = ()
    # Of the compared predictions, by class.
    calibration: tuple[CalibrationCurve, ...] = ()
    classes: tuple[Label, ...] = ()
    # How many were of each class, and what was predicted for them: one row for each class that occurred.
    confusion: tuple[tuple[int, ...], ...] = ()
    # The worst first, and among how many groups they were found.
    slices: tuple[Slice, ...] = ()
    tested: int = 0
