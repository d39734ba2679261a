"""The folder for the temporary files of a job, removed when its process has ended, in whatever way."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "mlsite-worker-"


@contextmanager
def make_scratch() -> Iterator[str]:
    """A folder that is this worker's by its name."""
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        yield folder


def remove_left_over() -> None:
    """Remove the folders of workers of this machine that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        with suppress(ValueError):
            if not _is_alive(int(folder.name.removeprefix(PREFIX).partition("-")[0])):
                shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
