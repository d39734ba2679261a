"""Reads a table from CSV or Parquet; the same rows come out of either."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from predictor.exceptions import DatasetError
from predictor.tables.cells import read_cells
from predictor.tables.csv_file import read_csv
from predictor.tables.header import check_index, read_names
from predictor.texts import take_first_line

PARQUET_MARK = b"PAR1"


def read_table(file: Path) -> tuple[pl.DataFrame, str]:
    """Read a CSV or Parquet file, distinguished by content, and the SHA-256 of its bytes; empty rows are left out.

    Columns are Int, Float64, Boolean or String. Raises DatasetError naming the file, the line and the column.
    """
    try:
        with file.open("rb") as stream, ThreadPoolExecutor(max_workers=1) as background:
            is_parquet = stream.read(len(PARQUET_MARK)) == PARQUET_MARK
            stream.seek(0)
            digest = background.submit(hashlib.file_digest, stream, "sha256")
            table = read_parquet(file) if is_parquet else read_csv(file)
            sha256 = digest.result().hexdigest()
    except OSError as error:
        raise DatasetError(f"{file} cannot be read: {error.strerror or error}.") from error
    if table[:, -1].null_count():
        table = table.filter(~pl.all_horizontal(pl.all().is_null()))
    if not len(table):
        raise DatasetError(f"{file} has a header (line 1) but no rows.")
    return table, sha256


def read_parquet(file: Path) -> pl.DataFrame:
    """Read a Parquet file as if it had been saved as CSV; raises DatasetError naming the file and the column."""
    try:
        table = pl.read_parquet(file, glob=False, hive_partitioning=False)
    except pl.exceptions.PolarsError as error:
        raise DatasetError(f"{file} cannot be read as Parquet: {take_first_line(error)}.") from error
    if not table.columns:
        raise DatasetError(f"{file} has no columns.")
    names = read_names(str(file), table.columns)
    columns = [_write_column(file, name, series) for name, series in zip(names, table, strict=True)]
    read = read_cells(pl.DataFrame(columns))[0]
    if len(read):
        check_index(str(file), table.columns, read)
    return read


def _write_column(file: Path, name: str, series: pl.Series) -> pl.Series:
    """Convert to text the types that a CSV file can only hold as text, such as dates and decimals.

    Float32 too: its 0.1 is 0.1 as text, and 0.10000000149 as Float64.
    """
    kind = series.dtype
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        problem = f"it contains {kind}, and a cell can only hold one value: split the column or leave it out"
        raise DatasetError(f"{file}: column {name!r}: {problem}.")
    if kind == pl.Duration:
        series = series.dt.to_string()
    elif not (kind.is_integer() or kind in (pl.Float64, pl.Boolean)):
        series = series.cast(pl.String)
    return series.alias(name)
