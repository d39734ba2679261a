"""Finds how a table differs from the one that the last version was trained on."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from predictor.record.data_changes import Code, DataChange, DataChanges
from predictor.record.table_summary import TableSummary
from predictor.schema.kinds import Boolean, Category, Feature
from predictor.schema.schema import Schema
from predictor.schema.text import Text
from predictor.schema.values import Label, Vector
from predictor.training.contract_recipe import ContractRecipe
from predictor.training.dataset import Dataset
from predictor.training.recipe import Recipe

# A smaller change of a share is said only where the contract refuses it.
LEAST_SHARE = 0.01


@dataclass(frozen=True, kw_only=True)
class LastTable:
    """What is known of the table of the last version; of one by a former build, the summary may lack columns."""

    version: int
    schema: Schema
    summary: TableSummary


def compare_tables(recipe: Recipe, dataset: Dataset, last: LastTable) -> DataChanges:
    """All differences: of rows, columns and kinds, then of the values in columns that both tables have.

    A column that the recipe excludes by now is not compared, and no value of one whose kind is another.
    """
    before, now = last.summary, summarise_table(dataset)
    kinds = list(_compare_kinds(last.schema, dataset.schema))
    incomparable = {change.column for change in kinds}
    changes = [
        *_compare_rows(before, now),
        *_compare_columns(recipe, last.schema, dataset.schema),
        *kinds,
        *_compare_missing(recipe.contract, before, now),
        *_compare_ranges(before, now),
        *_compare_categories(last, now),
    ]
    return DataChanges(
        version=last.version,
        changes=tuple(each for each in changes if each.code == "kind" or each.column not in incomparable),
    )


def summarise_table(dataset: Dataset) -> TableSummary:
    """What a version keeps of its table for this comparison."""
    # By number, which takes a fifth of the time that marks take.
    trained, target = np.flatnonzero(dataset.training & dataset.from_table), dataset.schema.target
    rows = int(dataset.from_table.sum()) + dataset.left_out
    missing, ranges = {target.name: dataset.left_out / rows}, {}
    categories: dict[str, tuple[Label, ...]] = {}
    for position, feature in enumerate(dataset.schema.features):
        if isinstance(feature, Text):
            gaps = sum(text is None for text in dataset.texts[position][trained])
            missing[feature.name] = gaps / max(1, len(trained))
            continue
        values = dataset.matrix[:, position].take(trained)
        known = values[~np.isnan(values)]
        missing[feature.name] = (len(values) - len(known)) / max(1, len(values))
        if isinstance(feature, Category):
            of_table = dataset.matrix[:, position][dataset.from_table]
            categories[feature.name] = tuple(_find_labels(of_table, feature.choices))
        elif not isinstance(feature, Boolean) and len(known):
            ranges[feature.name] = float(known.min()), float(known.max())
    if target.classes:
        categories[target.name] = tuple(_find_labels(dataset.target[dataset.from_table], target.classes))
    elif len(trained):
        values = dataset.target[trained]
        ranges[target.name] = float(values.min()), float(values.max())
    return TableSummary(rows=rows, missing=missing, ranges=ranges, categories=categories)


def _find_labels(codes: Vector, labels: tuple[Label, ...]) -> Iterator[Label]:
    """The labels of those codes that occur; one of other values has none."""
    for code in np.flatnonzero(np.bincount(codes[~np.isnan(codes)].astype(int))):
        if code < len(labels):
            yield labels[code]


def _compare_rows(before: TableSummary, now: TableSummary) -> Iterator[DataChange]:
    if before.rows != now.rows:
        yield DataChange(code="rows", before=before.rows, now=now.rows)


def _compare_columns(recipe: Recipe, before: Schema, after: Schema) -> Iterator[DataChange]:
    excluded = {name for name, given in recipe.features.items() if given.exclude}
    for name, feature in after.by_name.items():
        if name not in before.by_name:
            yield DataChange(code="added", column=name, now=feature.kind)
    for name, feature in before.by_name.items():
        if name not in after.by_name and name not in excluded:
            yield DataChange(code="removed", column=name, before=feature.kind)


def _compare_kinds(before: Schema, after: Schema) -> Iterator[DataChange]:
    for name, feature in after.by_name.items():
        former: Feature | None = before.by_name.get(name)
        if former is not None and former.kind != feature.kind:
            yield DataChange(code="kind", column=name, before=former.kind, now=feature.kind)


def _compare_missing(contract: ContractRecipe, before: TableSummary, now: TableSummary) -> Iterator[DataChange]:
    least = LEAST_SHARE if contract.missing_share is None else min(LEAST_SHARE, contract.missing_share)
    for name, share in now.missing.items():
        former = before.missing.get(name)
        if former is not None and abs(share - former) > least:
            yield DataChange(code="missing", column=name, before=former, now=share)


def _compare_ranges(before: TableSummary, now: TableSummary) -> Iterator[DataChange]:
    for name, ends in now.ranges.items():
        former = before.ranges.get(name)
        if former is not None and former != ends:
            yield DataChange(code="range", column=name, before=former, now=ends)


def _compare_categories(last: LastTable, now: TableSummary) -> Iterator[DataChange]:
    """A choice that the last recipe listed is not new, though no row may have had it."""
    for name, labels in now.categories.items():
        former = last.summary.categories.get(name)
        if former is None:
            continue
        feature = last.schema.by_name.get(name)
        listed = feature.choices if isinstance(feature, Category) else ()
        found: tuple[tuple[Code, set[Label], set[Label]], ...] = (
            ("new categories", set(labels), {*former, *listed}),
            ("lost categories", set(former), set(labels)),
        )
        for code, these, those in found:
            if these - those:
                yield DataChange(code=code, column=name, categories=tuple(sorted(these - those, key=str)))
