"""The decision about a version when it was a challenger, as stored with it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from predictor.metrics.interval import Interval


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The decision about a challenger and its grounds. Scores are as people read them: an accuracy is not a loss.

    Where there was nothing to compare with, `rows` is 0, and there are no gains.
    """

    # Whether it went live.
    promoted: bool = False
    # A key for programs, such as "better" or "cannot tell", which `training.gate` gives; "retired" where it would have
    # gone live if its model were not retired.
    verdict: str = ""
    # The same as a sentence for people.
    reason: str = ""
    # The name of the metric that it was decided by; empty where none was measured.
    metric: str = ""
    # How many rows were compared.
    rows: int = 0
    # How many rows could not be scored by one of the two.
    left_out: int = 0
    # The number of the live version; None where none was live.
    champion: int | None = None
    champion_score: float | None = None
    challenger_score: float | None = None
    # The baseline predicts the same for every row.
    baseline_score: float | None = None
    # The champion's loss minus the challenger's.
    gain: Interval | None = None
    # The baseline's loss minus the challenger's.
    gain_over_baseline: Interval | None = None


def read_decision(stored: Mapping[str, Any]) -> Decision:
    """Read a stored decision; with defaults for what an earlier build did not store."""
    return msgspec.convert(stored, Decision)
