"""Finds what is known of the table that a model was last trained on."""

from typing import TYPE_CHECKING

from predictor.models import Kept, Version
from predictor.record.provenance import count_outcomes
from predictor.record.reference import REFERENCE, read_reference
from predictor.record.source import TrainedSource
from predictor.record.table_summary import TABLE, read_summary

if TYPE_CHECKING:
    from predictor.training.table_changes import LastTable


def find_last_table(slug: str) -> "LastTable | None":
    """That of the live version or, where it was not trained here, of the newest that was; None where none was."""
    from predictor.training.table_changes import LastTable

    live = Version.objects.find_live(slug)
    versions = Version.objects.filter(model=slug).order_by("-number")
    version = next((each for each in [*([live] if live else []), *versions.iterator()] if not each.is_imported), None)
    if version is None or not isinstance(version.parsed_data, TrainedSource):
        return None
    stored = Kept.objects.find_content(version.pk, TABLE)
    if stored is not None:
        summary = read_summary(stored)
        rows, missing, target = summary.rows, summary.missing_shares, summary.target
    else:
        rows, missing, target = _count_rows(version.parsed_data), _measure_missing(version, version.parsed_data), None
    return LastTable(version=version.number, schema=version.parsed_schema, rows=rows, missing=missing, target=target)


def _count_rows(data: TrainedSource) -> int:
    return data.training_rows + data.held_out_rows - count_outcomes(data) + data.rows_without_target


def _measure_missing(version: Version, data: TrainedSource) -> dict[str, float]:
    """The shares that a version of a former build kept: of at most 50,000 rows, and of no sensitive input."""
    shares = {version.target.name: data.rows_without_target / _count_rows(data)} if _count_rows(data) else {}
    stored = Kept.objects.find_content(version.pk, REFERENCE)
    if stored is not None:
        reference = read_reference(stored)
        shares |= {each.name: each.missing / reference.rows for each in reference.columns if reference.rows}
    return shares
