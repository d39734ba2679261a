"""What became of a version as a challenger, as it keeps it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from predictor.metrics.interval import Interval


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a challenger, and all that was decided on. Scores are as people know them: no accuracy is a loss.

    Where there was nothing to compare with, `rows` is 0, and there are no gains.
    """

    # Whether it went live.
    promoted: bool = False
    # A key for programs, such as "better" or "cannot tell"; `training.gate` gives them.
    verdict: str = ""
    # The same as a sentence for people.
    reason: str = ""
    # The name of the metric that it was decided by; empty where none was measured.
    metric: str = ""
    # How many rows were compared.
    rows: int = 0
    # How many rows one of the two could not score.
    left_out: int = 0
    # The number of the version that was live; None where none was.
    champion: int | None = None
    champion_score: float | None = None
    challenger_score: float | None = None
    # Of a dummy.
    baseline_score: float | None = None
    # What the challenger has less of loss than the champion.
    gain: Interval | None = None
    # What the challenger has less of loss than the dummy.
    gain_over_baseline: Interval | None = None


def read_decision(stored: Mapping[str, Any]) -> Decision:
    """Read what a version keeps of it, empty where that is nothing."""
    return msgspec.convert(stored, Decision)
