"""Reads JSON lines: one object a line, whose keys are the columns."""

import json
from collections.abc import Iterable
from typing import Any, NoReturn

import polars as pl

from predictor.tables.content import Content
from predictor.texts import take_first_line

EXAMPLE = '{"area": 52.5, "town": "Ulm"}'


def read_json_lines(content: Content, text: bytes) -> pl.DataFrame:
    """Read `text`, in UTF-8, with the types that JSON gives; a key that a line lacks is missing there.

    Raises DatasetError naming the file and the line.
    """
    try:
        return pl.read_ndjson(text, infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        check_lines(content, text.split(b"\n"))
        raise content.error(f"cannot be read as JSON lines: {take_first_line(error).rstrip('.')}") from error


def check_lines(content: Content, lines: Iterable[bytes]) -> None:
    """Raise DatasetError for the first line that is not an object, or has a value that fits no column."""
    firsts: dict[str, Any] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_refuse_constant)
        except ValueError as error:
            problem = f"this is not JSON ({error}): write one object a line, such as {EXAMPLE}"
            raise content.error(problem, line=number) from error
        if not isinstance(row, dict):
            raise content.error(f"this is not an object: write one a line, such as {EXAMPLE}", line=number)
        for name, value in row.items():
            misfit = None if value is None else _find_misfit(value, firsts.setdefault(name, value))
            if misfit:
                raise content.error(f"column {name!r}: {misfit}", line=number)


def _find_misfit(value: Any, first: Any) -> str | None:
    """Say why a value fits no cell, or not the column whose first value is given."""
    if isinstance(value, dict | list):
        kind = "an object" if isinstance(value, dict) else "a list"
        return f"it contains {kind}, and a cell can only hold one value: split the column or leave it out"
    if isinstance(value, bool) != isinstance(first, bool):
        return f"it contains {json.dumps(first)} and {json.dumps(value)}: write true and false only, or neither"
    return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a value in JSON, write null")
