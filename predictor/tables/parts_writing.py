"""Writes a table part by part: CSV, .xlsx, or Parquet in parts on the disk that are joined at the end."""

import re
import tempfile
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO

import polars as pl
import polars.selectors as cs

from predictor.tables.columns import TableColumn
from predictor.tables.part import write_plainly
from predictor.tables.writing import FORMULAS, NO_FORMULA_PATTERN, ROWS_OF_A_PART, defuse, write_xlsx

# Below the header.
MOST_ROWS_OF_A_SHEET = 1_048_575
Frames = Iterable[pl.DataFrame]


def write_csv_parts(frames: Frames, file: BinaryIO, *, header: bool = True) -> None:
    """Write UTF-8 with a header; a missing value is an empty cell, and a text that looks like a formula is defused."""
    for number, frame in enumerate(frames):
        if header and not number:
            write_csv_header(frame.columns, file)
        _defuse(_write_plainly(frame)).write_csv(file, include_header=False)


def write_csv_header(names: Iterable[str], file: BinaryIO) -> None:
    header = pl.DataFrame({str(place): [defuse(name)] for place, name in enumerate(names)})
    header.write_csv(file, include_header=False)


def write_parquet_parts(frames: Frames, file: BinaryIO) -> None:
    """Write row groups of 20,000 rows; each column has the type that it has in the first part."""
    with tempfile.TemporaryDirectory() as folder:
        waiting: list[pl.DataFrame] = []
        number = 0

        def write() -> None:
            nonlocal number
            pl.concat(waiting).write_parquet(Path(folder) / f"{number:06}.parquet")
            number += 1
            waiting.clear()

        for frame in frames:
            waiting.append(frame)
            if sum(map(len, waiting)) >= ROWS_OF_A_PART:
                write()
        if waiting:
            write()
        joined = Path(folder) / "joined"
        pl.scan_parquet(Path(folder) / "*.parquet").sink_parquet(joined, row_group_size=ROWS_OF_A_PART)
        with joined.open("rb") as made:
            copyfileobj(made, file)


def write_xlsx_parts(frames: Frames, file: BinaryIO) -> None:
    """Write a workbook of one sheet, its texts as texts. Raises ExportError where it has no room for them."""
    remaining = iter(frames)
    first = next(remaining, pl.DataFrame())
    columns = [TableColumn(name=name, kind="text") for name in first.columns]
    plain = (_write_plainly(frame).with_columns(cs.float().fill_nan(None)) for frame in chain([first], remaining))
    chunks = ([[*row] for row in frame.iter_rows()] for frame in plain)
    write_xlsx(columns, chunks, file, MOST_ROWS_OF_A_SHEET)


PART_WRITERS: dict[str, Callable[[Frames, BinaryIO], None]] = {
    "csv": write_csv_parts,
    "parquet": write_parquet_parts,
    "xlsx": write_xlsx_parts,
}


def _defuse(frame: pl.DataFrame) -> pl.DataFrame:
    """As `defuse` does, for all texts; an empty one becomes missing, which is written without quotes."""
    texts = cs.string().as_expr()
    found = frame.select(texts.str.contains(f"^[{re.escape(''.join(FORMULAS))}]").any())
    # Most columns have none.
    suspects = cs.by_name([name for name in found.columns if found[name][0]]).as_expr()
    is_formula = suspects.str.slice(0, 1).is_in(list(FORMULAS)) & ~suspects.str.contains(f"^(?:{NO_FORMULA_PATTERN})$")
    frame = frame.with_columns(pl.when(~is_formula).then(suspects).otherwise(pl.lit("'") + suspects))
    return frame.with_columns(pl.when(texts != "").then(texts), cs.float().fill_nan(None))


def _write_plainly(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns with types that CSV has not, as texts."""
    plain = (pl.String, pl.Boolean, pl.Float64)
    others = [each for each in frame if not (each.dtype.is_integer() or each.dtype in plain)]
    return frame.with_columns(write_plainly(each.name, each) for each in others) if others else frame
