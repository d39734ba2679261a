"""Finds what is due, and adds a job for it: once for each moment, in however many processes that is done."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from predictor import jobs
from predictor.models import Job, Schedule, ScheduledMoment
from predictor.models.schedule import AUTHOR

# Of each model and kind; `Schedule.after` remembers the newest moment, also without them.
KEPT = 100


def list_due(now: datetime | None = None) -> Iterator[tuple[Schedule, datetime]]:
    """What is due now, with its moment: by the database's clock, unless another time is given."""
    for schedule in Schedule.objects.running().annotate(clock=Now()):
        moment = schedule.find_due(now or schedule.clock)
        if moment is not None:
            yield schedule, moment


def enqueue_due(now: datetime | None = None) -> list[ScheduledMoment]:
    """Take the moments that are due, and add a job for each."""
    taken = [_take(schedule, moment) for schedule, moment in list_due(now)]
    return [each for each in taken if each is not None]


def _take(due: Schedule, moment: datetime) -> ScheduledMoment | None:
    """Take one moment; None where another process has done so, or somebody has changed the schedule."""
    with transaction.atomic(durable=True):
        # All of the model, since two at once must not add two jobs.
        rows = Schedule.objects.running().filter(model=due.model, kind=due.kind).select_for_update(of=("self",))
        schedule = next((row for row in rows if row.pk == due.pk), None)
        if schedule is None or schedule.find_due(moment) != moment:
            return None
        Schedule.objects.filter(pk=schedule.pk).update(after=moment)
        taken, is_new = ScheduledMoment.objects.get_or_create(model=due.model, kind=due.kind, moment=moment)
        if not is_new:
            return None
        taken.job = _find_unfinished(schedule) or jobs.enqueue(
            schedule.kind, by=schedule.author, model=schedule.model, arguments=schedule.arguments
        )
        taken.save(update_fields=["job"])
        _drop_old(taken)
        return taken


def _find_unfinished(schedule: Schedule) -> Job | None:
    """A job that does the same and is not done yet: another one would do it again at once."""
    same = {"kind": schedule.kind, "model": schedule.model, "arguments": schedule.arguments, "cancelled_by": ""}
    return Job.objects.unfinished().filter(**same).first()


def _drop_old(newest: ScheduledMoment) -> None:
    """Forget the oldest moments, with the jobs that were added for them."""
    moments = ScheduledMoment.objects.filter(model=newest.model, kind=newest.kind).order_by("-moment")
    old = moments.exclude(pk__in=list(moments.values_list("pk", flat=True)[:KEPT]))
    Job.objects.filter(moments__in=old, made_by__startswith=AUTHOR, finished_at__isnull=False).delete()
    old.delete()
