"""Keeps files in the database in chunks of 1 MiB: nothing here holds a whole file in memory."""

import hashlib
import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, BinaryIO, Self
from uuid import UUID

import django.db
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Length
from django.utils import timezone

from predictor.exceptions import DatasetError, FileGone, NoSpace
from predictor.models import Job, KeptChunk, KeptFile
from predictor.moments import read_duration

MEGABYTE = 1_000_000
BYTES_OF_A_CHUNK = 1 << 20
# How long a file that is being written stays without another chunk.
TIME_FOR_A_CHUNK = timedelta(hours=1)
CHUNKS_IN_A_TRANSACTION = 16
LONGEST_NAME = 200
# The kind of a job that looks into a table; that of `jobs.DRAFT`.
LOOK = "draft"


class FileWriter:
    """Keeps what is written to it; each MiB is committed as it comes.

    A file that is not finished is removed at the end of the block or, where its process was killed, an hour after its
    last chunk. Raises NoSpace.
    """

    def __init__(self, *, name: str, made_by: str, expires: datetime | None, media_type: str = "") -> None:
        """`expires` is when the finished file is deleted, as by `find_expiry()`; None is never."""
        last = name.replace("\\", "/").rpartition("/")[2].strip() or "file"
        self.file = KeptFile(name=last[-LONGEST_NAME:], made_by=made_by[:150], media_type=media_type[:100])
        self._expires = expires
        self._waiting, self._chunks, self._sha256 = bytearray(), 0, hashlib.sha256()

    def __enter__(self) -> Self:
        self.file.expires_at = timezone.now() + TIME_FOR_A_CHUNK
        self.file.save(force_insert=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self.file.is_whole:
            # Where the database is away, its time runs out.
            with suppress(django.db.Error):
                remove(self.file)

    def write(self, data: bytes) -> int:
        self._waiting += data
        while len(self._waiting) >= BYTES_OF_A_CHUNK:
            self._commit(bytes(self._waiting[:BYTES_OF_A_CHUNK]))
            del self._waiting[:BYTES_OF_A_CHUNK]
        return len(data)

    def finish(self) -> KeptFile:
        if self._waiting:
            self._commit(bytes(self._waiting))
            self._waiting.clear()
        self.file.sha256, self.file.is_whole, self.file.expires_at = self._sha256.hexdigest(), True, self._expires
        self.file.save(update_fields=["sha256", "is_whole", "expires_at"])
        return self.file

    def _commit(self, content: bytes) -> None:
        check_space(len(content))
        with transaction.atomic():
            KeptChunk.objects.create(file=self.file, number=self._chunks, content=content)
            self.file.size += len(content)
            self.file.expires_at = timezone.now() + TIME_FOR_A_CHUNK
            self.file.save(update_fields=["size", "expires_at"])
        self._chunks += 1
        self._sha256.update(content)


class _Reader(io.RawIOBase):
    """Reads a kept file from any place, one chunk a query."""

    def __init__(self, file: KeptFile) -> None:
        chunks = KeptChunk.objects.filter(file=file).order_by("number")
        sizes = list(chunks.values_list(Length("content"), flat=True))
        self._file, self._starts = file, [0, *accumulate(sizes)]
        self._place, self._number, self._content = 0, -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = max(0, offset + (0, self._place, self._starts[-1])[whence])
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        if self._place >= self._starts[-1]:
            return 0
        number = bisect_right(self._starts, self._place) - 1
        if number != self._number:
            self._content, self._number = _read_chunk(self._file, number), number
        begin = self._place - self._starts[number]
        taken = self._content[begin : begin + len(buffer)]
        buffer[: len(taken)] = taken
        self._place += len(taken)
        return len(taken)


def open_kept(file: KeptFile) -> BinaryIO:
    """A kept file to read from, at any place, with one query a chunk. Raises FileGone, also while it is read."""
    _check_whole(file)
    return io.BufferedReader(_Reader(file))


def iterate(file: KeptFile) -> Iterator[bytes]:
    """The chunks of a kept file, with one query each. Raises FileGone."""
    _check_whole(file)
    for number in range(file.chunks.count()):
        yield _read_chunk(file, number)


def spool(file: KeptFile, to: Path) -> None:
    """Write a kept file to the disk, for readers that need a path.

    Raises FileGone, and DatasetError for bytes that were changed.
    """
    sha256 = hashlib.sha256()
    with to.open("wb") as spooled:
        for chunk in iterate(file):
            sha256.update(chunk)
            spooled.write(chunk)
    if sha256.hexdigest() != file.sha256:
        raise DatasetError(f"{file.name}: the stored bytes are not those that were uploaded: upload the table again.")


def split(content: bytes) -> list[bytes]:
    """What goes into one chunk each."""
    return [content[start : start + BYTES_OF_A_CHUNK] for start in range(0, len(content), BYTES_OF_A_CHUNK)]


def append(id: str, pieces: Sequence[bytes], number: int) -> None:
    """Add chunks from `number` on to a file that is not whole, in the caller's transaction. Raises NoSpace."""
    size = sum(map(len, pieces))
    check_space(size)
    chunks = [KeptChunk(file_id=id, number=place, content=piece) for place, piece in enumerate(pieces, start=number)]
    KeptChunk.objects.bulk_create(chunks)
    KeptFile.objects.filter(pk=id).update(size=F("size") + size, expires_at=find_expiry())


def _check_whole(file: KeptFile) -> None:
    if not KeptFile.objects.filter(pk=file.pk, is_whole=True).exists():
        raise _describe_gone(file)


def _read_chunk(file: KeptFile, number: int) -> bytes:
    content = file.chunks.filter(number=number).values_list("content", flat=True).first()
    if content is None:
        raise _describe_gone(file)
    return bytes(content)


def _describe_gone(file: KeptFile) -> FileGone:
    return FileGone(f"{file.name} is no longer kept: upload it again")


def find_kept(id: str | UUID) -> KeptFile:
    """A whole file by its id. Raises FileGone."""
    file = KeptFile.objects.filter(pk=id, is_whole=True).first()
    if file is None:
        raise FileGone("the file is no longer kept: upload it again")
    return file


def read_files_kept() -> timedelta:
    """How long files are kept, by FILES_KEPT: days, or as `read_duration` has it. Raises ValueError."""
    text = settings.FILES_KEPT
    return read_duration(f"{text}d" if text.isdecimal() else text)


def name_result(name: str, format: str) -> str:
    """What the answers to a file are called, as a file of this format."""
    return f"{PurePath(name).stem}-scored.{format}"


def find_expiry() -> datetime:
    """When a file that is kept now is deleted."""
    return timezone.now() + read_files_kept()


def measure_space() -> int:
    """The bytes of all files that are kept, with those that are being written."""
    return KeptFile.objects.aggregate(size=Sum("size"))["size"] or 0


def check_space(needed: int) -> None:
    """Raise NoSpace unless so many bytes more fit into FILES_MAX_MB, which writers may pass by a chunk each."""
    taken, most = measure_space(), settings.FILES_MAX_MB * MEGABYTE
    if taken + needed > most:
        raise NoSpace(needed=needed, free=max(0, most - taken), most=most)


def remove(file: KeptFile) -> None:
    """Delete a file in short transactions; from the first on, nobody reads it."""
    KeptFile.objects.filter(pk=file.pk).update(is_whole=False)
    while numbers := list(file.chunks.values_list("number", flat=True)[:CHUNKS_IN_A_TRANSACTION]):
        file.chunks.filter(number__in=numbers).delete()
    KeptFile.objects.filter(pk=file.pk).delete()


def remove_expired() -> int:
    """Delete files whose time is over, and results of jobs that failed or were cancelled; how many there were."""
    has_expired = Q(expires_at__lte=timezone.now())
    is_given_up = Q(is_whole=False, job__state__in=[Job.State.FAILED, Job.State.CANCELLED])
    files = KeptFile.objects.filter(has_expired | is_given_up)
    for file in files:
        remove(file)
        # What was found in a table, which has values of it, goes with it.
        Job.objects.filter(kind=LOOK, arguments__file=str(file.pk)).update(result=None)
    return len(files)
