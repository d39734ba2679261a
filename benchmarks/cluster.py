"""Measures how much faster two workers of a Dask cluster score a CSV file than one, by `manage.py score --scheduler`.

    python -m benchmarks.cluster [--rows 4000000] [--rounds 3]

A scheduler and its workers on this machine, each a process with one thread (POLARS_MAX_THREADS=1), without any of the
site's settings. Answers come to the command from the workers themselves, as Dask's setting `direct-to-workers` has it.
The command runs here too, and its whole time counts, from its start to its end, without history. Each
round runs both, in turn. Prints the rows a second, the ratio of the medians, and the CPU that each process took.
"""

import argparse
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.checkouts import ROOT
from benchmarks.lifetime import end_when_asked, forget, watch
from benchmarks.score import check, run, write_table

ADDRESS = "tcp://127.0.0.1:{port}"
HERE = {"PATH", "HOME", "LANG"}
LEAST_PORT, MOST_PORT = 20_000, 30_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    end_when_asked()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {
            "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
            "DASK_DISTRIBUTED__CLIENT__DIRECT_TO_WORKERS": "True",
            "DEPLOYMENT": "local",
            "SECRET_KEY": secrets.token_hex(32),
            "MODEL_SIGNING_KEY": secrets.token_hex(32),
        }
        for command in (["migrate", "--verbosity", "0"], ["retrain", "line"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, stdout=sys.stderr, check=True)
        given, made = folder / "given.csv", folder / "made.csv"
        write_table(given, options.rows)
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(options.rounds):
            for workers in (1, 2):
                seconds[workers].append(measure(folder, workers, given, made))
                check(made, options.rows)
        medians = {workers: statistics.median(measured) for workers, measured in seconds.items()}
        for workers, median in medians.items():
            print(f"workers {workers}: {options.rows / median:,.0f} rows/s")
        print(f"two workers are {medians[1] / medians[2]:.2f} × as fast as one")


def measure(folder: Path, workers: int, given: Path, made: Path) -> float:
    """The seconds of one command on a cluster of its own, which is ready before."""
    with ExitStack() as stack:
        port = random.randrange(LEAST_PORT, MOST_PORT)  # noqa: S311  # Any that is free.
        address = ADDRESS.format(port=port)
        place = ["--host", "127.0.0.1", "--no-dashboard"]
        scheduler = stack.enter_context(start(["scheduler", *place, "--port", str(port)]))
        options = ["--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
        started = [stack.enter_context(start(["worker", address, *place, *options])) for _ in range(workers)]
        wait_for_workers(address, workers)
        before = {process.pid: read_cpu(process.pid) for process in (scheduler, *started)}
        command = [sys.executable, "manage.py", "score", "line", str(given), str(made)]
        seconds, busy, peak = run([*command, "--history", "none", "--scheduler", address])
        used = [read_cpu(process.pid) - before[process.pid] for process in (scheduler, *started)]
        of_workers = " + ".join(f"{each:.1f}" for each in used[1:])
        cpu = f"CPU of the command {busy:.1f} s, of the scheduler {used[0]:.1f} s, of workers {of_workers} s"
        print(f"workers {workers}: {seconds:.1f} s; {cpu}; peak of the command {peak:.0f} MB", flush=True)
        return seconds


@contextmanager
def start(arguments: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the cluster, with nothing of the site but its code."""
    kept = {name: value for name, value in os.environ.items() if name in HERE}
    environment = kept | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [str(Path(sys.executable).parent / "dask"), *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watch(process.pid)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        forget(process.pid)


def wait_for_workers(address: str, workers: int) -> None:
    from distributed import Client

    with Client(address, timeout=30, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)


def read_cpu(pid: int) -> float:
    """The seconds of CPU that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
