"""Describes the figures behind the decision about a challenger."""

from collections.abc import Mapping
from typing import Any

from predictor.formats import format_number
from predictor.metrics.names import LABELS, describe_scale, format_score


def describe_comparison(decision: Mapping[str, Any], unit: str = "") -> list[str]:
    """The figures behind a decision: scores, gains with 95 % intervals, rows left out.

    `unit` is the target's. Empty where there was nothing to compare with.
    """
    if not decision.get("rows"):
        return []
    champion = f"version {decision['champion']}"
    scores = {"this version": "challenger_score", champion: "champion_score", "the baseline": "baseline_score"}
    metric = decision["metric"]
    side_by_side = ", ".join(f"{who} {format_score(metric, decision[key], unit)}" for who, key in scores.items())
    gains = {champion: decision["gain"], "the baseline": decision["gain_over_baseline"]}
    left_out = [f"{format_number(decision['left_out'])} rows left out, which one of the two cannot score"]
    return [
        f"{LABELS[metric]} on {format_number(decision['rows'])} rows: {side_by_side}",
        *(
            f"gain over {who}, 95 % interval: {describe_scale(metric, unit).write_range(gain['low'], gain['high'])}"
            for who, gain in gains.items()
        ),
        *(left_out if decision["left_out"] else []),
    ]
