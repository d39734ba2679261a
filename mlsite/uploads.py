"""Bodies that carry a file: they go to the disk as they arrive, so slow clients hold neither memory nor threads."""

import io
import tempfile
import weakref
from contextlib import suppress
from threading import BoundedSemaphore
from typing import BinaryIO

# At once in one process: each takes as much of the disk as its file.
MOST_AT_ONCE = 8
# A larger file than allowed is still read up to so many times its limit, and dropped: its browser sends all of it
# before it reads the response.
MOST_DROPPED = 4
BUSY = "too many files are arriving"
NO_DISK = "there is no room on the disk"

places = BoundedSemaphore(MOST_AT_ONCE)


class Unreadable(io.BytesIO):
    """A body that did not arrive as its head says: reading it raises an OSError, for the application to answer.

    It does so once: gunicorn reads what the application has left.
    """

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def read(self, size: int | None = -1) -> bytes:
        reason, self.reason = self.reason, ""
        if reason:
            raise OSError(reason)
        return b""


class Spool:
    """A nameless file on the disk, which is gone once it is closed, or nobody holds it."""

    def __init__(self) -> None:
        file = tempfile.TemporaryFile(prefix="mlsite-upload-")  # noqa: SIM115  # It outlives this call.
        self._file: BinaryIO = file
        self.close = weakref.finalize(self, _leave, file)

    def write(self, piece: bytes) -> None:
        self._file.write(piece)

    def rewind(self) -> None:
        self._file.seek(0)

    def read(self, size: int = -1) -> bytes:
        """gunicorn reads what the application has left, also after it was closed."""
        return self._file.read(size) if self.close.alive else b""

    def readline(self, size: int = -1) -> bytes:
        return self._file.readline(size) if self.close.alive else b""


def _leave(file: BinaryIO) -> None:
    with suppress(OSError):  # What is buffered may have no room.
        file.close()
    places.release()


class Upload:
    """A body whose length its head states, on the disk: `rest` is what follows it.

    One larger than `most_bytes` is dropped as it arrives. So is one for which there is no room: reading it raises.
    """

    def __init__(self, size: int, most_bytes: int) -> None:
        self.size, self.received = size, 0
        self.rest = bytearray()
        self._problem = ""
        self._spool = None if size > most_bytes else self._open()

    @property
    def missing(self) -> int:
        return self.size - self.received

    @property
    def is_over(self) -> bool:
        return self.missing <= 0

    def take(self, piece: bytes) -> None:
        own, rest = piece[: self.missing], piece[self.missing :]
        self.received += len(own)
        self.rest += rest
        if self._spool is not None:
            try:
                self._spool.write(own)
            except OSError:
                self._spool.close()
                self._spool, self._problem = None, NO_DISK

    def open(self) -> "Spool | io.BytesIO":
        """The body from its beginning, for the application."""
        if self._spool is None:
            return Unreadable(self._problem) if self._problem else io.BytesIO()
        try:
            self._spool.rewind()
        except OSError:
            return Unreadable(NO_DISK)
        return self._spool

    def drop(self) -> None:
        if self._spool is not None:
            self._spool.close()

    def _open(self) -> Spool | None:
        if not places.acquire(blocking=False):
            self._problem = BUSY
            return None
        try:
            return Spool()
        except OSError:
            places.release()
            self._problem = NO_DISK
            return None


def drop_spool(body: object) -> None:
    """Free the disk once a request was answered; of other bodies nothing."""
    if isinstance(body, Spool):
        body.close()
