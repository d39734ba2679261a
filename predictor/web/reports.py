"""What the pages of a version show of its report."""

from collections.abc import Collection
from dataclasses import dataclass

from predictor.formats import Quantity, Written, format_number, format_plain
from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.metrics.names import format_score, name_metric
from predictor.models import Version
from predictor.record.drawing import DRAWING_HEIGHT, DRAWING_WIDTH
from predictor.record.report import SkippedImportances, Tuning

MOST_IMPORTANCES = 20
# How to read each figure, by its name.
CAPTIONS = {
    "predictions": _("Each point is a row; points on the line were predicted exactly."),
    "residuals": _("Actual minus predicted value. A pattern here is something that the model does not capture."),
    "confusion": _("Rows by actual and predicted class; those on the diagonal were predicted correctly."),
    "roc": _(
        "Each class against the rest. The closer to the top left, the better; the dotted line is random guessing."
    ),
    "calibration": _("On the diagonal, what is given a probability of 0.7 happens 7 times in 10."),
}


@dataclass(frozen=True, kw_only=True)
class ShownFigure:
    title: str
    address: str
    caption: str
    width, height = DRAWING_WIDTH, DRAWING_HEIGHT


@dataclass(frozen=True, kw_only=True)
class ShownImportance:
    label: str
    written: Written
    percent: float


@dataclass(frozen=True, kw_only=True)
class ShownReport:
    """A version's report. `importances` are the largest, each a percentage of the first; `more` counts the rest."""

    figures: list[ShownFigure]
    importances: list[ShownImportance]
    more: int
    metric: str
    missing: list[str]


# The figures that pages draw themselves where a version stored what from, by the chart's name.
REPLACED = {"scatter": "predictions", "calibration": "calibration"}


def show_report(version: Version, *, drawn_here: Collection[str] = ()) -> ShownReport | None:
    """What a version's page shows of its report; None for a version of an early build, which has none.

    `drawn_here` names the charts that the page draws itself, so that they are not shown twice.
    """
    replaced = [REPLACED[name] for name in drawn_here]
    report, measured = version.parsed_report, version.measured_importances
    if report is None:
        return None
    found = version.importances
    largest = max([mean for _label, mean, _sd in found[:1]], default=0.0)
    unmeasured = report.importances if isinstance(report.importances, SkippedImportances) else None
    return ShownReport(
        figures=[
            ShownFigure(
                title=figure.title,
                address=figure.get_absolute_url(),
                caption=gettext(CAPTIONS[figure.name]) if figure.name in CAPTIONS else "",
            )
            for figure in version.figures.exclude(name__in=replaced).defer("svg")
        ],
        importances=[
            ShownImportance(
                label=label,
                written=version.importance_scale.write_spread(mean, sd),
                percent=round(max(mean, 0) / largest * 100, 1) if largest > 0 else 0,
            )
            for label, mean, sd in found[:MOST_IMPORTANCES]
        ],
        more=max(0, len(found) - MOST_IMPORTANCES),
        metric=name_metric(measured.metric) if measured else "",
        missing=[
            *report.not_drawn,
            *([gettext("Importances: {cause}").format(cause=unmeasured.skipped)] if unmeasured else []),
        ],
    )


def list_facts(version: Version, *, is_for_staff: bool) -> list[tuple[str, str]]:
    """How a version was made, as labels with texts; none for a version of an early build, which has no report.

    Only staff see what an attacker would look up: the versions of libraries, and the commit.
    """
    report = version.parsed_report
    if report is None:
        return []
    libraries = ", ".join(f"{name} {number}" for name, number in sorted(version.libraries.items()))
    commit = report.commit or gettext("unknown")
    build = [(gettext("Libraries"), libraries), (gettext("Git commit"), commit)] if is_for_staff else []
    fitting = [(gettext("Fitting time"), format_seconds(report.fit_seconds))] if report.fit_seconds is not None else []
    return [
        *([(gettext("Tuning"), describe_tuning(report.tuning, version.target.unit))] if report.tuning else []),
        *fitting,
        (gettext("Total time"), format_seconds(report.seconds)),
        (gettext("Served"), version.runtime_note),
        *build,
    ]


def describe_tuning(tuning: Tuning, unit: str) -> str:
    """The chosen parameters, the number of candidates, and the score that decided; `unit` is the target's."""
    chosen = ", ".join(f"{name} = {format_plain(value)}" for name, value in tuning.params.items())
    score = f"{name_metric(tuning.metric)} {format_score(tuning.metric, tuning.score, unit)}"
    sentence = gettext("{chosen}; best of {candidates} candidates, by {score} on {folds} folds of the training rows")
    return sentence.format(chosen=chosen, candidates=format_number(tuning.candidates), score=score, folds=tuning.folds)


def format_seconds(seconds: float) -> str:
    if seconds < 100:
        scale = Quantity(unit="s", digits=2) if seconds < 1 else Quantity(unit="s", decimals=1)
        return str(scale.write(seconds))
    return str(Quantity(unit="min", decimals=0).write(seconds / 60))
