"""Reads lines of a CSV file all at once where they need no care: most files have no others."""

import re
from functools import cache

import polars as pl

from predictor.tables.csv_rows import Layout

# What `str.strip` removes, which is more than polars does.
BLANKS = "".join(character for character in map(chr, range(0x3001)) if character.isspace())


def read_plain_rows(lines: bytes, layout: Layout) -> pl.DataFrame | None:
    """The rows of whole lines, one in each, as `csv.reader` has them, in columns of texts.

    None where they are to be read one by one: one has a quote or a line end in a value, another number of values than
    the header, or none.
    """
    width = len(layout.names)
    count = lines.count(b"\n") + (not lines.endswith(b"\n"))
    unquoted = lines if b'"' not in lines else find_quoted(layout.separator).sub(b"", lines)
    if layout.nameless or b'"' in unquoted or unquoted.count(layout.separator.encode()) != count * (width - 1):
        return None
    try:
        table = pl.read_csv(
            lines,
            has_header=False,
            schema=dict.fromkeys(layout.names, pl.String),
            separator=layout.separator,
            quote_char=None if unquoted is lines else '"',
            empty_string_is_null=False,
            extra_columns="raise",
            missing_columns="raise",
        )
    except pl.exceptions.PolarsError:
        return None
    return table if len(table) == count and not _has_blank_row(table) else None


@cache
def find_quoted(separator: str) -> "re.Pattern[bytes]":
    """Matches a whole value in quotes, in one line, that every reader of CSV reads alike."""
    end = re.escape(separator.encode())
    return re.compile(rb'(?<![^\n%b])"(?:[^"\n]++|"")*+"(?=%b|\r?\n|\Z)' % (end, end))


def _has_blank_row(table: pl.DataFrame) -> bool:
    """Whether all cells of a row are blank; most rows have a value in their first one."""
    are_blank = pl.all().str.strip_chars(BLANKS) == ""
    return table[:, :1].select(are_blank.any()).item() and table.select(pl.all_horizontal(are_blank).any()).item()
