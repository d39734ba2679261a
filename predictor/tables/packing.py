"""Unpacks a table from a gzip file, or from a zip archive with one table in it."""

import gzip
import io
import lzma
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from predictor.exceptions import DatasetError
from predictor.formats import format_number
from predictor.tables.content import Content
from predictor.texts import list_names, make_printable, take_first_line

# A few kB can unpack to any size, and a table has to fit into memory.
MOST_UNPACKED_BYTES = 1 << 30
CHUNK = 1 << 20
GZIP_MARK = b"\x1f\x8b"
# The first begins an archive with files, the second an empty one.
ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
TABLE_ENDINGS = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".xlsx")
# What office programs pack their documents with; only an .xlsx workbook has the second one.
OFFICE_FILES, WORKBOOK = {"[Content_Types].xml", "mimetype"}, "xl/workbook.xml"
DAMAGES = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError)
SAVE_AS_CSV = "save the one sheet as .xlsx or as “CSV UTF-8”"


def open_content(file: Path, folder: Path | None = None, name: str = "") -> Content:
    """Find the bytes of a table, where it is packed unpacked into `folder`, or memory. A workbook stays as it is.

    Errors call it by `name`, else by its path.
    Raises OSError where the file cannot be opened, and DatasetError where it cannot be unpacked.
    """
    name = name or str(file)
    with file.open("rb") as stream:
        mark = stream.read(4)
        stream.seek(0)
        try:
            if mark.startswith(GZIP_MARK):
                with gzip.open(stream) as packed:
                    return _unpack(Content(name=name, file=file, packing=".gz"), packed, folder)
            if mark in ZIP_MARKS:
                return _open_zip(Content(name=name, file=file), stream, folder)
        except DAMAGES as error:
            raise DatasetError(f"{name} cannot be unpacked: {take_first_line(error).rstrip('.')}.") from error
    return Content(name=name, file=file)


def _open_zip(content: Content, stream: BinaryIO, folder: Path | None) -> Content:
    with zipfile.ZipFile(stream) as archive:
        if WORKBOOK in archive.namelist():
            return content
        member = _find_table(content.name, archive.infolist())
        if member.flag_bits & 1:
            raise DatasetError(f"{content.name} is protected by a password: unpack it first.")
        if member.file_size > MOST_UNPACKED_BYTES:
            raise _refuse_size(content)
        with archive.open(member) as packed:
            unpacked = _unpack(replace(content, packing=".zip"), packed, folder)
    return replace(unpacked, name=f"{content.name}: {make_printable(member.filename)}")


def _find_table(file: str, members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    """Find the one table; notes next to it, and what macOS adds, do not count."""
    if OFFICE_FILES & {member.filename for member in members}:
        raise DatasetError(f"{file} is a spreadsheet or another document: {SAVE_AS_CSV}.")
    files = [member for member in members if not member.is_dir() and not _is_hidden(member.filename)]
    tables = [member for member in files if member.filename.lower().endswith(TABLE_ENDINGS)]
    found = files if len(files) == 1 else tables
    if len(found) != 1:
        names = list_names([member.filename for member in found or files]) or "nothing"
        raise DatasetError(f"{file} must contain one table, and contains {names}: unpack it, and use one of its files.")
    return found[0]


def is_workbook(content: Content) -> bool:
    """Whether an archive is an .xlsx workbook."""
    try:
        with content.open() as stream, zipfile.ZipFile(stream) as archive:
            return WORKBOOK in archive.namelist()
    except DAMAGES:
        return False


def _is_hidden(name: str) -> bool:
    return any(part == "__MACOSX" or part.startswith(".") for part in PurePosixPath(name).parts)


def _unpack(content: Content, packed: IO[bytes] | gzip.GzipFile, folder: Path | None) -> Content:
    if folder is not None:
        file = folder / "unpacked"
        with file.open("wb") as unpacking:
            _copy(content, packed, unpacking)
        return replace(content, file=file)
    # Once to know the size, which needs no memory, and then once more.
    _copy(content, packed, io.BytesIO(), keep=False)
    packed.seek(0)
    unpacked = io.BytesIO()
    _copy(content, packed, unpacked)
    return replace(content, unpacked=unpacked.getvalue())


def _copy(content: Content, packed: IO[bytes] | gzip.GzipFile, to: IO[bytes], *, keep: bool = True) -> None:
    size = 0
    while chunk := packed.read(CHUNK):
        size += len(chunk)
        if size > MOST_UNPACKED_BYTES:
            raise _refuse_size(content)
        if keep:
            to.write(chunk)


def _refuse_size(content: Content) -> DatasetError:
    limit = format_number(MOST_UNPACKED_BYTES)
    return content.error(f"unpacks to more than {limit} bytes, the limit for packed files: unpack it first")
