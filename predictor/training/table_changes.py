"""Finds how a table differs from the one that the last version was trained on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from predictor.record.data_changes import Code, DataChange, DataChanges
from predictor.record.table_summary import TableSummary
from predictor.schema.kinds import Boolean, Category, Feature
from predictor.schema.schema import Schema
from predictor.schema.text import Text
from predictor.schema.values import Label
from predictor.training.contract_recipe import ContractRecipe
from predictor.training.dataset import Dataset
from predictor.training.recipe import Recipe

# A smaller change of a share is said only where the contract refuses it.
LEAST_SHARE = 0.01


@dataclass(frozen=True, kw_only=True)
class LastTable:
    """What is known of the table of the last version.

    `rows` are those of the table, with those that have no target. `missing` has shares of rows, by column, and `target`
    the range of the target, where the version has kept them.
    """

    version: int
    schema: Schema
    rows: int
    missing: dict[str, float] = field(default_factory=dict)
    target: tuple[float, float] | None = None


def compare_tables(recipe: Recipe, dataset: Dataset, last: LastTable) -> DataChanges:
    """All differences: of rows, columns, missing values, the target, and of each input that both tables have.

    A column that the recipe excludes by now is not compared.
    """
    before, after = last.schema.by_name, dataset.schema.by_name
    summary = summarise_table(dataset)
    rows = [DataChange(code="rows", before=last.rows, now=summary.rows)] if last.rows != summary.rows else []
    changes = [
        *rows,
        *_compare_columns(recipe, before, after),
        *_compare_missing(recipe.contract, last.missing, summary.missing_shares),
        *_compare_targets(last, dataset, summary),
    ]
    for position, feature in enumerate(dataset.schema.features):
        if feature.name in before:
            changes += _compare_features(dataset, position, before[feature.name], feature)
    return DataChanges(version=last.version, changes=tuple(changes))


def summarise_table(dataset: Dataset) -> TableSummary:
    """What a version keeps of its table for this comparison."""
    training = dataset.training
    gaps = {}
    for position, feature in enumerate(dataset.schema.features):
        texts = dataset.texts.get(position)
        values = dataset.matrix[training, position]
        gaps[feature.name] = int(
            np.isnan(values).sum() if texts is None else sum(text is None for text in texts[training])
        )
    is_number = dataset.schema.target.task == "regression"
    return TableSummary(
        rows=len(dataset.target) - dataset.outcomes + dataset.left_out,
        training_rows=int(training.sum()),
        missing=gaps,
        target_name=dataset.schema.target.name,
        without_target=dataset.left_out,
        target=(float(dataset.target.min()), float(dataset.target.max())) if is_number else None,
    )


def _compare_columns(
    recipe: Recipe, before: Mapping[str, Feature], after: Mapping[str, Feature]
) -> Iterator[DataChange]:
    excluded = {name for name, given in recipe.features.items() if given.exclude}
    for name, feature in after.items():
        if name not in before:
            yield DataChange(code="added", column=name, now=feature.kind)
    for name, feature in before.items():
        if name not in after and name not in excluded:
            yield DataChange(code="removed", column=name, before=feature.kind)


def _compare_missing(
    contract: ContractRecipe, before: Mapping[str, float], now: Mapping[str, float]
) -> Iterator[DataChange]:
    least = LEAST_SHARE if contract.missing_share is None else min(LEAST_SHARE, contract.missing_share)
    for name, share in now.items():
        if name in before and abs(share - before[name]) > least:
            yield DataChange(code="missing", column=name, before=before[name], now=share)


def _compare_targets(last: LastTable, dataset: Dataset, summary: TableSummary) -> Iterator[DataChange]:
    before, after = last.schema.target, dataset.schema.target
    if before.name != after.name or before.task != after.task:
        return  # Another recipe, and no other table.
    if last.target and summary.target and last.target != summary.target:
        yield DataChange(code="range", column=after.name, before=last.target, now=summary.target)
    yield from _compare_categories(after.name, after.classes, before.classes, "new categories")
    yield from _compare_categories(after.name, before.classes, after.classes, "lost categories")


def _compare_features(dataset: Dataset, position: int, before: Feature, after: Feature) -> Iterator[DataChange]:
    name = after.name
    if before.kind != after.kind:
        yield DataChange(code="kind", column=name, before=before.kind, now=after.kind)
    elif isinstance(before, Category):
        values = dataset.matrix[:, position]
        codes = np.unique(values[~np.isnan(values)]).astype(int)
        found = [after.choices[code] for code in codes if code < len(after.choices)]
        yield from _compare_categories(name, found, (*before.choices, *before.seen), "new categories")
        yield from _compare_categories(name, before.seen, found, "lost categories")
    elif not isinstance(after, Boolean | Text):
        former, now = ((float(each.seen[0]), float(each.seen[-1])) if each.seen else None for each in (before, after))
        if former and now and former != now:
            yield DataChange(code="range", column=name, before=former, now=now)


def _compare_categories(
    column: str, these: Sequence[Label], those: Sequence[Label], code: Code
) -> Iterator[DataChange]:
    known = set(those)
    only = tuple(each for each in these if each not in known)
    if only:
        yield DataChange(code=code, column=column, categories=only)
