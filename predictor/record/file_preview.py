"""What is known of a table before its rows are answered."""

from typing import Literal

import msgspec

from predictor.problems import Problem

Trouble = Literal[
    "empty", "no_rows", "wrong_type", "no_inputs", "missing", "too_many_rows", "large_groups", "too_heavy", "unreadable"
]


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
