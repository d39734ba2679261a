"""Writes what a replay found as text."""

from collections.abc import Iterator

from predictor.alignment import align_columns
from predictor.formats import format_number, write_count
from predictor.models import Version
from predictor.record.replay import Replay
from predictor.record.written_replay import write_replay


def list_lines(version: Version, found: Replay) -> Iterator[str]:
    """The answers that change, by how much and for whom; then what could not be answered."""
    written = write_replay(found, version.parsed_schema)
    yield (
        f"{version} answers {write_count(found.rows, 'stored prediction')} again, made from {written.since} to"
        f" {written.until} UTC by version {written.versions or '–'}."
    )
    yield f"  {write_count(found.changed, 'answer changes', 'answers change')} ({written.changed_share or '–'})"
    if written.outside:
        yield (
            f"  {written.outside} of {format_number(found.with_interval)} new answers are outside of the 90 % interval"
            f" that was given ({written.outside_share})"
        )
    yield f"  with a warning: {format_number(found.warned)} before, {format_number(found.warned_now)} now"
    if written.quantiles:
        yield from _indent([("change", "new − old"), *written.quantiles])
    if written.moves:
        yield from _indent([("from", "to", "answers"), *written.moves])
    if written.groups:
        rows = [(f"{e.label}: {e.shown_values}", e.rows, e.changed, e.mean_change, e.mean_size) for e in written.groups]
        head = ("changes most for", "answers", "changed", "mean change", "mean absolute")
        columns = len(head) if found.quantiles else 3  # Classes have no size of a change.
        yield from _indent([row[:columns] for row in (head, *rows)])
    if found.refused:
        yield f"  the inputs of {write_count(found.refused, 'prediction')} are refused by this version:"
        yield from (f"    {label} ({rows}): {problem}" for label, problem, rows in written.refusals)
    if found.unanswered:
        yield f"  {write_count(found.unanswered, 'prediction has', 'predictions have')} no finite answer"
    if found.hidden:
        yield f"  left out: {write_count(found.hidden, 'prediction')} with a sensitive input, which is not kept"
    if found.left_out:
        yield f"  left out: the predictions of version {', '.join(map(str, found.left_out))}, of something else"


def _indent(rows: list[tuple[str, ...]]) -> Iterator[str]:
    return (f"  {line}" for line in align_columns(*rows))
