"""Threads that work at the same moment or in the background, and waiting for what others do."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from django.db import connection


def run_together(works):
    """Call all at the same moment, each on its own connection; their results in order, or the first error."""
    start = threading.Barrier(len(works))

    def run(work):
        start.wait()
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


class Background:
    """A thread for each of `list_works`. Leaving the block sets `is_over`, which ends them, and waits for them."""

    def __enter__(self):
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=work) for work in self.list_works()]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *raised):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def wait_until(is_so, seconds=120):
    """Far longer than it takes, so that a test fails for what it tests, and not for what else the machine does."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)
