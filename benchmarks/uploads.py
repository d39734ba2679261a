"""Measures how long visitors wait while files of 50 MB are uploaded, and the memory that the site takes for it.

    python -m benchmarks.uploads [--rounds 3] [--seconds 15] [--database PostgreSQL]

A site of its own with two workers, as for benchmarks.attacks. 20 visitors a second open the form and the model's page,
post the form, ask the API and /healthz: in each round first alone, then while one client uploads a file again and
again, as fast as the site takes it. Prints the waits of both, how long an upload took, and the most memory of the
site's processes together, each shared page divided among those that share it. Exits with 1 where the 99th percentile
more than doubles, where a visit or an upload fails, or where the site takes more than 512 MB.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

from benchmarks.attacks.sites import Site, make_own_site
from benchmarks.attacks.target import TOKEN, Target, ask
from benchmarks.attacks.visitors import Waits, watch_visitors
from benchmarks.lifetime import end_when_asked, run_postgres

MOST_MB = 512
BYTES = 50_000_000
BOUNDARY = "b" * 40
UPLOAD = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Cookie": f"csrftoken={TOKEN}"}
SECONDS_BETWEEN_LOOKS = 0.25
# Each uploads once: an address may upload 20 files an hour.
ADDRESSES = ((f"127.2.{number // 250}.{number % 250 + 1}", 0) for number in count())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--database", choices=["PostgreSQL", "SQLite"], default="PostgreSQL")
    options = parser.parse_args()
    end_when_asked()
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        is_postgres = options.database == "PostgreSQL"
        url = stack.enter_context(run_postgres(work / "data")) if is_postgres else f"sqlite:///{work}/site.sqlite3"
        site = make_own_site(options.database, url, work / "site", 1_000, stack)
        site.system.environment["FILES_MAX_MB"] = "100000"
        sys.exit(measure(site, options.rounds, options.seconds))


def measure(site: Site, rounds: int, seconds: float) -> bool:
    """Print the figures; return whether a bound was broken."""
    body, alone, meanwhile, uploads = write_body(), Waits(), Waits(), []
    peak = 0.0
    for _ in range(rounds):
        site.restart()
        watch_visitors(site.target, 3)
        with watching_memory(site):
            alone.visits.extend(watch_visitors(site.target, seconds).visits)
        with watching_memory(site) as looks, uploading(site.target, body) as took:
            meanwhile.visits.extend(watch_visitors(site.target, seconds).visits)
        uploads += took
        peak = max(peak, *looks)
    before, after = find_percentile(alone), find_percentile(meanwhile)
    print(f"alone:     median {alone.median * 1e3:.1f} ms, p99 {before * 1e3:.1f} ms, {len(alone.visits)} visits")
    print(
        f"meanwhile: median {meanwhile.median * 1e3:.1f} ms, p99 {after * 1e3:.1f} ms, {len(meanwhile.visits)} visits"
    )
    statuses = [status for status, _ in uploads]
    print(f"{len(uploads)} uploads ({set(statuses)}), median {statistics.median(took for _, took in uploads):.1f} s")
    print(f"most memory of the site's processes: {peak:.0f} MB")
    failed = dict(alone.problems + meanwhile.problems)
    if failed:
        print(f"failed visits: {failed}")
    return after > 2 * before or bool(failed) or set(statuses) != {303} or peak > MOST_MB


def write_body() -> bytes:
    """A form with a CSV file of about a million rows."""
    row = "a customer with some words, in two columns,5.1234\n"
    start = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{TOKEN}\r\n'
    start += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="new.csv"\r\n\r\nnote,words,x\n'
    end = f"\r\n--{BOUNDARY}--\r\n"
    return (start + row * ((BYTES - 1_000) // len(row)) + end).encode()


@contextmanager
def uploading(target: Target, body: bytes) -> Iterator[list[tuple[int, float]]]:
    """Upload again and again; yields the status and the seconds of each."""
    took: list[tuple[int, float]] = []
    is_over = threading.Event()

    def upload() -> None:
        while not is_over.is_set():
            began = time.monotonic()
            answer = ask(target, "POST", "/line/file/", body, UPLOAD, source=next(ADDRESSES), seconds=60)
            took.append((answer.status, time.monotonic() - began))

    thread = threading.Thread(target=upload)
    thread.start()
    try:
        yield took
    finally:
        is_over.set()
        thread.join()


@contextmanager
def watching_memory(site: Site) -> Iterator[list[float]]:
    """Yields the MB that the site's processes took together, at each look."""
    looks: list[float] = []
    is_over = threading.Event()
    assert site.system.process is not None
    pid = site.system.process.pid

    def look() -> None:
        while not is_over.wait(SECONDS_BETWEEN_LOOKS):
            looks.append(sum(map(read_share, list_tree(pid))) / 1024)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield looks
    finally:
        is_over.set()
        thread.join()


def list_tree(pid: int) -> list[int]:
    """A process, its children, and theirs."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *(each for child in children for each in list_tree(int(child)))]
    return []


def read_share(pid: int) -> int:
    """The kB of a process, with its share of what it shares; 0 where it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def find_percentile(waits: Waits) -> float:
    """The seconds below which 99 of 100 visits waited."""
    return statistics.quantiles([each.seconds for each in waits.visits], n=100)[98]


if __name__ == "__main__":
    main()
