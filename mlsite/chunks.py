"""Decodes a body that is sent in chunks, piece by piece as it arrives (RFC 9112, section 7.1).

gunicorn's own decoder waits for the rest of each chunk, which neither worker can do.
"""

import io
import re
from collections.abc import Callable

from predictor.exceptions import MlsiteError

SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t -~\x80-\xff]*)?")
TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*")
END = b"\r\n"
MOST_LINE_BYTES = 512
# Sizes of chunks and trailers: a body that is cut into single bytes would take far longer to decode than to send.
MOST_LINES = 10_000


class MalformedChunks(MlsiteError):
    """A body is not in chunks, although its head says so."""


class Chunks:
    """A body in chunks: `rest` is what was taken and not decoded yet; once it is complete, what follows the body."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.body, self.rest = bytearray(), bytearray()
        self.is_complete = False
        self._left = 0
        self._lines = 0
        self._read: Callable[[int], int] = self._read_size

    @property
    def size(self) -> int:
        """The size of the body, as far as it is announced."""
        return len(self.body) + self._left

    @property
    def missing(self) -> int:
        """How many bytes are missing at least."""
        return self._left or 1

    @property
    def is_over(self) -> bool:
        """Whether no more is to be taken: it is complete, or too large."""
        return self.is_complete or self.size > self.most_bytes

    def open(self) -> io.BytesIO:
        return io.BytesIO(self.body)

    def take(self, piece: bytes) -> None:
        """Decode one more piece; raise MalformedChunks."""
        self.rest += piece
        start = 0
        while not self.is_over and (end := self._read(start)) > start:
            start = end
        del self.rest[:start]

    def _read_size(self, start: int) -> int:
        """Each of these reads one part at `start` and returns where that ends: at `start` where more must arrive."""
        line, end = self._read_line(start)
        if line is None:
            return start
        found = SIZE.fullmatch(line)
        if found is None:
            raise MalformedChunks("a chunk does not begin with its size in hexadecimal digits and CRLF")
        self._left = int(found[1], 16)
        self._read = self._read_data if self._left else self._read_trailer
        return end

    def _read_data(self, start: int) -> int:
        piece = self.rest[start : start + self._left]
        self.body += piece
        self._left -= len(piece)
        if not self._left:
            self._read = self._read_end
        return start + len(piece)

    def _read_end(self, start: int) -> int:
        found = self.rest[start : start + len(END)]
        if not END.startswith(found):
            raise MalformedChunks("a chunk is not as long as it says, or not followed by CRLF")
        if found != END:
            return start
        self._read = self._read_size
        return start + len(END)

    def _read_trailer(self, start: int) -> int:
        line, end = self._read_line(start)
        if line is None:
            return start
        if line and not TRAILER.fullmatch(line):
            raise MalformedChunks("what follows the last chunk is neither a trailer nor an empty line")
        self.is_complete = not line
        return end

    def _read_line(self, start: int) -> tuple[bytes | None, int]:
        """A line without its end, and where the next one begins; None where it has not arrived."""
        end = self.rest.find(END, start, start + MOST_LINE_BYTES + len(END))
        if end < 0:
            if len(self.rest) - start > MOST_LINE_BYTES:
                raise MalformedChunks(f"a chunk has a line of more than {MOST_LINE_BYTES} bytes")
            return None, start
        self._lines += 1
        if self._lines > MOST_LINES:
            raise MalformedChunks(f"the body has more than {MOST_LINES:,} chunks: send larger ones")
        return bytes(self.rest[start:end]), end + len(END)
