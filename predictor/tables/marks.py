"""Recognises by its first bytes what a file is: CSV, Parquet, JSON lines, a workbook, or not a table."""

import codecs
import json
import re
from contextlib import suppress
from typing import Literal

from predictor.tables.content import Content
from predictor.tables.packing import GZIP_MARK, SAVE_AS_CSV, ZIP_MARKS, is_workbook

Format = Literal["csv", "parquet", "jsonl", "xlsx"]
# A line of JSON with thousands of columns is shorter.
START = 1 << 20
PARQUET_MARK = b"PAR1"
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
NO_TABLE = {
    b"\xd0\xcf\x11\xe0": f"is an old spreadsheet, or one with a password: {SAVE_AS_CSV}",
    b"\x28\xb5\x2f\xfd": "is compressed: unpack it first, with unzstd",
    b"BZh": "is compressed: unpack it first, with bunzip2",
    b"\xfd7zXZ": "is compressed: unpack it first, with unxz",
    **dict.fromkeys([GZIP_MARK, *ZIP_MARKS], "is packed twice: unpack it first"),
}
TAR_MARK, TAR_OFFSET = b"ustar", 257
JSON = re.compile(r'\s*(\{\s*["}]|\[\s*[\[{"\]])')
TAGS = "html|head|body|meta|title|link|style|script|table|div|center|font|form|pre|h1|p"
MARKUP = re.compile(rf"\s*<(!doctype|!--|\?xml|({TAGS})[\s/>])", re.IGNORECASE)


def find_format(content: Content) -> Format:
    """Recognise the format; what is none of the others counts as CSV.

    Raises DatasetError, which says what to do, for what is not a table.
    """
    with content.open() as stream:
        start = stream.read(START)
    if start.startswith(PARQUET_MARK):
        return "parquet"
    if start.startswith(ZIP_MARKS) and is_workbook(content):
        return "xlsx"
    for mark, problem in NO_TABLE.items():
        if start.startswith(mark):
            raise content.error(problem)
    if start[TAR_OFFSET:].startswith(TAR_MARK):
        raise content.error("is an archive: unpack it first, with tar")
    text = start.decode("utf-16" if start.startswith(UTF_16_MARKS) else "utf-8-sig", errors="replace")
    if MARKUP.match(text):
        remedy = f"open it in a spreadsheet and {SAVE_AS_CSV}, or download the table itself"
        raise content.error(f"is HTML or XML, such as a web page: {remedy}")
    if not JSON.match(text):
        return "csv"
    if _is_json_lines(text):
        return "jsonl"
    pandas = 'in pandas, df.to_json("data.jsonl", orient="records", lines=True)'
    raise content.error(f"is JSON in one piece: save it as JSON lines, one object a line ({pandas}), or as CSV")


def _is_json_lines(text: str) -> bool:
    """Whether the first two lines begin as objects, or there is one line, an object with a plain value."""
    first, _, rest = text.strip().partition("\n")
    if rest.lstrip().startswith("{"):
        return first.startswith("{")
    with suppress(json.JSONDecodeError):
        row = json.loads(first)
        return isinstance(row, dict) and not all(isinstance(value, dict | list) for value in row.values())
    return False
