"""Looks into an uploaded table in a process of its own, which has little memory and time: see `answering.preview`."""

import logging
import subprocess
from pathlib import Path

import msgspec

from predictor.bare_process import run_bare
from predictor.record.file_preview import Found, Refusal
from predictor.schema.schema import Schema
from predictor.turns import Turns

logger = logging.getLogger(__name__)

# The process ends by itself after less time on a core; with both, the router's 30 s are not reached.
SECONDS = 20.0
turns = Turns(waiting=4, seconds=8.0)
# Of a workbook, which is read as a whole.
MOST_XLSX_ROWS = 100_000


def preview_table(file: Path, name: str, schema: Schema) -> Found:
    """What a table's first rows are like, or why it cannot be scored. Raises Overloaded."""
    module, given = "predictor.answering.preview", msgspec.json.encode(schema.to_json())
    with turns.take():
        try:
            done = run_bare(module, str(file), name, str(MOST_XLSX_ROWS), given=given, seconds=SECONDS)
        except subprocess.TimeoutExpired:
            return Found(refusal=Refusal(trouble="too_heavy"))
    if done.returncode:
        logger.warning("a table was not read (%s): %s", done.returncode, done.stderr[-500:].decode(errors="replace"))
        return Found(refusal=Refusal(trouble="too_heavy"))
    return msgspec.json.decode(done.stdout, type=Found)
