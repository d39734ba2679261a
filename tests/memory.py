"""What the kernel says of this process's memory."""

import re
from pathlib import Path


def read_memory(name: str) -> float:
    """The figure of that name in MB: VmRSS is what is in memory now, VmHWM the most that ever was.

    getrusage has the peak too, but there a process begins with that of the one it was forked from.
    """
    [kilobytes] = re.findall(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) / 1024
