"""Reads a model's file of a format without code in a process of its own, whose memory and time are limited.

So a file that was made to crash or to exhaust its reader harms neither the command nor the machine. The process gets
none of the site's keys: its environment is almost empty.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from predictor.exceptions import ModelFileError
from predictor.training.external.model_file import ModelFile

MEMORY_BYTES = 4 * 1024**3
CPU_SECONDS = 60
WALL_SECONDS = 120
ROOT = Path(__file__).parents[3]
KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@lru_cache(maxsize=2)  # A file is asked about before it is loaded.
def read_limited(file: ModelFile, format: str) -> dict[str, Any]:
    """What a format's `inspect` finds in a file. Raises ModelFileError where it refuses the file, or dies of it."""
    try:
        done = subprocess.run(  # noqa: S603  # Our own module.
            [sys.executable, "-m", __name__, format],
            cwd=ROOT,
            env=make_environment(),
            input=file.content,
            capture_output=True,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise file.error(f"reading it takes more than {WALL_SECONDS} seconds") from error
    if done.returncode or not done.stdout:
        raise file.error(_describe_end(done.returncode, done.stderr.decode(errors="replace")))
    found: dict[str, Any] = json.loads(done.stdout)
    if "refused" in found:
        raise file.error(found["refused"])
    return found


def make_environment() -> dict[str, str]:
    """What the process may know: nothing of the site's settings."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | SINGLE


def _describe_end(status: int, printed: str) -> str:
    if status == -signal.SIGXCPU:
        return f"reading it takes more than {CPU_SECONDS} seconds of CPU time"
    last = (printed.strip().splitlines() or ["it printed nothing"])[-1]
    cause = signal.Signals(-status).name if status < 0 else last[:300]
    return f"it cannot be read in a process of its own, with {MEMORY_BYTES // 1024**3} GB of memory ({cause})"


def _limit() -> None:
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(limit, (value, value))
        except (OSError, ValueError):  # macOS does not limit address space.
            continue


def main() -> None:
    """Inspect what comes on standard input, and write what was found as JSON."""
    # Libraries print as well.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    content = sys.stdin.buffer.read()
    _limit()
    from predictor.training.external.formats import FORMATS

    file = ModelFile(path=Path("model"), content=content)
    try:
        found = FORMATS[sys.argv[1]].inspect(file)
    except ModelFileError as error:
        found = {"refused": str(error).removeprefix("model: ")}
    except MemoryError:
        found = {"refused": f"reading it takes more than {MEMORY_BYTES // 1024**3} GB of memory"}
    except Exception as error:  # A library raises anything for what it cannot read.
        found = {"refused": f"it cannot be read ({type(error).__name__}: {str(error).strip()[:300]})"}
    output.write(json.dumps(found))
    output.flush()


if __name__ == "__main__":
    main()
