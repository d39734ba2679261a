"""Describes where a version's rows came from, and hashes files."""

import hashlib
from pathlib import Path

from predictor.formats import format_number
from predictor.languages import gettext as _
from predictor.languages import ngettext
from predictor.record.source import Source, TrainedSource


def describe_sources(source: Source) -> str:
    """How many rows came from the table and how many were outcomes, in a sentence.

    Empty where no outcomes were used.
    """
    if not isinstance(source, TrainedSource) or source.outcomes is None:
        return ""
    outcomes = source.outcomes
    recorded = (
        ngettext(
            "{rows} rows of {file} and {used} of {found} outcome, recorded from {since} to {newest}",
            "{rows} rows of {file} and {used} of {found} outcomes, recorded from {since} to {newest}",
            outcomes.found,
        )
        if outcomes.since
        else ngettext(
            "{rows} rows of {file} and {used} of {found} outcome, recorded to {newest}",
            "{rows} rows of {file} and {used} of {found} outcomes, recorded to {newest}",
            outcomes.found,
        )
    )
    used = recorded.format(
        rows=format_number(source.training_rows + source.held_out_rows - outcomes.used),
        file=source.file,
        used=format_number(outcomes.used),
        found=format_number(outcomes.found),
        since=_shorten(outcomes.since or ""),
        newest=_shorten(outcomes.newest),
    )
    held_out = _("{count} of these outcomes are held out").format(count=format_number(outcomes.held_out))
    causes = ", ".join(
        _("{count} because {cause}").format(count=format_number(count), cause=cause)
        for cause, count in sorted(outcomes.left_out.items())
    )
    return "; ".join([used, held_out, *([_("left out: {causes}").format(causes=causes)] if causes else [])])


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
