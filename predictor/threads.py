"""Work that runs for long without needing Python: a server of greenlets, which would wait, gives it a real thread."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
# Calls what it is given, in whatever thread, and returns its result or raises its error.
Runner = Callable[[Callable[[], Any]], Any]


def run_here(work: Callable[[], Any]) -> Any:
    return work()


_run: Runner = run_here


def set_runner(run: Runner) -> None:
    """Have `run` call all work of `run_in_thread` from now on, in this process."""
    global _run
    _run = run


def run_in_thread(work: Callable[[], T]) -> T:
    """The result of `work`, which must not use the database: called in a real thread where the server gives one."""
    result: T = _run(work)
    return result
