"""Measures how much faster two workers of a Dask cluster score a CSV file than one, by `manage.py score --scheduler`.

    python -m benchmarks.cluster [--model line] [--rows 24000000] [--rounds 3] [--format csv] [--sent]

A scheduler and its workers on this machine, each a process with one thread (POLARS_MAX_THREADS=1), without any of the
site's settings. Workers read the file by themselves (--shared), unless --sent; answers come to the command from the
workers, as Dask's setting `direct-to-workers` has it. The command runs here too, and its whole time counts, from its
start to its end, without history. Each round runs both, in turn. Prints the rows a second, the ratio of the medians,
and the CPU that each process took.
"""

import argparse
import json
import os
import random
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.checkouts import ROOT
from benchmarks.lifetime import end_when_asked, forget, watch
from benchmarks.score import Scorer, write_table

ADDRESS = "tcp://127.0.0.1:{port}"
HERE = {"PATH", "HOME", "LANG"}
LEAST_PORT, MOST_PORT = 20_000, 30_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="line", help="a shipped model; of others than line, its own rows are scored")
    parser.add_argument("--rows", type=int, default=24_000_000)
    parser.add_argument("--format", choices=["parts", "csv"], default="parts", help="of the output")
    parser.add_argument("--sent", action="store_true", help="send the pieces, instead of letting workers read the file")
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
        for command in (["migrate", "--verbosity", "0"], ["retrain", options.model]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, stdout=sys.stderr, check=True)
        given, made = folder / "given.csv", folder / "made"
        if options.model == "line":
            write_table(given, options.rows)
        else:
            repeat_rows(ROOT / "ml_models" / options.model / "data.csv", given, options.rows)
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(options.rounds):
            for workers in (1, 2):
                seconds[workers].append(measure(folder, workers, given, made, options))
                check(made, options.rows)
        medians = {workers: statistics.median(measured) for workers, measured in seconds.items()}
        for workers, median in medians.items():
            print(f"workers {workers}: {options.rows / median:,.0f} rows/s")
        print(f"two workers are {medians[1] / medians[2]:.2f} × as fast as one")


def measure(folder: Path, workers: int, given: Path, made: Path, asked: argparse.Namespace) -> float:
    """The seconds of one command on a cluster of its own, which is ready before."""
    with ExitStack() as stack:
        port = random.randrange(LEAST_PORT, MOST_PORT)  # noqa: S311  # Any that is free.
        address = ADDRESS.format(port=port)
        place = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
        scheduler = stack.enter_context(start(["scheduler", *place, "--port", str(port)]))
        options = ["--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
        started = [stack.enter_context(start(["worker", address, *place, *options])) for _ in range(workers)]
        wait_for_workers(address, workers)
        before = {process.pid: read_cpu(process.pid) for process in (scheduler, *started)}
        command = [sys.executable, "manage.py", "score", asked.model, str(given), str(made)]
        command += [
            "--history",
            "none",
            "--scheduler",
            address,
            "--format",
            asked.format,
            *([] if asked.sent else ["--shared"]),
        ]
        scorer = Scorer(title="cluster", command=command, environment={})
        scorer.run()
        [ran] = scorer.runs
        used = [read_cpu(process.pid) - before[process.pid] for process in (scheduler, *started)]
        of_workers = " + ".join(f"{each:.1f}" for each in used[1:])
        cpu = f"CPU of the command {ran.cpu:.1f} s, of the scheduler {used[0]:.1f} s, of workers {of_workers} s"
        print(f"workers {workers}: {ran.seconds:.1f} s; {cpu}; peak of the command {ran.peak:.0f} MB", flush=True)
        return ran.seconds


def repeat_rows(table: Path, given: Path, rows: int) -> None:
    """Write so many rows of a table, again and again from its first one; what is missing in them is unlike new data."""
    header, *lines = table.read_text().splitlines(keepends=True)
    whole = [line for line in lines if ",NA" not in line and ",," not in line]
    with given.open("w") as stream:
        stream.write(header)
        stream.writelines(whole[number % len(whole)] for number in range(rows))


def check(made: Path, rows: int) -> None:
    """Stop where a row is not answered, and remove the output."""
    if made.is_dir():
        manifest = json.loads((made / "manifest.json").read_text())
        answered = manifest["rows"] - manifest["errors"]
        shutil.rmtree(made)
    else:
        with made.open() as table:
            next(table)
            answered = sum(bool(line.split(",")[2]) for line in table)
        made.unlink()
    if answered != rows:
        sys.exit(f"{rows} rows were given, and {answered} answered")


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
