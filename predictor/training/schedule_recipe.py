"""Reads `[schedule]` of a model.toml: when a model is retrained and monitored."""

from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec

from predictor.exceptions import RecipeError
from predictor.timing import read_timing
from predictor.training.feature_recipe import Text
from predictor.training.toml import add_line, convert_table


class ScheduleRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[schedule]`: texts that `predictor.timing` reads; `with_outcomes` is about retrains."""

    retrain: Text | None = None
    with_outcomes: bool = False
    monitor: Text | None = None

    @property
    def timings(self) -> dict[str, str]:
        """What is set, by what is done then."""
        found = {"retrain": self.retrain, "monitor": self.monitor}
        return {kind: timing for kind, timing in found.items() if timing is not None}


def convert_schedule(file: Path, content: Any, *, is_trained: bool) -> ScheduleRecipe:
    """Check the table; a model that is not `is_trained` here cannot be retrained.

    Raises RecipeError, which names the line.
    """
    try:
        return _convert(file, content, is_trained=is_trained)
    except RecipeError as error:
        raise add_line(file, error) from error


def _convert(file: Path, content: Any, *, is_trained: bool) -> ScheduleRecipe:
    schedule = convert_table(file, "schedule", content, ScheduleRecipe)
    for kind, timing in schedule.timings.items():
        try:
            read_timing(timing, UTC)
        except ValueError as error:
            raise RecipeError(f"{file}: schedule.{kind}: {error}.") from error
    if schedule.retrain is not None and not is_trained:
        problem = "is for models that are trained here, and this model.toml has no data: leave it out"
        raise RecipeError(f"{file}: schedule.retrain: {problem}.")
    if schedule.with_outcomes and schedule.retrain is None:
        problem = 'is about retrains: also write when, such as retrain = "weekly", or leave it out'
        raise RecipeError(f"{file}: schedule.with_outcomes: {problem}.")
    return schedule
