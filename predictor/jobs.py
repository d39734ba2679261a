"""Jobs: rows that pages add by the name of their kind, and that workers take by a lease.

A worker holds a job for `SECONDS_OF_LEASE` and renews that. When it dies, another one takes the job over, under a new
lease. Whatever is written for a job is committed together with a change of its row that only the holder of the newest
lease can make: so a worker whose job was taken over commits nothing more.
"""

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from predictor.exceptions import MlsiteError
from predictor.files.keeping import check_space
from predictor.models import Job, JobWorker, KeptFile
from predictor.models.job import JobQuerySet, from_now
from predictor.record.job_problem import JobProblem

# With the seconds between two looks of a worker, less than the 30 s after which a job goes on.
SECONDS_OF_LEASE = 20.0
SECONDS_BETWEEN_SIGNS = 10.0
SECONDS_ALIVE = 30.0
MOST_FAILURES = 3
# A worker may be killed for reasons of its own; a job that never comes further may be what kills it.
MOST_ATTEMPTS = 10
# A worker on a machine that was cut off in the middle of a chunk's transaction would keep the row locked.
POSTGRES_IDLE_LIMIT = "SET LOCAL idle_in_transaction_session_timeout = '15s'"

RETRAIN = "retrain"
# A worker of the former build would take the recipe's own table: it does not know this kind, and leaves it alone.
RETRAIN_ON_TABLE = "retrain_table"
SCORE = "score"
REPLAY = "replay"
# The result of a scored file, as a workbook.
WRITE = "write"
DRAFT, TRAIN = "draft", "train"
OUTCOMES = "outcomes"
EXPORT = "export"
MONITOR = "monitor"
Fate = Literal["held", "cancelled", "finished", "lost"]


class LeaseLost(MlsiteError):
    """Another worker has taken the job over, or it was cancelled: nothing more can be written for it."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A job that was taken, and the lease by which it is held."""

    job: Job
    lease: uuid.UUID

    @property
    def rows(self) -> JobQuerySet:
        """The job's row, while it is held."""
        return Job.objects.filter(pk=self.job.pk, lease=self.lease, state=Job.State.RUNNING)


def enqueue(kind: str, *, by: str, model: str = "", arguments: dict[str, Any] | None = None) -> Job:
    return Job.objects.create(kind=kind, made_by=by, model=model, arguments=arguments or {}, public_id=uuid.uuid4())


def enqueue_scoring(file: KeptFile, *, model: str, history: bool, by: str) -> Job:
    """Have every row of a kept file answered. Raises NoSpace where not even the file would fit a second time."""
    check_space(file.size)
    return enqueue(SCORE, by=by, model=model, arguments={"file": str(file.pk), "history": history})


def cancel(job: Job, *, by: str) -> bool:
    """Cancel a job at once where it waits, else have its worker stop it; False where it is over already."""
    asked = Job.objects.unfinished().filter(pk=job.pk).update(cancelled_by=by)
    over = {"state": Job.State.CANCELLED, "finished_at": timezone.now()}
    Job.objects.filter(pk=job.pk, state=Job.State.WAITING).exclude(cancelled_by="").update(**over)
    return bool(asked)


def sign_life(worker: uuid.UUID, name: str) -> None:
    """Let the site know that a worker is there, and forget those that were silent for a day."""
    if not JobWorker.objects.filter(pk=worker).update(seen_at=from_now(0)):
        JobWorker.objects.create(pk=worker, name=name[:100], seen_at=from_now(0))
        JobWorker.objects.filter(seen_at__lt=from_now(-24 * 3600)).delete()


def sign_off(worker: uuid.UUID) -> None:
    """Let the site know that a worker is no longer there."""
    JobWorker.objects.filter(pk=worker).delete()


def is_worker_alive() -> bool:
    return JobWorker.objects.seen_within(SECONDS_ALIVE).exists()


def take(kinds: Collection[str], worker: str) -> Held | None:
    """Take the oldest job that waits or whose lease has run out, of kinds that this build knows; None without any.

    One that was cancelled, or that has failed too often at the same place, is finished instead.
    """
    ready = Job.objects.ready().filter(kind__in=kinds)
    while ready.exists():
        with transaction.atomic(durable=True):
            job = ready.select_for_update(skip_locked=True).first()
            if job is None:
                return None
            if not _finish_hopeless(job):
                return _begin(job, worker)
    return None


