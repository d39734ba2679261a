"""Describes the figures behind the decision about a challenger."""

from predictor.formats import format_number
from predictor.metrics.names import LABELS, describe_scale, format_score
from predictor.record.decision import Decision


def describe_comparison(decision: Decision, unit: str = "") -> list[str]:
    """The figures behind a decision: scores, gains with 95 % intervals, rows left out.

    `unit` is the target's. Empty where there was nothing to compare with.
    """
    if not decision.rows:
        return []
    champion, metric = f"version {decision.champion}", decision.metric
    scores = {
        "this version": decision.challenger_score,
        champion: decision.champion_score,
        "the baseline": decision.baseline_score,
    }
    side_by_side = ", ".join(f"{who} {format_score(metric, score, unit)}" for who, score in scores.items())
    gains = {champion: decision.gain, "the baseline": decision.gain_over_baseline}
    left_out = [f"{format_number(decision.left_out)} rows left out, which one of the two cannot score"]
    return [
        f"{LABELS[metric]} on {format_number(decision.rows)} rows: {side_by_side}",
        *(
            f"gain over {who}, 95 % interval: {describe_scale(metric, unit).write_range(gain.low, gain.high)}"
            for who, gain in gains.items()
            if gain
        ),
        *(left_out if decision.left_out else []),
    ]
