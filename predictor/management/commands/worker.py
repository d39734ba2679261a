import argparse
import os
import signal
import uuid
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from predictor import memory
from predictor.management.base import SiteCommand
from predictor.management.worker import DATABASE_AWAY, Worker, die_with_group, watch_stdin
from predictor.tasks import TASKS, DatabaseAway, carry_out


class Command(SiteCommand):
    """Take the jobs that pages ask for, one at a time, until it is stopped.

    - A job runs in one worker at a time, and goes on at most 30 s after its worker was killed.
    - What a job has stored once is never stored again, whenever a worker is killed.
    - SIGTERM stops it at once: the job that runs is handed back, and the next worker goes on with it.
    - While the database is away, it waits.
    """

    help = "Do the work that the site has for the background, such as retrains that were asked for in the admin."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--until-stdin-ends", action="store_true", help="stop when the process at the other end of stdin has ended"
        )
        # How it starts the child process in which a job runs.
        parser.add_argument("--job", type=int, help=argparse.SUPPRESS)
        parser.add_argument("--lease", type=uuid.UUID, help=argparse.SUPPRESS)

    def handle(self, *, until_stdin_ends: bool, job: int | None, lease: uuid.UUID | None, **options: Any) -> None:
        if job is not None and lease is not None:
            return run_job(job, lease)
        worker = Worker(TASKS)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, worker.stop)
        if until_stdin_ends:
            watch_stdin(worker.stop)
        return worker.run()


def run_job(job: int, lease: uuid.UUID) -> None:
    """Do a job that this process's parent has taken, and end with it: the parent alone answers signals."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    watch_stdin(die_with_group)
    if settings.WORKER_MEMORY_MB:
        memory.set_limit(settings.WORKER_MEMORY_MB * memory.MEGABYTE - memory.measure_process(os.getppid()))
    try:
        carry_out(job, lease)
    except DatabaseAway as error:
        raise CommandError("The database went away.", returncode=DATABASE_AWAY) from error
