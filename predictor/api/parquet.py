"""Reads the rows of a Parquet file that somebody sent, in a process of its own: serving never imports polars."""

import logging
import subprocess

from predictor.bare_process import run_bare
from predictor.exceptions import ContentTooLarge, UnreadableContent

logger = logging.getLogger(__name__)

SECONDS = 10
# The exit statuses of the other process for a file that is no such table, and for one with too much in it.
NOT_READ, TOO_LARGE = 2, 3


def convert_parquet(sent: bytes, *, most_rows: int, most_bytes: int) -> bytes:
    """The table as JSON, {"columns": […], "data": [[…], …]}, with at most one row more than `most_rows`.

    Raises UnreadableContent, also where reading takes too much memory or time, and ContentTooLarge for much JSON.
    """
    module, limits = "predictor.tables.parquet_rows", (str(most_rows), str(most_bytes))
    try:
        done = run_bare(module, *limits, given=sent, seconds=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise UnreadableContent("The Parquet file takes too long to read: send fewer rows or columns.") from error
    if done.returncode == NOT_READ:
        raise UnreadableContent(f"The body cannot be read as Parquet: {done.stdout.decode()}.")
    if done.returncode == TOO_LARGE:
        raise ContentTooLarge(most_bytes)
    if done.returncode:
        logger.warning("a Parquet file could not be read: exit status %d", done.returncode)
        raise UnreadableContent("The Parquet file takes too much memory or time.")
    return done.stdout
