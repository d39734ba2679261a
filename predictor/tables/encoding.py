"""Distinguishes text from binary, and decodes what programs and spreadsheets write."""

import codecs

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
        before = data[: error.start]
        line = (before.count(b"\n") or before.count(b"\r")) + 1
        problem = f"byte {data[error.start]:#04x} is not text in {encoding.upper()}: save the table as “CSV UTF-8”"
        raise content.error(problem, line=line) from error


def _refuse_binary(content: Content, data: bytes) -> DatasetError:
    problem = "a NUL byte, so the file is binary and not a table: save it as “CSV UTF-8”"
    return content.error(problem, line=data.count(b"\n", 0, data.index(0)) + 1)
