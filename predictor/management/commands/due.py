import argparse
import json
import signal
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from predictor import jobs
from predictor.management.base import SiteCommand, add_format
from predictor.management.schedules import describe_job, describe_schedule, write_job, write_schedule
from predictor.management.worker import Worker
from predictor.models import Job, Schedule
from predictor.schedules.due import enqueue_due
from predictor.schedules.recipes import store_recipes
from predictor.tasks import TASKS


class Command(SiteCommand):
    """Add a job for each schedule that is due and, where no worker runs, do all jobs that wait.

    - No moment of a schedule is taken twice, also while workers and other calls of this command run.
    - Of moments that were missed, the newest one is taken.
    - Where a worker was seen in the last 30 s, the jobs are left to it.
    - With --dry-run it lists the schedules with their next moments, and changes nothing.
    - A schedule that cannot be run does not stop the others; the exit status is then 1, as where a job failed.
    """

    help = "Retrain and monitor models whose schedules are due: for cron or Heroku Scheduler, where no worker runs."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only list the schedules and what is due")
        add_format(parser)

    def handle(self, *, dry_run: bool, format: str, **options: Any) -> None:
        if dry_run:
            self._list(format)
        else:
            self._carry_out(format)

    def _carry_out(self, format: str) -> None:
        store_recipes(settings.MODELS_DIR)
        added = [each.job_id for each in enqueue_due()]
        done = [] if jobs.is_worker_alive() else self._work_off()
        found = list(Job.objects.filter(pk__in={*added, *done}).order_by("pk"))
        self._write(format, [describe_job(job) for job in found], map(write_job, found))
        problems = [f"job {job.pk} failed" for job in found if job.state == Job.State.FAILED]
        # That of a recipe stands in all its rows.
        problems += Schedule.objects.exclude(error="").order_by("error").values_list("error", flat=True).distinct()
        if problems:
            raise CommandError("; ".join(problems))

    def _list(self, format: str) -> None:
        with transaction.atomic():
            store_recipes(settings.MODELS_DIR)
            rows = list(Schedule.objects.with_retired().order_by("model", "kind", "id"))
            transaction.set_rollback(True)
        now = timezone.now()
        self._write(format, [describe_schedule(row, now) for row in rows], (write_schedule(row, now) for row in rows))

    def _write(self, format: str, described: list[dict[str, Any]], lines: Iterable[str]) -> None:
        text = json.dumps(described, indent=2) if format == "json" else "\n".join(lines)
        if text:
            self.stdout.write(text)

    def _work_off(self) -> list[int]:
        worker = Worker(TASKS)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, worker.stop)
        return worker.work_off()
