"""Reads a table from CSV, Parquet, JSON lines or .xlsx, packed or not; the same rows come out of each."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from predictor.exceptions import DatasetError
from predictor.tables.cells import Gaps, read_cells
from predictor.tables.content import Content
from predictor.tables.csv_file import read_csv
from predictor.tables.encoding import read_text
from predictor.tables.header import check_index, read_names
from predictor.tables.json_lines import read_json_lines
from predictor.tables.marks import Format, find_format
from predictor.tables.packing import open_content
from predictor.tables.xlsx_file import read_xlsx
from predictor.texts import take_first_line


def read_table(file: Path, gaps: Gaps | None = None) -> tuple[pl.DataFrame, str]:
    """Read a file whose content decides its format, and the SHA-256 of its bytes; empty rows are left out.

    Columns are Int, Float64, Boolean or String; what `gaps` names is missing. Raises DatasetError naming the file, the
    line and the column.
    """
    try:
        with file.open("rb") as stream, ThreadPoolExecutor(max_workers=1) as background:
            digest = background.submit(hashlib.file_digest, stream, "sha256")
            content = open_content(file)
            table = READERS[find_format(content)](content, gaps or {})
            sha256 = digest.result().hexdigest()
    except OSError as error:
        raise DatasetError(f"{file} cannot be read: {error.strerror or error}.") from error
    if table[:, -1].null_count():
        table = table.filter(~pl.all_horizontal(pl.all().is_null()))
    if not len(table):
        raise content.error("has a header (line 1) but no rows")
    return table, sha256


def name_ending(file: Path) -> str:
    """The ending of a table's name by its content, such as ".csv" or ".parquet.gz".

    Raises OSError or DatasetError where it is not a table.
    """
    content = open_content(file)
    return f".{find_format(content)}{content.packing}"


def read_parquet(content: Content, gaps: Gaps) -> pl.DataFrame:
    """Read a Parquet file as if it had been saved as CSV; raises DatasetError naming the file and the column."""
    try:
        return _convert(content, pl.read_parquet(content.source, glob=False, hive_partitioning=False), gaps)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise content.error(f"cannot be read as Parquet: {take_first_line(error).rstrip('.')}") from error


def read_jsonl(content: Content, gaps: Gaps) -> pl.DataFrame:
    """Read JSON lines as if they had been saved as CSV; raises DatasetError naming the file, the line, the column."""
    return _convert(content, read_json_lines(content, read_text(content).encode()), gaps)


READERS: dict[Format, Callable[[Content, Gaps], pl.DataFrame]] = {
    "csv": read_csv,
    "parquet": read_parquet,
    "jsonl": read_jsonl,
    "xlsx": read_xlsx,
}


def _convert(content: Content, table: pl.DataFrame, gaps: Gaps) -> pl.DataFrame:
    """Convert a table with types of its own to those of a CSV file's."""
    if not table.columns:
        raise content.error("has no columns")
    names = read_names(content.name, table.columns)
    columns = [write_column(content, name, series) for name, series in zip(names, table, strict=True)]
    read = read_cells(pl.DataFrame(columns), gaps)[0]
    if len(read):
        check_index(content.name, table.columns, read)
    return read


def write_column(content: Content, name: str, series: pl.Series) -> pl.Series:
    """Convert to text the types that a CSV file can only hold as text, such as dates and decimals.

    Float32 too: its 0.1 is 0.1 as text, and 0.10000000149 as Float64.
    """
    kind = series.dtype
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        problem = f"it contains {kind}, and a cell can only hold one value: split the column or leave it out"
        raise DatasetError(f"{content.name}: column {name!r}: {problem}.")
    if kind == pl.Duration:
        series = series.dt.to_string()
    elif not (kind.is_integer() or kind in (pl.Float64, pl.Boolean)):
        series = series.cast(pl.String)
    return series.alias(name)
