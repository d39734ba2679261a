"""Assembles a request from its pieces, without a thread that waits for the rest."""

import re
import time
from dataclasses import dataclass, field

from gunicorn.util import split_request_uri

from mlsite.arrival import MOST_HEAD_BYTES, SECONDS_OF_GRACE, Allowance, find_allowance, make_measured
from mlsite.chunks import Chunks, MalformedChunks
from mlsite.uploads import Upload

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n", re.IGNORECASE)
EXPECTATION = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


@dataclass(kw_only=True, eq=False)
class Arrival:
    """What has arrived of a request, since when, and its `size` in bytes, which is None until that is known.

    Only gunicorn's parser validates the request. A request that it will refuse, and a body larger than allowed, need
    not arrive in full. A file goes to the disk, and then `data` is the head, and what follows the body.
    """

    since: float = field(default_factory=time.monotonic)
    data: bytearray = field(default_factory=bytearray)
    size: int | None = None
    allowance: Allowance | None = None
    chunks: Chunks | None = None
    upload: Upload | None = None
    expects_continue: bool = False

    @property
    def received(self) -> int:
        return len(self.data) + (self.upload.received if self.upload else 0)

    @property
    def is_complete(self) -> bool:
        return self.size is not None and self.received >= self.size

    def take(self, piece: bytes) -> None:
        if not self.data:
            self.since = time.monotonic()
        if self.upload is not None:
            self._take_upload(self.upload, piece)
            return
        searched = max(0, len(self.data) - len(HEAD_END) + 1)
        self.data += piece
        if self.chunks is not None:
            self._take_chunks(self.chunks, piece)
        elif self.size is None:
            end = self.data.find(HEAD_END, searched)
            if end >= 0:
                self._read_head(end + len(HEAD_END))
            elif len(self.data) > MOST_HEAD_BYTES:
                self.size = 0

    def is_late(self, now: float) -> bool:
        """Whether it has begun and arrives below its minimum rate."""
        rate = self.allowance.bytes_a_second if self.allowance else MOST_HEAD_BYTES
        return bool(self.data) and now - self.since > SECONDS_OF_GRACE + self.received / rate

    def _read_head(self, end: int) -> None:
        head = bytes(self.data[:end])
        self.allowance = find_allowance(read_path(head))
        found = LENGTH.search(head)
        if found is None and CHUNKED.search(head) and not self.allowance.is_upload:
            self.chunks = Chunks(self.allowance.most_bytes)
            self._take_chunks(self.chunks, bytes(self.data[end:]))
        else:
            self._take_measured(int(found[1]) if found else 0, end)
        self.expects_continue = not self.is_complete and EXPECTATION.search(head) is not None

    def _take_measured(self, length: int, end: int) -> None:
        body = make_measured(length, self.allowance) if self.allowance else None
        self.size = end if body is None else end + length
        if isinstance(body, Upload):
            self.upload, begun = body, bytes(self.data[end:])
            del self.data[end:]
            self._take_upload(body, begun)

    def _take_upload(self, upload: Upload, piece: bytes) -> None:
        upload.take(piece)
        if upload.is_over:
            self.data += upload.rest
            upload.rest.clear()

    def _take_chunks(self, chunks: Chunks, piece: bytes) -> None:
        """Decode them only to see where they end: the thread that answers decodes them again."""
        try:
            chunks.take(piece)
        except MalformedChunks:
            self.size = len(self.data)
        if chunks.is_over:
            self.size = len(self.data)


def read_path(head: bytes) -> str:
    """The path as gunicorn's parser will read it; empty where it will refuse the request."""
    words = head.partition(b"\r\n")[0].split(b" ")
    try:
        # Checked with gunicorn 27.0.1 (tests/test_insides.py).
        return str(split_request_uri(words[1].decode("latin-1")).path)
    except (IndexError, ValueError):
        return ""
