"""Describes the figures behind the decision about a challenger, in the current language."""

from predictor.formats import format_number
from predictor.languages import gettext as _
from predictor.languages import ngettext
from predictor.metrics.names import describe_scale, format_score, name_metric
from predictor.record.decision import Decision


def describe_comparison(decision: Decision, unit: str = "") -> list[str]:
    """The figures behind a decision: scores, gains with 95 % intervals, rows left out.

    `unit` is the target's. Empty where there was nothing to compare with.
    """
    if not decision.rows:
        return []
    metric, champion = decision.metric, decision.champion
    own, other, baseline = (
        format_score(metric, score, unit)
        for score in (decision.challenger_score, decision.champion_score, decision.baseline_score)
    )
    scores = _("{metric} on {rows} rows: this version {own}, version {champion} {other}, the baseline {baseline}")
    gains = {
        _("gain over version {champion}, 95 % interval: {gain}"): decision.gain,
        _("gain over the baseline, 95 % interval: {gain}"): decision.gain_over_baseline,
    }
    scale = describe_scale(metric, unit)
    left_out = ngettext(
        "{rows} row left out, which one of the two cannot score",
        "{rows} rows left out, which one of the two cannot score",
        decision.left_out,
    )
    return [
        scores.format(
            metric=name_metric(metric),
            rows=format_number(decision.rows),
            own=own,
            champion=champion,
            other=other,
            baseline=baseline,
        ),
        *(
            sentence.format(champion=champion, gain=scale.write_range(gain.low, gain.high))
            for sentence, gain in gains.items()
            if gain
        ),
        *([left_out.format(rows=format_number(decision.left_out))] if decision.left_out else []),
    ]
