"""Distinguishes text from binary, and decodes what programs and spreadsheets write."""

import codecs
from pathlib import Path
from typing import BinaryIO

from predictor.exceptions import DatasetError

CHUNK = 1 << 18
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
NOT_TEXT = {
    b"PK\x03\x04": "is a spreadsheet or an archive: save the one sheet as “CSV UTF-8”",
    b"\xd0\xcf\x11\xe0": "is an old spreadsheet: save the one sheet as “CSV UTF-8”",
    b"\x1f\x8b": "is compressed: unpack it first, with gunzip",
    b"\x28\xb5\x2f\xfd": "is compressed: unpack it first, with unzstd",
    b"BZh": "is compressed: unpack it first, with bunzip2",
    b"\xfd7zXZ": "is compressed: unpack it first, with unxz",
}


def is_plain(file: Path) -> tuple[bool, bool]:
    """Whether the file is UTF-8 with lines that end in LF or CRLF, and whether it contains a quote.

    It is read in chunks, so that it need not fit into memory. Raises DatasetError for binary content.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, has_quotes, has_lone_cr = True, False, False
    with file.open("rb") as stream:
        _check_start(file, stream)
        if stream.read(2) in UTF_16_MARKS:
            return False, True
        stream.seek(0)
        while chunk := stream.read(CHUNK):
            # The next byte distinguishes a lone CR from a CRLF.
            chunk += stream.read(1) if chunk.endswith(b"\r") else b""
            if b"\0" in chunk:
                raise _refuse_binary(file, file.read_bytes())
            has_quotes = has_quotes or b'"' in chunk
            has_lone_cr = has_lone_cr or (b"\r" in chunk and chunk.count(b"\r") > chunk.count(b"\r\n"))
            is_utf8 = is_utf8 and _continues_utf8(decoder, chunk)
    return is_utf8 and not decoder.getstate()[0] and not has_lone_cr, has_quotes


def read_text(file: Path) -> str:
    """Decode a file that is not plain, with "\\n" for every line end.

    What is not UTF-8 is Windows-1252, which includes Latin-1. A file with UTF-8 beyond ASCII in some places only is
    damaged, and refused, since half of its letters would be read wrongly.
    """
    content = file.read_bytes()
    if content.startswith(UTF_16_MARKS):
        text = _decode(file, content, "utf-16")
    elif _is_utf8(content):
        text = content.decode("utf-8-sig")
    elif content.decode("utf-8", errors="ignore").isascii():
        text = _decode(file, content, "cp1252")
    else:
        text = _decode(file, content, "utf-8")
    if "\0" in text:
        raise _refuse_binary(file, text.encode())
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


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decode(file: Path, content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = (before.count(b"\n") or before.count(b"\r")) + 1
        problem = f"byte {content[error.start]:#04x} is not text in {encoding.upper()}: save the table as “CSV UTF-8”"
        raise DatasetError(f"{file}, line {line}: {problem}.") from error


def _check_start(file: Path, stream: BinaryIO) -> None:
    start = stream.read(max(map(len, NOT_TEXT)))
    stream.seek(0)
    for mark, problem in NOT_TEXT.items():
        if start.startswith(mark):
            raise DatasetError(f"{file} {problem}.")


def _refuse_binary(file: Path, content: bytes) -> DatasetError:
    problem = "a NUL byte, so the file is binary and not a table: save it as “CSV UTF-8”"
    line = content.count(b"\n", 0, content.index(0)) + 1
    return DatasetError(f"{file}, line {line}: {problem}.")