def _finish_hopeless(job: Job) -> bool:
    shown = None
    if job.cancelled_by:
        job.state = Job.State.CANCELLED
    elif job.failures >= MOST_FAILURES:
        job.state = Job.State.FAILED
        shown = JobProblem(code="failed_often", values={"times": MOST_FAILURES}, detail=job.error)
        job.error = f"It failed {MOST_FAILURES} times at the same place; {job.error}"
    elif job.attempts >= MOST_ATTEMPTS:
        job.state = Job.State.FAILED
        shown = JobProblem(code="worker_lost", values={"times": MOST_ATTEMPTS})
        problem = "its worker was lost each time: perhaps the machine has too little memory"
        job.error = f"It was begun {MOST_ATTEMPTS} times at the same place, and {problem}"
    else:
        return False
    job.lease, job.finished_at = None, timezone.now()
    job.problem = msgspec.to_builtins(shown)
    job.save(update_fields=["state", "error", "problem", "lease", "finished_at"])
    return True


def _begin(job: Job, worker: str) -> Held:
    lease = uuid.uuid4()
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.RUNNING,
        started_at=job.started_at or timezone.now(),
        attempts=F("attempts") + 1,
        worker=worker[:100],
        lease=lease,
        lease_until=from_now(SECONDS_OF_LEASE),
    )
    return Held(job=Job.objects.get(pk=job.pk), lease=lease)


def find_held(job_id: int, lease: uuid.UUID) -> Held:
    """A job that this process was given. Raises LeaseLost."""
    job = Job.objects.filter(pk=job_id, lease=lease, state=Job.State.RUNNING).first()
    if job is None:
        raise LeaseLost(f"job {job_id} is no longer held by this worker")
    return Held(job=job, lease=lease)


def renew(held: Held) -> Fate:
    """Hold a job for longer, and find what became of it."""
    if held.rows.filter(cancelled_by="").update(lease_until=from_now(SECONDS_OF_LEASE)):
        return "held"
    job = Job.objects.filter(pk=held.job.pk, lease=held.lease).first()
    if job is None:
        return "lost"
    return "finished" if job.is_finished else "cancelled"


def report(held: Held, step: str, *, done: int = 0, total: int | None = None) -> None:
    """Show what is being done now. Raises LeaseLost."""
    _change(held, step=step[:200], done=done, total=total)


@contextmanager
def commit_chunk(held: Held, *, cursor: Any, done: int, total: int | None = None) -> Iterator[None]:
    """Commit what the block writes together with the cursor and the progress: all of it, or nothing.

    Compute before, and only write in the block: it holds the job's row. Raises LeaseLost before the block begins.
    """
    with transaction.atomic(durable=True):
        if connection.vendor == "postgresql":
            with connection.cursor() as statements:
                statements.execute(POSTGRES_IDLE_LIMIT)
        # A new place: this is the first attempt there.
        lease_until = from_now(SECONDS_OF_LEASE)
        _change(held, cursor=cursor, done=done, total=total, attempts=1, failures=0, error="", lease_until=lease_until)
        yield


def finish(held: Held, result: Any) -> None:
    """Write that all of a job is done, also within the transaction that stores its result. Raises LeaseLost."""
    done = Coalesce("total", "done")
    _change(held, state=Job.State.DONE, result=result, error="", step="", done=done, finished_at=timezone.now())


def fail(held: Held, error: str, result: Any = None, *, problem: JobProblem | None = None) -> None:
    """Stop a job with an error that would come again, and with what it has made all the same. Raises LeaseLost.

    `error` is in English; `problem` is what pages say in their language, where it is of a known kind.
    """
    stored = msgspec.to_builtins(problem)
    _change(held, state=Job.State.FAILED, error=error, problem=stored, result=result, finished_at=timezone.now())


def fail_attempt(held: Held, error: str) -> None:
    """Have a job tried again at the same place, at most three times in all. Raises LeaseLost."""
    _change(held, error=error, state=Job.State.WAITING, failures=F("failures") + 1)


def hand_back(held: Held) -> bool:
    """Let another worker go on with a job, which has not failed; whether it was held."""
    return bool(held.rows.update(state=Job.State.WAITING, lease=None, attempts=F("attempts") - 1))


def settle_cancelled(held: Held) -> bool:
    return bool(held.rows.update(state=Job.State.CANCELLED, finished_at=timezone.now()))


def _change(held: Held, **values: Any) -> None:
    """Change the row of a job that is held and not cancelled, which locks it until the transaction ends."""
    if not held.rows.filter(cancelled_by="").update(**values):
        raise LeaseLost(f"job {held.job.pk} was taken over by another worker, or cancelled")
