"""The result of a scored file: a part in Parquet for each chunk of rows, from which it is written in any format."""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from predictor.exceptions import FileGone, SheetFull
from predictor.files.keeping import find_kept, iterate
from predictor.models import Job
from predictor.tables.parts_writing import MOST_ROWS_OF_A_SHEET, PART_WRITERS

MEDIA_TYPE = "application/x-parquet-parts"
# In front of each part, which begins with a chunk of its own: how many bytes it has.
LENGTH = struct.Struct(">Q")


def pack_part(frame: pl.DataFrame) -> bytes:
    made = io.BytesIO()
    frame.write_parquet(made, compression="zstd", compression_level=1, statistics=False)
    return frame_part(made.getvalue())


def frame_part(part: bytes) -> bytes:
    """A part, which is a Parquet file, as it is stored."""
    return LENGTH.pack(len(part)) + part


def read_result(job: Job) -> Iterator[pl.DataFrame]:
    """The rows of a job that is done, part by part, in the order of its file. Raises FileGone."""
    if job.state != Job.State.DONE or not isinstance(job.result, dict) or "file" not in job.result:
        raise FileGone("the job has no result")
    part = b""
    for chunk in iterate(find_kept(job.result["file"])):
        part += chunk
        if len(part) == LENGTH.size + LENGTH.unpack_from(part)[0]:
            yield pl.read_parquet(part[LENGTH.size :])
            part = b""


def write_result(job: Job, format: str, sink: BinaryIO) -> None:
    """Write the result of a job as "csv", "parquet" or "xlsx", with flat memory. Raises FileGone and ExportError."""
    if format == "xlsx" and job.result and job.result.get("rows", 0) > MOST_ROWS_OF_A_SHEET:
        raise SheetFull(MOST_ROWS_OF_A_SHEET)
    PART_WRITERS[format](read_result(job), sink)
