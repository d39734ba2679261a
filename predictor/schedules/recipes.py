"""Stores the schedules of recipes as rows, which pages show, and which are run as those of users are."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from predictor.exceptions import RecipeError
from predictor.models import Schedule
from predictor.models.job import from_now
from predictor.training.recipe import find_slugs, read_content
from predictor.training.schedule_recipe import ScheduleRecipe, convert_schedule

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A row as a recipe wants it; one with an error is shown, and not run."""

    model: str
    kind: str
    timing: str
    with_outcomes: bool = False
    error: str = ""


def store_recipes(models_dir: Path) -> None:
    """Make the rows those of the recipes. The moments of one that is new, or has another timing, begin now.

    A recipe that cannot be read keeps its rows, with the error: they go on once it can be read.
    """
    stored = {(row.model, row.kind): row for row in Schedule.objects.filter(is_from_recipe=True)}
    wanted = {(each.model, each.kind): each for each in list_wanted(models_dir, list(stored.values()))}
    for key in stored.keys() - wanted.keys():
        stored[key].delete()
    for key, each in wanted.items():
        _store(each, stored.get(key))


def _store(wanted: Wanted, row: Schedule | None) -> None:
    values: dict[str, Any] = {
        "timing": wanted.timing,
        "with_outcomes": wanted.with_outcomes,
        "error": wanted.error,
    }
    if row is not None and all(getattr(row, name) == value for name, value in values.items()):
        return
    if wanted.error:
        logger.warning("a schedule is not run: %s", wanted.error)
    if row is None or row.timing != wanted.timing:
        values["after"] = from_now(0)
    Schedule.objects.update_or_create(model=wanted.model, kind=wanted.kind, is_from_recipe=True, defaults=values)


def list_wanted(models_dir: Path, stored: Sequence[Schedule]) -> Iterator[Wanted]:
    """What the recipes want; of one that cannot be read, what is stored of it, with the error."""
    for slug in find_slugs(models_dir):
        rows = [row for row in stored if row.model == slug]
        try:
            content = read_content(models_dir, slug)
        except RecipeError as error:
            yield from _keep(rows, error)
            continue
        try:
            table = content.get("schedule", {})
            schedule = convert_schedule(models_dir / slug / "model.toml", table, is_trained="data" in content)
        except RecipeError as error:
            # It is shown also where there never was another.
            yield from _keep(rows or [Schedule(model=slug, kind=Schedule.Kind.RETRAIN)], error)
        else:
            yield from _list_kinds(slug, schedule)


def _list_kinds(slug: str, schedule: ScheduleRecipe) -> Iterator[Wanted]:
    for kind, timing in schedule.timings.items():
        with_outcomes = schedule.with_outcomes and kind == Schedule.Kind.RETRAIN
        yield Wanted(model=slug, kind=kind, timing=" ".join(timing.split()), with_outcomes=with_outcomes)


def _keep(rows: Iterable[Schedule], error: RecipeError) -> Iterator[Wanted]:
    for row in rows:
        yield Wanted(
            model=row.model, kind=row.kind, timing=row.timing, with_outcomes=row.with_outcomes, error=str(error)
        )
