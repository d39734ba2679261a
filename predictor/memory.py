"""How much memory processes have and may have, from /proc and /sys; elsewhere than on Linux both are unknown."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MEGABYTE = 1_000_000
RESIDENT = re.compile(rb"VmRSS:\s*(\d+) kB")
# Of the container in which this process runs; without a limit the first has "max", and the second a huge number.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
NO_LIMIT = 1 << 50
# The bytes that this process may have; 0 is no limit.
limit = 0


def set_limit(most: int) -> None:
    global limit
    limit = most


def measure_own() -> int:
    return measure_process(os.getpid())


def find_container_limit() -> int:
    """The bytes that all processes of this container may have together; 0 where there is no limit."""
    for file in LIMITS:
        with suppress(OSError, ValueError):
            limit = int(Path(file).read_text())
            return limit if limit < NO_LIMIT else 0
    return 0


def measure_memory(pid: int) -> int:
    """The resident bytes of a process and of all that it has started; 0 where that is unknown."""
    return sum(map(measure_process, _list_processes(pid)))


def measure_process(pid: int) -> int:
    """The resident bytes of one process; 0 where that is unknown."""
    try:
        found = RESIDENT.search(Path(f"/proc/{pid}/status").read_bytes())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def _list_processes(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):  # A process or a thread has ended.
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _list_processes(int(child))
