"""Refuses a table that differs from the last one in what the recipe's `[contract]` names."""

import json
import math
from collections.abc import Iterator
from typing import Any

from predictor.exceptions import DatasetError
from predictor.record.data_changes import DataChange, DataChanges
from predictor.record.written_data_changes import SENTENCES, write_change
from predictor.schema.schema import Schema
from predictor.training.contract_recipe import ContractRecipe
from predictor.training.recipe import Recipe

MOST_NAMED = 20


def check_contract(recipe: Recipe, found: DataChanges, schema: Schema) -> None:
    """Raise DatasetError with all differences that the recipe refuses; `schema` is that of the new table."""
    refused = [
        f"{SENTENCES[change.code].format(changes=write_change(change, schema))} (contract.{key} = {json.dumps(limit)})"
        for change in found.changes
        for key, limit in _find_refusing(recipe.contract, change, schema)
    ]
    if refused:
        more = [f"and {len(refused) - MOST_NAMED} more"] if len(refused) > MOST_NAMED else []
        named = f"{'; '.join([*refused[:MOST_NAMED], *more])}."
        raise DatasetError(
            f"{recipe.data_file} differs from the table of version {found.version} in what [contract] in {recipe.file}"
            f" refuses: {named} Correct the table or, where the change is meant, [contract].",
            code="contract_broken",
            detail=named,
            version=found.version,
        )


def _find_refusing(contract: ContractRecipe, change: DataChange, schema: Schema) -> Iterator[tuple[str, Any]]:
    """The key of the contract that refuses a change, with its value."""
    before, now = change.before, change.now
    match change.code:
        case "added" | "removed" if contract.columns:
            yield "columns", contract.columns
        case "kind" if contract.kinds:
            yield "kinds", contract.kinds
        case "new categories" if contract.categories:
            yield "categories", contract.categories
        case "lost categories" if contract.categories == "same":
            yield "categories", contract.categories
        case "missing" if contract.missing_share is not None and abs(now - before) > contract.missing_share:  # type: ignore[operator]
            yield "missing_share", contract.missing_share
        case "rows" if contract.rows is not None and abs(now - before) > contract.rows * before:  # type: ignore[operator]
            yield "rows", contract.rows
        case "range" if contract.ranges is not None and _is_limited(change.column, schema):
            if _measure_beyond(before, now) > contract.ranges:  # type: ignore[arg-type]
                yield "ranges", contract.ranges


def _is_limited(column: str, schema: Schema) -> bool:
    """Whether a range is that of numbers: dates go on by themselves."""
    return column == schema.target.name or schema.by_name[column].kind in ("number", "integer")


def _measure_beyond(before: tuple[float, float], now: tuple[float, float]) -> float:
    """How far a range goes beyond the former one, as a share of that one's width."""
    beyond, width = max(before[0] - now[0], now[1] - before[1], 0.0), before[1] - before[0]
    if not width:
        return math.inf if beyond else 0.0
    return beyond / width
