"""Reads a table's cells as the texts that they are, for what judges each row by itself."""

from collections.abc import Iterator
from pathlib import Path

from predictor.exceptions import DatasetError
from predictor.schema.values import write_value
from predictor.tables.csv_file import lay_out
from predictor.tables.csv_rows import fit_row, read_rows
from predictor.tables.marks import find_format
from predictor.tables.packing import open_content
from predictor.tables.table import READERS

Row = tuple[int, list[str]]


def read_texts(file: Path) -> Iterator[Row]:
    """Yield the columns' names, and then each row with the number of its line, as `read_table` would read them.

    A row may have too few or too many cells; blank ones after the last column, and blank rows, are left out. In Parquet
    and JSON lines, a row's number counts from 1, in a sheet from 2. Raises DatasetError naming the file and the line.
    """
    try:
        content = open_content(file)
        format = find_format(content)
        if format != "csv":
            table = READERS[format](content, {})
            yield 0, table.columns
            for number, row in enumerate(table.iter_rows(), start=2 if format == "xlsx" else 1):
                if any(value is not None for value in row):
                    yield number, [*map(write_value, row)]
            return
        source, layout = lay_out(content)
        rows = read_rows(source, layout)
        next(rows)
        yield 1 + source.lines_before, [name.strip() for name in layout.names]
        yield from ((line, fit_row(row, layout)) for line, row in rows if any(map(str.strip, row)))
    except OSError as error:
        raise DatasetError(f"{file} cannot be read: {error.strerror or error}.") from error
