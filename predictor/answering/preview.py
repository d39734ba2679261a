"""Reads the first rows of a table: `python -m predictor.answering.preview FILE NAME MOST_XLSX_ROWS`.

It reads a schema as JSON from standard input, and writes a `Found` as JSON. Nothing else runs here: see `bare_process`.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from predictor.bare_process import limit_resources
from predictor.record.file_preview import Column, FilePreview, Found, Refusal, RowProblem

if TYPE_CHECKING:
    from predictor.problems import Problem
    from predictor.schema.columnar import ParsedColumns
    from predictor.schema.schema import Schema
    from predictor.tables.part import Part

MOST_MEMORY = 320 << 20
MOST_SECONDS = 20
ROWS = 1_000
MOST_PROBLEMS = 20
BLOCK = 1 << 20


def preview_file(file: Path, name: str, schema: "Schema", most_xlsx_rows: int) -> Found:
    """Say what a table's columns are and what is wrong with its first rows, or why it cannot be scored."""
    from predictor.exceptions import DatasetError, LargeRowGroup
    from predictor.tables.parquet_footer import MOST_BYTES_OF_A_ROW_GROUP
    from predictor.tables.parts import read_parts

    found = _find_format(file, name)
    if isinstance(found, Refusal):
        return Found(refusal=found)
    try:
        with tempfile.TemporaryDirectory() as folder:
            _format, columns, rows, parts = read_parts(
                file, ROWS, Path(folder), name=name, most_bytes_of_a_row_group=MOST_BYTES_OF_A_ROW_GROUP
            )
            if refusal := compare(schema, list(columns)):
                return Found(refusal=refusal)
            part = next(parts, None)
            is_whole = next(parts, None) is None
    except LargeRowGroup as error:
        limit = MOST_BYTES_OF_A_ROW_GROUP // 1_000_000
        return Found(refusal=Refusal(trouble="large_groups", limit=limit, detail=str(error)))
    except DatasetError as error:
        return Found(refusal=Refusal(trouble="unreadable", detail=str(error)))
    if part is None:
        return Found(refusal=Refusal(trouble="no_rows"))
    if found == "xlsx" and rows > most_xlsx_rows:
        return Found(refusal=Refusal(trouble="too_many_rows", limit=most_xlsx_rows))
    # Lines of CSV may be blank, or parts of a row.
    is_exact = is_whole or found != "csv"
    rows = len(part) if is_whole else max(len(part), rows)
    return Found(preview=_describe(schema, part, format=found, rows=rows, is_exact=is_exact))


def _find_format(file: Path, name: str) -> Any:
    """The format of a file that can be scored in pieces, or why it is none."""
    from predictor.exceptions import DatasetError
    from predictor.tables.content import Content
    from predictor.tables.marks import find_format
    from predictor.tables.packing import GZIP_MARK, ZIP_MARKS, is_workbook

    content = Content(name=name, file=file)
    with content.open() as stream:
        start = stream.read(BLOCK)
    if not start.strip():
        return Refusal(trouble="empty")
    # A packed table is not unpacked here: it may be of any size.
    if start.startswith(GZIP_MARK) or (start.startswith(ZIP_MARKS) and not is_workbook(content)):
        return Refusal(trouble="wrong_type" if name.lower().endswith(".xlsx") else "packed")
    try:
        format = find_format(content)
    except DatasetError as error:
        return Refusal(trouble="wrong_type", detail=str(error))
    if format == "jsonl":
        return Refusal(trouble="json_lines")
    if format == "csv" and b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Refusal(trouble="wrong_type")
    return format


def compare(schema: "Schema", columns: list[str]) -> Refusal | None:
    """Why a table with these columns cannot be scored."""
    if not columns:
        return Refusal(trouble="empty")
    needed = [feature.name for feature in schema.features if feature.required and feature.name not in columns]
    if not set(columns) & schema.by_name.keys():
        return Refusal(trouble="no_inputs", columns=columns[:MOST_PROBLEMS])
    return Refusal(trouble="missing", columns=needed) if needed else None


def _describe(schema: "Schema", part: "Part", *, format: Any, rows: int, is_exact: bool) -> FilePreview:
    from predictor.answering.table import name_added
    from predictor.schema.columnar import parse_columns
    from predictor.tables.part import write_plainly
    from predictor.texts import shorten

    names = part.frame.columns
    added = name_added(schema, names, history=True)
    columns = {each.name: part.get_cells(each) for each in schema.features if each.name in names}
    parsed = parse_columns(schema, columns, len(part))
    examples = (write_plainly(name, part.frame[name]).drop_nulls().head(1).to_list() for name in names)
    refused = parsed.problems.keys() | part.problems.keys()
    return FilePreview(
        format=format,
        columns=[Column(name=name, example=shorten(str(*each))) for name, each in zip(names, examples, strict=True)],
        missing=[each.name for each in schema.features if each.name not in names],
        rows=rows,
        is_exact=is_exact,
        checked=len(part),
        refused=len(refused),
        problems=list_problems(parsed, part.problems),
        renamed=[name for column, name in added.items() if name != column],
    )


def list_problems(parsed: "ParsedColumns", wrong: dict[int, str]) -> list[RowProblem]:
    """The first problems, by row."""
    problems = []
    for row in sorted(parsed.problems.keys() | wrong.keys()):
        if row in wrong:
            problems.append(RowProblem(row=row + 1, sentence=wrong[row]))
            continue
        for field, problem in parsed.problems[row].items():
            problems.append(RowProblem(row=row + 1, field=field, problem=_make_storable(problem)))
    return problems[:MOST_PROBLEMS]


def _make_storable(problem: "Problem") -> "Problem":
    """A problem with a number as a text: JSON has no infinity, and PostgreSQL writes 1e300 out."""
    import msgspec

    from predictor.schema.values import write_value

    given = problem.given
    return msgspec.structs.replace(problem, given=write_value(given)) if isinstance(given, float) else problem


def main() -> None:
    limit_resources(memory=MOST_MEMORY, seconds=MOST_SECONDS)
    os.nice(10)  # Visitors' forms come first.
    import msgspec
    import polars as pl

    from predictor.schema.schema import Schema

    schema = Schema.from_json(msgspec.json.decode(sys.stdin.buffer.read()))
    try:
        found = preview_file(Path(sys.argv[1]), sys.argv[2], schema, int(sys.argv[3]))
    except (MemoryError, pl.exceptions.PanicException):
        found = Found(refusal=Refusal(trouble="too_heavy"))
    except pl.exceptions.PolarsError as error:
        found = Found(refusal=Refusal(trouble="unreadable", detail=str(error).splitlines()[0]))
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
