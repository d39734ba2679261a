"""Finds what is known of the table that a model was last trained on."""

from typing import TYPE_CHECKING

import msgspec

from predictor.models import Kept, Version
from predictor.record.provenance import count_outcomes
from predictor.record.reference import REFERENCE, read_reference
from predictor.record.source import TrainedSource
from predictor.record.table_summary import TABLE, TableSummary, read_summary
from predictor.schema.kinds import Boolean, Category
from predictor.schema.text import Text

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
    summary = make_summary(version, version.parsed_data) if stored is None else read_summary(stored)
    return LastTable(version=version.number, schema=version.parsed_schema, summary=summary)


def make_summary(version: Version, data: TrainedSource) -> TableSummary:
    """What is known where a former build stored no summary.

    Shares are of at most 50,000 rows, and of no sensitive input; outcomes that it was trained on count, too.
    """
    features, target = version.parsed_schema.features, version.target
    rows = data.training_rows + data.held_out_rows - count_outcomes(data) + data.rows_without_target
    missing = {target.name: data.rows_without_target / rows} if rows else {}
    stored = Kept.objects.find_content(version.pk, REFERENCE)
    if stored is not None:
        reference = read_reference(stored)
        missing |= {each.name: each.missing / reference.rows for each in reference.columns if reference.rows}
    categories = {each.name: each.seen for each in features if isinstance(each, Category)}
    numbers = [each for each in features if not isinstance(each, Category | Boolean | Text) and each.seen]
    return TableSummary(
        rows=rows,
        missing=missing,
        ranges={each.name: (float(each.seen[0]), float(each.seen[-1])) for each in numbers},
        categories=msgspec.convert(categories | ({target.name: target.classes} if target.classes else {}), dict),
    )
