"""Says in a sentence how good a version is: its typical error next to that of always guessing the same."""

from typing import Literal

import msgspec

from predictor.formats import Quantity, format_number, format_share
from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.metrics.names import describe_scale
from predictor.record.measurement import Measurement
from predictor.schema.target import Target

Worth = Literal["better", "hardly better", "worse"]

# Below this share of the baseline's error that the model saves, pages call it hardly better.
SMALLEST_SAVING = 0.1
DIGITS = 3

# By what is compared and how it ends. Whole sentences, so that each can be translated.
SENTENCES = {
    ("mae", "better"): _("Typically off by {own}; always guessing the average is off by {baseline}."),
    ("mae", "hardly better"): _(
        "Typically off by {own}, hardly better than always guessing the average, which is off by {baseline}."
    ),
    ("mae", "worse"): _("Typically off by {own}, worse than always guessing the average, which is off by {baseline}."),
    ("accuracy", "better"): _(
        "Right in {own} of cases; always guessing the most frequent class is right in {baseline}."
    ),
    ("accuracy", "hardly better"): _(
        "Right in {own} of cases, hardly better than always guessing the most frequent class, which is right in"
        " {baseline}."
    ),
    ("accuracy", "worse"): _(
        "Right in {own} of cases, worse than always guessing the most frequent class, which is right in {baseline}."
    ),
}
BETTER_PROBABILITIES = _(
    "Its probabilities are better than its answers: their log loss is {own}, and that of the baseline {baseline}."
)
# By the method of the measurement.
BASES = {
    "hold-out": _("Measured on {rows} rows that it was not trained on."),
    "out-of-fold": _("Measured on {rows} rows by cross-validation: each by a model that was not trained on it."),
    "sample": _("Measured on {rows} rows that it may have been trained on: on new ones it may be worse."),
}
# Where that was a single row.
BASES_OF_ONE = {
    "hold-out": _("Measured on one row that it was not trained on."),
    "sample": _("Measured on one row that it may have been trained on: on new ones it may be worse."),
}


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence with named places for its values, apart, so that the sentence can be translated."""

    template: str
    values: dict[str, str]

    def __str__(self) -> str:
        return gettext(self.template).format(**self.values)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How good a version is, compared with a baseline that always predicts the mean or the most frequent class."""

    worth: Worth
    # The typical error, or the share of right answers.
    sentence: Sentence
    # What that was measured on.
    basis: Sentence
    # Where a classifier's probabilities are better than its answers.
    remark: Sentence | None = None

    @property
    def sentences(self) -> list[Sentence]:
        return [each for each in (self.sentence, self.remark, self.basis) if each]

    def __str__(self) -> str:
        return " ".join(map(str, self.sentences))


def judge_measurement(measured: Measurement, target: Target) -> Verdict | None:
    """The verdict on a version from its stored scores; None where it has none to compare."""
    metric = "mae" if target.task == "regression" else "accuracy"
    own, baseline = measured.scores.get(metric), measured.baseline.get(metric)
    if own is None or baseline is None:
        return None
    write = _write_error if metric == "mae" else _write_share
    worth = _weigh(measured, metric)
    return Verdict(
        worth=worth,
        sentence=Sentence(
            template=SENTENCES[metric, worth], values={"own": write(own, target), "baseline": write(baseline, target)}
        ),
        basis=_describe_basis(measured),
        remark=None if worth == "better" else _describe_probabilities(measured),
    )


def _weigh(measured: Measurement, metric: str) -> Worth:
    """Compare by the share of the baseline's error that is saved, and by whether the 95 % interval reaches it."""
    own, baseline = measured.scores[metric], measured.baseline[metric]
    worst = max(measured.intervals.get(metric, (own,)), key=lambda end: _find_error(metric, end))
    error, error_at_worst, theirs = (_find_error(metric, score) for score in (own, worst, baseline))
    if error > theirs:
        return "worse"
    is_clear = error_at_worst < theirs and error <= (1 - SMALLEST_SAVING) * theirs
    return "better" if is_clear else "hardly better"


def _find_error(metric: str, score: float) -> float:
    return 1 - score if metric == "accuracy" else score


def _describe_probabilities(measured: Measurement) -> Sentence | None:
    if not {"log_loss"} <= measured.scores.keys() & measured.baseline.keys():
        return None
    if _weigh(measured, "log_loss") != "better":
        return None
    scale = describe_scale("log_loss")
    both = {"own": measured.scores["log_loss"], "baseline": measured.baseline["log_loss"]}
    values = {name: str(scale.write(score)) for name, score in both.items()}
    return Sentence(template=BETTER_PROBABILITIES, values=values)


def _describe_basis(measured: Measurement) -> Sentence:
    kind = next((kind for kind in BASES if kind in measured.method), "hold-out")
    template = BASES_OF_ONE.get(kind, BASES[kind]) if measured.rows == 1 else BASES[kind]
    return Sentence(template=template, values={"rows": format_number(measured.rows)})


def _write_error(error: float, target: Target) -> str:
    return str(Quantity(unit=target.shown_unit, digits=DIGITS).write(abs(target.to_shown(error))))


def _write_share(share: float, target: Target) -> str:
    return format_share(share)
