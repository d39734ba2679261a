"""What is known of a table before its rows are answered."""

from typing import Literal

import msgspec

from predictor.formats import format_number
from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.problems import Problem
from predictor.texts import quote

Trouble = Literal[
    "empty",
    "no_rows",
    "wrong_type",
    "packed",
    "json_lines",
    "no_inputs",
    "missing",
    "too_many_rows",
    "large_groups",
    "too_heavy",
    "unreadable",
]
SENTENCES: dict[Trouble, str] = {
    "empty": _("The file is empty: write the names of the columns in its first line, and the rows below."),
    "no_rows": _("The file has a first line with the names of the columns, but no rows below it."),
    "wrong_type": _("The file is not a table that can be read here: save it as CSV, Parquet or Excel (.xlsx)."),
    "packed": _("The file is packed: unpack it, and upload the table that is in it, as CSV, Parquet or Excel (.xlsx)."),
    "json_lines": _("JSON lines are not read here: save them as CSV or Parquet."),
    "no_inputs": _("No column has the name of an input. The first line must name the columns; it has {columns}."),
    "missing": _("Columns that the model needs are missing: {columns}."),
    "too_many_rows": _("An Excel file may have at most {limit} rows here: save it as CSV or Parquet."),
    "large_groups": _(
        "A row group of the file takes more than {limit} MB unpacked: write it anew with smaller ones, in pandas by"
        " df.to_parquet(name, row_group_size=50_000)."
    ),
    "too_heavy": _(
        "The file takes too much memory or time to read: leave out columns that the model does not need,"
        " save it as CSV, or divide it."
    ),
    "unreadable": _("The file cannot be read."),
}


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the table, with its first value."""

    name: str
    example: str


class RowProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a row, counted from 1, has no answer: by an input, or where it is no row at all, by a sentence."""

    row: int
    field: str = ""
    problem: Problem | None = None
    sentence: str = ""


class FilePreview(msgspec.Struct, frozen=True, kw_only=True):
    """A table's columns in their order, and what its first `checked` rows are like, of which `refused` have problems.

    `rows` is a count where all rows were read, or the file says it; else it is an estimate. `missing` are the inputs
    without a column; `renamed` are the names of added columns whose usual one the table has already.
    """

    format: Literal["csv", "parquet", "xlsx"]
    columns: list[Column]
    missing: list[str]
    rows: int
    is_exact: bool
    checked: int
    refused: int
    problems: list[RowProblem]
    renamed: list[str] = []


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a file cannot be scored: a code, the columns that matter and, for what is unreadable, a sentence."""

    trouble: Trouble
    columns: list[str] = []
    limit: int = 0
    detail: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One of both."""

    preview: FilePreview | None = None
    refusal: Refusal | None = None


def write_refusal(refusal: Refusal) -> str:
    """Why a file cannot be scored, in a sentence of the current language."""
    values = {"columns": ", ".join(map(quote, refusal.columns)), "limit": format_number(refusal.limit)}
    return gettext(SENTENCES[refusal.trouble]).format(**values)
