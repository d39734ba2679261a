"""Monitors a model as a job: what `manage.py monitor` does for one."""

from django.utils import timezone

from predictor import jobs
from predictor.exceptions import AlertNotSent
from predictor.models import Monitoring
from predictor.monitoring import WINDOW

STORED = "stored"


def monitor(held: jobs.Held) -> None:
    """Store how a model's newest predictions are, once, and announce it where the state has changed."""
    # They import numpy, which a worker that waits does without.
    from predictor.monitoring.archived import read_between
    from predictor.monitoring.watch import add, watch

    model = held.job.model
    if held.job.cursor != STORED:
        jobs.report(held, "reading predictions")
        found = watch(model, WINDOW, timezone.now(), read_between)
        with jobs.commit_chunk(held, cursor=STORED, done=0):
            add(model, found)
    stored = Monitoring.objects.find_newest(model)
    jobs.finish(held, {"state": stored.state, "reason": announce(stored)} if stored else {})


def announce(stored: Monitoring) -> str:
    """What could not be announced, and why; empty where all was."""
    from predictor.monitoring.announcing import announce_state
    from predictor.monitoring.lines import write_text

    found = stored.parsed_result
    if found is None:  # A newer build has stored one in the meantime, and announces it.
        return ""
    try:
        announce_state(stored, write_text(stored, found))
    except AlertNotSent as error:
        return f"{error}. The next run tries again."
    return ""
