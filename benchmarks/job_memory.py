"""Measures the most memory that scoring a file as a job takes, and with --results writing its result, by kind of file.

    python -m benchmarks.job_memory [CASE …] [--list] [--results]
    python -m benchmarks.job_memory --outcomes ROWS

A SQLite of its own, and the shipped line, without history; with --outcomes, a file of outcomes for so many predictions.
Each job runs in the process that a worker starts for it. Prints the file's size, the seconds from the start of that
process to its end, and its peak (`ru_maxrss`) in MB.
"""

import argparse
import gzip
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.checkouts import ROOT
from benchmarks.lifetime import end_when_asked
from benchmarks.own_database import use_database

if TYPE_CHECKING:
    from predictor.models import Job, KeptFile

MANAGE = [sys.executable, "manage.py"]


def write_csv(rows: int, quotes: bool = False) -> bytes:
    name = '"c, {}"' if quotes else "c{}"
    return ("customer,x\n" + "".join(f"{name.format(row)},{row % 90 / 10}\n" for row in range(rows))).encode()


def write_json_lines(rows: int) -> bytes:
    return b"".join(json.dumps({"customer": f"c{row}", "x": row % 90 / 10}).encode() + b"\n" for row in range(rows))


def draw(rows: int, columns: int) -> Any:
    import numpy as np
    import polars as pl

    generator = np.random.default_rng(0)
    others = {f"f{number}": generator.normal(size=rows) for number in range(columns - 1)}
    return pl.DataFrame({"x": generator.uniform(0, 9, rows), **others})


def write_parquet(rows: int, columns: int, group: int) -> bytes:
    made = io.BytesIO()
    draw(rows, columns).write_parquet(made, row_group_size=group)
    return made.getvalue()


def write_workbook(rows: int, columns: int) -> bytes:
    made = io.BytesIO()
    draw(rows, columns).write_excel(made)
    return made.getvalue()


def write_long_texts() -> bytes:
    """Nearly all rows are short, and the long ones come together."""
    return b"note,x\n" + b"short,1\n" * 500_000 + b"".join(b"%s,1\n" % (b"word " * 1_000) for _ in range(8_000))


CASES: dict[str, Callable[[], bytes]] = {
    "CSV, 100,000 rows": lambda: write_csv(100_000),
    "CSV, 1,000,000 rows": lambda: write_csv(1_000_000),
    "CSV with quotes, 500,000 rows": lambda: write_csv(500_000, quotes=True),
    "CSV, packed, 1,000,000 rows": lambda: gzip.compress(write_csv(1_000_000), 1),
    "CSV in UTF-16, 500,000 rows": lambda: write_csv(500_000).decode().encode("utf-16"),
    "CSV, 500,000 short rows and 8,000 of 5 kB": write_long_texts,
    "CSV, 2,000 rows of 1,000 columns": lambda: draw(2_000, 1_000).write_csv().encode(),
    "JSON lines, 500,000 rows": lambda: write_json_lines(500_000),
    "Parquet, 1,500,000 rows of 10 columns in groups of 60 MB": lambda: write_parquet(1_500_000, 10, 750_000),
    ".xlsx, 100,000 rows of 12 columns": lambda: write_workbook(100_000, 12),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], metavar="CASE", help="all by default")
    parser.add_argument("--list", action="store_true", help="print the cases")
    parser.add_argument("--results", action="store_true", help="also write each result in all formats")
    parser.add_argument("--outcomes", type=int, metavar="ROWS", help="upload so many outcomes instead")
    options = parser.parse_args()
    if options.list:
        print(*CASES, sep="\n")
        return
    end_when_asked()
    with tempfile.TemporaryDirectory() as folder:
        use_database(f"sqlite:///{Path(folder) / 'db.sqlite3'}")
        if options.outcomes:
            measure_outcomes(options.outcomes)
        else:
            for case in options.cases or CASES:
                measure(case, CASES[case](), results=options.results)


def measure_outcomes(rows: int) -> None:
    from predictor import jobs
    from predictor.history.order import list_ids
    from predictor.models import Version

    run_job(jobs.enqueue_scoring(keep("rows.csv", write_csv(rows)), model="line", history=True, by="benchmark"))
    versions = list(Version.objects.values_list("pk", flat=True))
    content = "id,outcome\n" + "".join(f"{id},{row % 90 / 10}\n" for row, id in enumerate(list_ids(versions)))
    file = keep("outcomes.csv", content.encode())
    job, seconds, peak = run_job(
        jobs.enqueue(jobs.OUTCOMES, model="line", by="benchmark", arguments={"file": str(file.pk)})
    )
    print(f"outcomes: {len(content) / 1e6:.1f} MB, {job.result['counts']}, {seconds:.1f} s, {peak:.0f} MB", flush=True)


def keep(name: str, content: bytes) -> "KeptFile":
    from predictor.files.keeping import FileWriter

    with FileWriter(name=name, made_by="benchmark", expires=None) as writer:
        writer.write(content)
        return writer.finish()


def run_job(job: "Job") -> tuple["Job", float, float]:
    """The job after its end, and the seconds and the peak of memory of its process."""
    from predictor import jobs

    held = jobs.take([job.kind], "benchmark")
    assert held is not None
    seconds, peak = run(["worker", "--job", str(job.pk), "--lease", str(held.lease)])
    job.refresh_from_db()
    if job.state != "done":
        sys.exit(job.error)
    return job, seconds, peak


def measure(case: str, content: bytes, *, results: bool) -> None:
    from predictor import jobs

    job, seconds, peak = run_job(jobs.enqueue_scoring(keep(case, content), model="line", history=False, by="benchmark"))
    print(f"{case}: {len(content) / 1e6:.1f} MB, {job.done:,} rows, {seconds:.1f} s, {peak:.0f} MB", flush=True)
    for format in ("csv", "parquet", "xlsx") if results else ():
        seconds, peak = run(["result", str(job.public_id), "--format", format])
        print(f"    its result as {format}: {seconds:.1f} s, {peak:.0f} MB", flush=True)


def run(command: list[str]) -> tuple[float, float]:
    """The seconds that a command takes, and its peak of memory in MB."""
    began = time.perf_counter()
    # By a process of its own, which is small: a new process begins with the peak of memory of the one that starts it.
    measured = [sys.executable, "-c", PROGRAM, *MANAGE, *command]
    done = subprocess.run(measured, cwd=ROOT, capture_output=True, text=True, check=False)
    status, peak = map(int, done.stdout.split())
    if status:
        sys.exit(done.stderr)
    return time.perf_counter() - began, peak / 1024


PROGRAM = """
import os, subprocess, sys
with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
print(process.returncode, usage.ru_maxrss)
"""


if __name__ == "__main__":
    main()
