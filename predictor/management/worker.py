"""The process that takes jobs, and the child process in which each of them runs."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Collection
from typing import TypeVar

import django.db
from django.conf import settings
from django.db import connection

from predictor import jobs
from predictor.files.keeping import remove_expired
from predictor.management.scratch import make_scratch, remove_left_over
from predictor.memory import MEGABYTE, measure_memory, measure_own
from predictor.record.job_problem import JobProblem
from predictor.schedules.due import enqueue_due
from predictor.schedules.recipes import store_recipes

logger = logging.getLogger(__name__)

T = TypeVar("T")

SECONDS_BETWEEN_LOOKS = 2.0
SECONDS_BETWEEN_CHECKS = 0.2
SECONDS_BETWEEN_CLEARINGS = 60.0
SECONDS_BETWEEN_SCHEDULES = 15.0
# How long a worker that stops tries to write so: after that, the lease runs out.
SECONDS_TO_STOP = 5.0
# During a deploy, the worker of the former build has given its connections back by then.
SECONDS_TO_WAIT_ON_DYNO = 5.0
# The status of a child whose database went away (EX_TEMPFAIL).
DATABASE_AWAY = 75


class Worker:
    """Takes jobs, one at a time, until it is stopped. While the database is away, it waits.

    Each job runs in a child process, which can be stopped at any moment, and whose memory is given back.
    """

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = kinds
        self._id = uuid.uuid4()
        self._name = f"{os.environ.get('DYNO') or socket.gethostname()}, process {os.getpid()}"
        self._signed_at = self._complained_at = self._cleared_at = self._scheduled_at = float("-inf")
        self._is_stopping = self._is_too_large = False

    def stop(self, *_signal: object) -> None:
        self._is_stopping = True

    def run(self) -> None:
        logger.info("worker: ready for jobs (%s)", ", ".join(sorted(self._kinds)))
        remove_left_over()
        if settings.IS_ON_DYNO:
            self._wait(SECONDS_TO_WAIT_ON_DYNO)
        while not self._is_stopping:
            held = self._try(self._look)
            if held is None:
                self._wait(SECONDS_BETWEEN_LOOKS)
            else:
                self._run_child(held)
        logger.info("worker: stopped")

    def work_off(self) -> list[int]:
        """Do all jobs that wait, and end; their ids."""
        done: list[int] = []
        while not self._is_stopping and (held := self._try(self._look) or self._try(self._leave)):
            self._run_child(held)
            done.append(held.job.pk)
        return done

    def _look(self) -> jobs.Held | None:
        self._sign_life()
        if time.monotonic() - self._cleared_at >= SECONDS_BETWEEN_CLEARINGS:
            remove_expired()
            self._cleared_at = time.monotonic()
        self._look_at_schedules()
        return jobs.take(self._kinds, self._name)

    def _leave(self) -> jobs.Held | None:
        """Sign off, and look once more: whoever added a job until then has relied on this worker."""
        jobs.sign_off(self._id)
        self._signed_at = float("-inf")
        return jobs.take(self._kinds, self._name)

    def _look_at_schedules(self) -> None:
        if time.monotonic() - self._scheduled_at < SECONDS_BETWEEN_SCHEDULES:
            return
        self._scheduled_at = time.monotonic()
        try:
            store_recipes(settings.MODELS_DIR)
            for taken in enqueue_due():
                logger.info("worker: %s is due: job %s", taken, taken.job_id)
        except django.db.Error:
            raise
        except Exception:  # A worker must survive whatever is wrong with a recipe.
            logger.exception("worker: schedules could not be read")

    def _sign_life(self) -> None:
        if time.monotonic() - self._signed_at >= jobs.SECONDS_BETWEEN_SIGNS:
            jobs.sign_life(self._id, self._name)
            self._signed_at = time.monotonic()

    def _run_child(self, held: jobs.Held) -> None:
        logger.info("worker: job %s begins (%s %s)", held.job.pk, held.job.kind, held.job.model)
        # As Django's reloader does, it runs the same program. In a session of its own, it gets no Ctrl-C.
        program = [sys.executable, sys.argv[0], "worker", "--job", str(held.job.pk), "--lease", str(held.lease)]
        with make_scratch() as folder:
            own = {**os.environ, "TMPDIR": folder}
            with subprocess.Popen(program, stdin=subprocess.PIPE, start_new_session=True, env=own) as child:  # noqa: S603  # See above.
                try:
                    fate = self._watch(held, child)
                finally:
                    _kill_group(child)
        self._settle(held, fate, child.returncode)

    def _watch(self, held: jobs.Held, child: "subprocess.Popen[bytes]") -> jobs.Fate:
        """Renew the lease while the child runs; what became of the job, where the child has to be stopped."""
        fate: jobs.Fate = "held"
        renew_at = time.monotonic()
        self._is_too_large = False
        while child.poll() is None and not self._must_stop(child.pid) and fate in ("held", "finished"):
            if time.monotonic() >= renew_at:
                fate = self._try(lambda: jobs.renew(held)) or fate
                self._try(self._sign_life)
                renew_at = time.monotonic() + SECONDS_BETWEEN_LOOKS
            time.sleep(SECONDS_BETWEEN_CHECKS)
        return fate

    def _must_stop(self, child: int) -> bool:
        """Whether the child is to be stopped: this process stops, or both have more memory than they may."""
        most = settings.WORKER_MEMORY_MB * MEGABYTE
        self._is_too_large = bool(most) and measure_own() + measure_memory(child) > most
        return self._is_stopping or self._is_too_large

    def _settle(self, held: jobs.Held, fate: jobs.Fate, status: int) -> None:
        """Write what became of a job, where its child has not done so and no other worker has the lease."""
        give_up_at = time.monotonic() + SECONDS_TO_STOP
        while True:
            try:
                return self._write_end(held, fate, status)
            except jobs.LeaseLost:
                return None
            except django.db.Error as error:
                self._complain(error)
                connection.close()
                if self._is_stopping and time.monotonic() >= give_up_at:
                    return None
            time.sleep(SECONDS_BETWEEN_CHECKS)

    def _write_end(self, held: jobs.Held, fate: jobs.Fate, status: int) -> None:
        if fate == "held":
            fate = jobs.renew(held)
        if fate == "cancelled":
            jobs.settle_cancelled(held)
        elif fate == "held" and (self._is_stopping or status == DATABASE_AWAY):
            jobs.hand_back(held)
        elif fate == "held" and self._is_too_large:
            shown = JobProblem(code="too_much_memory", values={"limit": settings.WORKER_MEMORY_MB})
            jobs.fail(held, describe_excess(), problem=shown)
        elif fate == "held":
            jobs.fail_attempt(held, describe_status(status))
        logger.info("worker: job %s ended here (%s)", held.job.pk, fate)

    def _try(self, ask: Callable[[], T]) -> T | None:
        """What the database answers; None while it is away.

        The connection is closed between two questions: the smallest plans of PostgreSQL allow few.
        """
        try:
            return ask()
        except django.db.Error as error:
            self._complain(error)
            return None
        finally:
            connection.close()

    def _complain(self, error: django.db.Error) -> None:
        if time.monotonic() - self._complained_at >= jobs.SECONDS_BETWEEN_SIGNS:
            logger.warning("worker: the database cannot be used, so it waits: %s", str(error).strip())
            self._complained_at = time.monotonic()

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._is_stopping and time.monotonic() < until:
            time.sleep(SECONDS_BETWEEN_CHECKS)


def describe_status(status: int) -> str:
    if status == -signal.SIGKILL:
        return "its process was killed: perhaps it had too little memory"
    return f"its process ended with status {status}"


def describe_excess() -> str:
    most = f"its process and the worker have more than {settings.WORKER_MEMORY_MB:,} MB of memory"
    hint = "Set that higher where there is more, or use a smaller table or file."
    return f"It was stopped: {most} (WORKER_MEMORY_MB). {hint}"


def watch_stdin(end: Callable[[], None]) -> None:
    """Call `end` once whoever holds the other end of this process's stdin has ended, in whatever way."""

    def wait() -> None:
        # Not through sys.stdin: Python could not end while a thread reads from it.
        while os.read(0, 1):
            pass
        end()

    threading.Thread(target=wait, name="pipe", daemon=True).start()


def die_with_group() -> None:
    """End this process and those that it started, such as those of joblib."""
    os.killpg(0, signal.SIGKILL)


def _kill_group(child: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # The latter on macOS, where it has ended.
        return
