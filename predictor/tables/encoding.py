"""Distinguishes text from binary, and decodes what programs and spreadsheets write."""

import codecs
import io
from pathlib import Path

from predictor.exceptions import DatasetError
from predictor.tables.content import Content
from predictor.tables.marks import UTF_16_MARKS

CHUNK = 1 << 18


def is_plain(content: Content) -> tuple[bool, bool]:
    """Whether the file is UTF-8 with lines that end in LF or CRLF, and whether it contains a quote.

    It is read in chunks, so that it need not fit into memory. Raises DatasetError for binary content.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, has_quotes, has_lone_cr = True, False, False
    with content.open() as stream:
        if stream.read(2) in UTF_16_MARKS:
            return False, True
        stream.seek(0)
        while chunk := stream.read(CHUNK):
            # The next byte distinguishes a lone CR from a CRLF.
            chunk += stream.read(1) if chunk.endswith(b"\r") else b""
            if b"\0" in chunk:
                raise _refuse_binary(content, content.read_bytes())
            has_quotes = has_quotes or b'"' in chunk
            has_lone_cr = has_lone_cr or (b"\r" in chunk and chunk.count(b"\r") > chunk.count(b"\r\n"))
            is_utf8 = is_utf8 and _continues_utf8(decoder, chunk)
    return is_utf8 and not decoder.getstate()[0] and not has_lone_cr, has_quotes


def read_text(content: Content) -> str:
    """Decode a file that is not plain, with "\\n" for every line end.

    What is not UTF-8 is Windows-1252, which includes Latin-1. A file with UTF-8 beyond ASCII in some places only is
    damaged, and refused, since half of its letters would be read wrongly.
    """
    data = content.read_bytes()
    if data.startswith(UTF_16_MARKS):
        text = _decode(content, data, "utf-16")
    elif _is_utf8(data):
        text = data.decode("utf-8-sig")
    elif data.decode("utf-8", errors="ignore").isascii():
        text = _decode(content, data, "cp1252")
    else:
        text = _decode(content, data, "utf-8")
    if "\0" in text:
        raise _refuse_binary(content, text.encode())
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode_into(content: Content, file: Path) -> None:
    """Write a file that is not plain to another one as UTF-8, as `read_text` reads it, but chunk by chunk."""
    encoding = _find_encoding(content)
    decoder = codecs.getincrementaldecoder(encoding)()
    ends, line = io.IncrementalNewlineDecoder(None, translate=True), 1
    with content.open() as stream, file.open("w", encoding="utf-8", newline="") as decoded:
        is_last = False
        while not is_last:
            chunk = stream.read(CHUNK)
            is_last = not chunk
            try:
                text = ends.decode(decoder.decode(chunk, final=is_last), final=is_last)
            except UnicodeDecodeError as error:
                raise _refuse_byte(content, error, encoding, line) from error
            if "\0" in text:
                raise _refuse_binary(content, text.encode(), line)
            line += text.count("\n")
            decoded.write(text)


def _find_encoding(content: Content) -> str:
    """The encoding as `read_text` finds it, with two decoders over one pass."""
    strict, lenient = (codecs.getincrementaldecoder("utf-8")(errors) for errors in ("strict", "ignore"))
    is_utf8, is_ascii = True, True
    with content.open() as stream:
        if stream.read(2) in UTF_16_MARKS:
            return "utf-16"
        stream.seek(0)
        while chunk := stream.read(CHUNK):
            is_utf8 = is_utf8 and _continues_utf8(strict, chunk)
            is_ascii = is_ascii and lenient.decode(chunk).isascii()
    if is_utf8 and not strict.getstate()[0]:
        return "utf-8-sig"
    return "cp1252" if is_ascii else "utf-8"


def _continues_utf8(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    """Whether the next chunk is UTF-8; most chunks are ASCII, which is much faster to check."""
    if chunk.isascii() and not decoder.getstate()[0]:
        return True
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decode(content: Content, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _refuse_byte(content, error, encoding) from error


def _refuse_byte(content: Content, error: UnicodeDecodeError, encoding: str, line: int = 1) -> DatasetError:
    """Refuse what was decoded from this line on."""
    before = error.object[: error.start]
    line += before.count(b"\n") or before.count(b"\r")
    problem = f"byte {error.object[error.start]:#04x} is not text in {encoding.upper()}: save the table as “CSV UTF-8”"
    return content.error(problem, line=line)


def _refuse_binary(content: Content, data: bytes, line: int = 1) -> DatasetError:
    problem = "a NUL byte, so the file is binary and not a table: save it as “CSV UTF-8”"
    return content.error(problem, line=line + data.count(b"\n", 0, data.index(0)))
