"""Processes for files that somebody sent: without the site's keys and addresses, and with little memory and time.

A file of a few bytes can say that it has billions of values: where reading one takes too much, such a process ends, and
nothing else does.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

NEEDED = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")
PROJECT = Path(__file__).parent.parent


def run_bare(module: str, *arguments: str, given: bytes, seconds: float) -> "subprocess.CompletedProcess[bytes]":
    """Run a module of ours with `given` as its standard input. Raises subprocess.TimeoutExpired."""
    return subprocess.run(  # noqa: S603  # Our own module.
        [sys.executable, "-m", module, *arguments],
        input=given,
        capture_output=True,
        cwd=PROJECT,
        env={name: os.environ[name] for name in NEEDED if name in os.environ},
        timeout=seconds,
        check=False,
    )


def limit_resources(*, memory: int, seconds: int) -> None:
    """Allow this process so many bytes and seconds; to be called before anything large is imported."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Each thread of polars reserves memory, and such a file needs no second one.
    os.environ["POLARS_MAX_THREADS"] = "1"
