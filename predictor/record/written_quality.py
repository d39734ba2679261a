"""Writes how good predictions were, by their outcomes, for people: in sentences and in tables."""

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from predictor.formats import MISSING, format_number, format_share
from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.metrics.names import IN_TARGET_UNIT, METRICS, describe_scale, format_score, name_metric
from predictor.moments import write_moment
from predictor.record.quality import FEWEST_JUDGED, Judged, Quality, Score, Share
from predictor.record.written_replay import write_values
from predictor.schema.schema import Schema
from predictor.schema.target import Target

# By the state of the judgement or, where it is “cannot say”, by its reason.
SENTENCES = {
    "well": _(
        "Version {version} does what it promised: its {metric} is {observed} on {rows} predictions with an outcome, and"
        " {promised} was promised."
    ),
    "alarm": _(
        "Version {version} does worse than it promised: its {metric} is {observed} on {rows} predictions with an"
        " outcome, and {promised} was promised."
    ),
    "too_uncertain": _(
        "Whether version {version} does what it promised is not known yet: its {metric} is {observed} on {rows}"
        " predictions with an outcome, and {promised} was promised. More outcomes will tell."
    ),
    "too_few": _(
        "To say how good version {version} is now, {needed} predictions with an outcome that can be used are needed"
        " (so far: {rows})."
    ),
    "no_outcomes": _("No prediction of version {version} has an outcome that can be used."),
    "no_promise": _("Version {version} was not measured when it was trained: there is nothing to compare with."),
    "sample_promise": _(
        "Version {version} was measured on rows that it may have been trained on, which promises nothing: there is"
        " nothing to compare with."
    ),
}


class WrittenTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table with all numbers as text: the first cell of each row is its name."""

    name: str
    title: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def write_judged(judged: Judged, version: int, target: Target) -> str:
    """In a sentence, whether the live version does what it promised."""
    sentence = gettext(SENTENCES[judged.reason or judged.state])
    return sentence.format(
        version=version,
        metric=name_metric(judged.metric) if judged.metric else "",
        observed=write_score(judged.metric, judged.observed, target),
        promised=write_score(judged.metric, judged.promised, target, with_interval=False),
        rows=format_number(judged.rows),
        needed=format_number(FEWEST_JUDGED),
    )


def list_notes(quality: Quality, predictions: int) -> list[str]:
    """In sentences, what was compared, and what may be wrong with that."""
    judged = quality.judged
    share = format_share(quality.with_outcome / predictions) if predictions else MISSING
    notes = [
        gettext(
            "Predictions of the window with an outcome: {count} of {predictions} ({share}). A prediction without an"
            " outcome counts neither as right nor as wrong; those with one may differ from all others."
        ).format(count=format_number(quality.with_outcome), predictions=format_number(predictions), share=share)
    ]
    if not judged.is_window and judged.rows:
        sentence = gettext("Too few of the window have one: compared are predictions from {moment} on.")
        notes.append(sentence.format(moment=write_moment(datetime.fromisoformat(judged.since))))
    if judged.is_weighted:
        sentence = gettext(
            "Outcomes asked for at random: {count}. They stand for all predictions without an outcome, so that the"
            " result is not biased by who records outcomes."
        )
        notes.append(sentence.format(count=format_number(judged.random)))
    if judged.left_out:
        sentence = gettext(
            "Outcomes left out: {count}, asked for because the model was uncertain, or the inputs unusual. Their bias"
            " cannot be corrected before {needed} outcomes were asked for at random."
        )
        notes.append(sentence.format(count=format_number(judged.left_out), needed=format_number(FEWEST_JUDGED)))
    if judged.coverage:
        sentence = gettext("The 90 % interval contained the outcome in {share} of cases (predictions: {rows}).")
        notes.append(sentence.format(share=write_share(judged.coverage), rows=format_number(judged.coverage.rows)))
    return notes


def list_tables(quality: Quality, schema: Schema) -> list[WrittenTable]:
    """All figures; without tables that would be empty."""
    target = schema.target
    tables = [
        _write_periods(quality, target),
        _write_versions(quality, target),
        _write_slices(quality, schema),
        _write_calibration(quality, target),
        _write_confusion(quality, target),
    ]
    return [table for table in tables if table.rows]


def write_score(metric: str, score: Score | None, target: Target, *, with_interval: bool = True) -> str:
    """A score and its 95 % interval, in the unit that people see."""
    if score is None:
        return MISSING
    unit, scale = (target.shown_unit, abs(target.output.scale)) if metric in IN_TARGET_UNIT else ("", 1.0)
    written = format_score(metric, score.value * scale, unit)
    if not with_interval or score.low is None or score.high is None:
        return written
    return f"{written} ({describe_scale(metric, unit).write_range(score.low * scale, score.high * scale)})"


def write_share(share: Share) -> str:
    """A share and its 95 % interval."""
    ends = gettext("{low} to {high}").format(low=format_share(share.low), high=format_share(share.high))
    return f"{format_share(share.count / share.rows)} ({ends})"


def _list_metrics(target: Target, scores: Iterable[dict[str, Score]]) -> list[str]:
    known = {metric for each in scores for metric in each}
    return [metric for metric in METRICS[target.task] if metric in known]


def _write_periods(quality: Quality, target: Target) -> WrittenTable:
    metrics = _list_metrics(target, (each.scores for each in quality.periods))
    is_week = quality.unit == "week"
    return WrittenTable(
        name="periods",
        title=gettext("By week") if is_week else gettext("By day"),
        caption=gettext("By when predictions were made (UTC), not by when their outcomes were recorded."),
        head=(
            gettext("Week from") if is_week else gettext("Day"),
            gettext("Version"),
            gettext("Outcomes"),
            *(_capitalise(name_metric(metric)) for metric in metrics),
        ),
        rows=tuple(
            (
                write_day(each.start),
                str(each.version),
                format_number(each.rows),
                *(write_score(metric, each.scores.get(metric), target) for metric in metrics),
            )
            for each in quality.periods
        ),
    )


def _write_versions(quality: Quality, target: Target) -> WrittenTable:
    metrics = _list_metrics(target, (each.scores for each in quality.versions))
    columns = [(metric, _capitalise(name_metric(metric))) for metric in metrics]
    has_intervals = any(each.coverage for each in quality.versions)
    promised = gettext("{metric}, promised")
    return WrittenTable(
        name="versions",
        title=gettext("By version"),
        caption=gettext("Next to what its hold-out promised when it was trained."),
        head=(
            gettext("Version"),
            gettext("Outcomes"),
            *(head for _metric, name in columns for head in (name, promised.format(metric=name))),
            *([gettext("In the 90 % interval")] if has_intervals else []),
        ),
        rows=tuple(
            (
                str(each.version),
                format_number(each.rows),
                *(
                    write_score(metric, scores.get(metric), target)
                    for metric in metrics
                    for scores in (each.scores, each.promised)
                ),
                *([write_share(each.coverage) if each.coverage else MISSING] if has_intervals else []),
            )
            for each in quality.versions
        ),
    )


def _write_slices(quality: Quality, schema: Schema) -> WrittenTable:
    metric, features = quality.judged.metric, schema.by_name
    name = _capitalise(name_metric(metric)) if metric else ""
    return WrittenTable(
        name="slices",
        title=gettext("Where it is worst"),
        caption=gettext(
            "Groups whose errors are larger than those of all others (Welch's t-test). With {count} groups compared,"
            " the chance of listing any without a cause is at most 5 % (Holm's correction)."
        ).format(count=format_number(quality.tested)),
        head=(gettext("Group"), gettext("Outcomes"), name, gettext("All others")),
        rows=tuple(
            (
                f"{features[each.feature].label}: {write_values(each, features[each.feature])}",
                format_number(each.rows),
                write_score(metric, each.score, schema.target),
                write_score(metric, Score(value=each.others), schema.target),
            )
            for each in quality.slices
            if each.feature in features
        ),
    )


def _write_calibration(quality: Quality, target: Target) -> WrittenTable:
    return WrittenTable(
        name="calibration",
        title=gettext("Calibration"),
        caption=gettext("What is given a probability of 70 % should happen 7 times in 10."),
        head=(gettext("Class"), gettext("Predicted"), gettext("Happened"), gettext("Outcomes")),
        rows=tuple(
            (
                target.name_class(curve.label),
                format_share(each.predicted),
                format_share(each.share),
                format_number(each.rows),
            )
            for curve in quality.calibration
            for each in curve.points
        ),
    )


def _write_confusion(quality: Quality, target: Target) -> WrittenTable:
    names = [target.name_class(label) for label in quality.classes]
    return WrittenTable(
        name="confusion",
        title=gettext("Confusion"),
        caption=gettext("How many were of the class of the row, and predicted as that of the column."),
        head=(gettext("What happened"), *names),
        rows=tuple((name, *map(format_number, counts)) for name, counts in zip(names, quality.confusion, strict=True)),
    )


def write_day(day: str) -> str:
    """A date, as ISO 8601 has it, in the manner of the current language."""
    return write_moment(datetime.combine(date.fromisoformat(day), datetime.min.time()), "day", short=True)


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]
