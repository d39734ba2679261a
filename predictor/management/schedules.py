"""Writes schedules and the jobs that they added, as text and for programs."""

from datetime import datetime
from typing import Any

from predictor.models import Job


def describe_schedule(row: Any, now: datetime) -> dict[str, Any]:
    """What programs get of a schedule; `due` is the moment that will be taken next, where there is one."""
    is_run = row.is_on and not row.error and not row.is_retired
    return {
        "model": row.model,
        "kind": row.kind,
        "timing": row.timing,
        "with_outcomes": row.with_outcomes,
        "by": "recipe" if row.is_from_recipe else row.made_by,
        "on": row.is_on,
        "retired": row.is_retired,
        "due": write_exact(row.find_due(now) if is_run else None),
        "next": write_exact(row.find_next(now) if is_run else None),
        "error": row.error,
    }


def write_schedule(row: Any, now: datetime) -> str:
    """One line: what is done, when, by whose wish, and when it is done next."""
    by = "recipe" if row.is_from_recipe else row.made_by
    how = " with outcomes" if row.with_outcomes else ""
    return f"{row.model}: {row.kind}{how} {row.timing} ({by}): {_write_state(row, now)}"


def _write_state(row: Any, now: datetime) -> str:
    if row.error:
        return f"not run: {row.error}"
    if not row.is_on:
        return "off"
    if row.is_retired:
        return "not run: the model is retired"
    due, following = row.find_due(now), row.find_next(now)
    if following is None:
        return "not run: this build cannot read when"
    return f"{f'due since {due:%Y-%m-%d %H:%M} UTC, ' if due else ''}next {following:%Y-%m-%d %H:%M} UTC"


def describe_job(job: Job) -> dict[str, Any]:
    """What programs get of a job."""
    names = ("id", "kind", "model", "state", "result", "error")
    return {name: getattr(job, name) for name in names}


def write_job(job: Job) -> str:
    """One line: what was to be done, and what came of it."""
    found = job.error or (job.result or {}).get("reason") or (job.result or {}).get("state") or ""
    return f"{job.model}: {job.kind}, job {job.pk}: {job.state}{f', {found}' if found else ''}"


def write_exact(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
