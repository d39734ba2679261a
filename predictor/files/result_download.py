"""Sends results from a web process: another one writes them to the disk, whatever the speed of the client."""

import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID

from predictor.exceptions import ExportError
from predictor.history.commands import SECONDS_TO_WAIT, read_problem, wait_for_turn_of_pages, write_command
from predictor.languages import gettext as _
from predictor.turns import Turns

logger = logging.getLogger(__name__)

# One process at a time: it takes its memory next to this one's.
turns = Turns(waiting=3, seconds=5.0)
# What takes longer is sent while it is written, without its length: the router waits 30 s for the first byte.
SECONDS_TO_FINISH = 15.0
SECONDS_BETWEEN_LOOKS = 0.05
BYTES_AT_ONCE = 1 << 16


class Download:
    """The bytes of a result, written by `manage.py result`; `size` is None where that goes on.

    Raises Overloaded where others wait already, ExportsBusy where another file is written for too long, and ExportError
    where it fails before its first byte.
    """

    def __init__(self, job: UUID, format: str) -> None:
        self._held = ExitStack()
        self._held.enter_context(turns.take())
        try:
            wait_for_turn_of_pages(seconds=SECONDS_TO_WAIT)
            self._file = self._held.enter_context(tempfile.TemporaryFile(prefix="mlsite-download-"))  # noqa: SIM115  # It is.
            self._errors = self._held.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # It is.
            command = write_command("result", str(job), "--for-page", "--format", format)
            self._process = subprocess.Popen(command, stdout=self._file, stderr=self._errors)  # noqa: S603  # Our own.
            self._held.callback(self._stop)
            self.size = self._wait()
        except BaseException:
            self._held.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        place = 0
        while True:
            is_over = self._process.poll() is not None
            piece = os.pread(self._file.fileno(), BYTES_AT_ONCE, place)
            if piece:
                place += len(piece)
                yield piece
            elif is_over:
                break
            else:
                time.sleep(SECONDS_BETWEEN_LOOKS)
        if self._process.returncode:
            # The response ends early, so that the browser does not take it for whole.
            raise ExportError(self._read_problem())

    def close(self) -> None:
        self._held.close()

    def _wait(self) -> int | None:
        until = time.monotonic() + SECONDS_TO_FINISH
        while self._process.poll() is None and time.monotonic() < until:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        if self._process.returncode:
            raise ExportError(self._read_problem())
        return None if self._process.returncode is None else os.fstat(self._file.fileno()).st_size

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _read_problem(self) -> str:
        self._errors.seek(0)
        problem = read_problem(self._errors.read())
        logger.warning("a result was not written: %s", problem or "without a word")
        return problem or _("The result could not be written: see the log.")
