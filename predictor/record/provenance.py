"""Describes where a version's rows came from, and hashes files."""

import hashlib
from pathlib import Path

from predictor.formats import format_number
from predictor.record.source import Source, TrainedSource


def describe_sources(source: Source) -> str:
    """How many rows came from the table and how many were outcomes, in a sentence.

    Empty where no outcomes were used.
    """
    if not isinstance(source, TrainedSource) or source.outcomes is None:
        return ""
    outcomes = source.outcomes
    from_table = source.training_rows + source.held_out_rows - outcomes.used
    since = f"from {_shorten(outcomes.since)} " if outcomes.since else ""
    parts = [
        f"{format_number(from_table)} rows of {source.file} and {format_number(outcomes.used)} of"
        f" {format_number(outcomes.found)} outcomes,"
        f" recorded {since}to {_shorten(outcomes.newest)}",
        f"{format_number(outcomes.held_out)} of these outcomes are held out",
    ]
    left_out = [f"{format_number(count)} because {cause}" for cause, count in sorted(outcomes.left_out.items())]
    return "; ".join([*parts, *([f"left out: {', '.join(left_out)}"] if left_out else [])])


def count_outcomes(source: Source) -> int:
    """How many rows were outcomes."""
    return source.outcomes.used if isinstance(source, TrainedSource) and source.outcomes else 0


def _shorten(moment: str) -> str:
    """A moment in UTC, as ISO 8601 has it, to the minute."""
    return f"{moment[:16].replace('T', ' ')} UTC"


def hash_file(file: Path) -> str | None:
    """The SHA-256 of a file's bytes, in hexadecimal; None where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
