"""Turns a Parquet file into JSON: `python -m predictor.tables.parquet_rows MOST_ROWS MOST_BYTES`.

Nothing else runs here: see `bare_process`. It reads standard input and writes a table, as {"columns": […],
"data": [[…], …]}; with exit status 2, what is wrong with the file instead; with 3, nothing, since that would be more
than MOST_BYTES. Standard error is left to polars.
"""

import re
import resource
import sys

from predictor.bare_process import limit_resources

MOST_MEMORY = 256 << 20
MOST_SECONDS = 5
NOT_READ, TOO_LARGE = 2, 3
# Where pandas keeps the names of rows.
INDEX = re.compile(r"__index_level_\d+__")


def write_rows(sent: bytes, most_rows: int) -> bytes:
    """The first rows of a Parquet file and one more, as JSON. Raises DatasetError for a column of lists or bytes."""
    import io
    from pathlib import Path

    import msgspec
    import polars as pl

    from predictor.tables.content import Content
    from predictor.tables.table import write_column

    table = pl.read_parquet(io.BytesIO(sent), n_rows=most_rows + 1, glob=False, hive_partitioning=False)
    content = Content(name="The body", file=Path("-"))
    columns = [write_column(content, name, table[name]) for name in table.columns if not INDEX.fullmatch(name)]
    cells = [_write_cells(series) for series in columns]
    data = list(zip(*cells, strict=True)) if cells else [()] * len(table)
    return msgspec.json.encode({"columns": [series.name for series in columns], "data": data})


def _write_cells(series: "pl.Series") -> list[object]:  # type: ignore[name-defined]  # noqa: F821  # Imported late.
    """The values of a column; JSON has neither NaN, which means missing, nor an infinity, which no input is."""
    if not series.dtype.is_float():
        return series.to_list()
    finite = series.fill_nan(None)
    return [str(value) if value in (float("inf"), float("-inf")) else value for value in finite.to_list()]


def main() -> int:
    limit_resources(memory=MOST_MEMORY, seconds=MOST_SECONDS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # It writes no file.
    most_rows, most_bytes = map(int, sys.argv[1:])
    import polars as pl

    from predictor.exceptions import DatasetError
    from predictor.texts import take_first_line

    try:
        written = write_rows(sys.stdin.buffer.read(), most_rows)
    except (DatasetError, pl.exceptions.PolarsError) as error:
        sys.stdout.write(take_first_line(error).rstrip("."))
        return NOT_READ
    except pl.exceptions.PanicException:
        sys.stdout.write("it is damaged, or takes too much memory")
        return NOT_READ
    if len(written) > most_bytes:
        return TOO_LARGE
    sys.stdout.buffer.write(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
