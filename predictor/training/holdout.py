"""Decides which rows are held out: a property of the row itself, the same in every retrain."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from predictor.numbers import NUMBER
from predictor.schema.values import Mask, recode
from predictor.training.columns import Column

Hashes = NDArray[np.uint64]
FOLDS = 5
# A boolean hashes as 1 or 0, also where the recipe makes it a category.
BOOLEANS = {"true": "1", "false": "0"}


def hash_rows(columns: list[Column]) -> Hashes:
    """Hash each row's feature values, shape (n,), uniformly over uint64; the side of a row follows from it.

    It depends on names and values alone: not on the order of columns or rows, on the target, or on whether
    the recipe calls a column of integers a category. splitmix64's finaliser mixes (Steele, Lea and Flood
    2014, "Fast splittable pseudorandom number generators", figure 16). A text hashes as a category does. It must never
    change: held-out rows would be trained on.
    """
    hashes = np.zeros(len(columns[0].values), dtype=np.uint64)
    for column in sorted(columns, key=lambda column: column.name):
        hashes = _mix(hashes ^ _mix(_hash_values(column) + np.uint64(_hash_text(column.name))))
    return hashes


def _hash_values(column: Column) -> Hashes:
    missing = np.array(np.nan).view(np.uint64)
    if column.texts is not None:
        known = {text: _hash_choice(text) for text in set(column.texts) if text is not None}
        return np.array([known.get(text, missing) for text in column.texts], dtype=np.uint64)
    if column.kind != "category":
        # All NaNs become one and −0.0 becomes 0.0 before their bits are taken.
        canonical = np.where(np.isnan(column.values), np.nan, column.values) + 0.0
        return canonical.view(np.uint64)
    table = np.array([*(_hash_choice(choice) for choice in column.choices), missing], dtype=np.uint64)
    return recode(column.values, table)


def _hash_choice(choice: str) -> int:
    """A category that reads as a number or a boolean hashes as that, so that its kind can change later."""
    text = BOOLEANS.get(choice.lower(), choice)
    return int(np.array(float(text) + 0.0).view(np.uint64)) if NUMBER.fullmatch(text) else _hash_text(text)


def _hash_text(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _mix(state: Hashes) -> Hashes:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def is_held_out(hashes: Hashes, share: float) -> Mask:
    """Mark the rows, shape (n,), whose hash lies in the lowest `share` (0 to 1) of all hashes."""
    return hashes / 2.0**64 < share


def assign_folds(hashes: Hashes, folds: int = FOLDS, *, repeat: int = 0) -> NDArray[np.int64]:
    """Assign each row to a fold, counted from 0, shape (n,), by its hash: duplicates share a fold.

    The hash is mixed once more, so that the rows above the held-out share spread over all folds. Each `repeat`,
    counted from 0, gives other folds.
    """
    mixed = _mix(hashes)
    for _ in range(repeat):
        mixed = _mix(mixed)
    return np.minimum(mixed / 2.0**64 * folds, folds - 1).astype(np.int64)


def choose_lowest(hashes: Hashes, rows: Mask, most: int) -> Mask:
    """The marked rows, shape (n,), or of more than `most` those with the lowest hashes, mixed as for folds."""
    if int(rows.sum()) <= most:
        return rows
    # The bits are turned around: the folds follow from the highest ones, so that all folds keep their share.
    order = _mix(~_mix(hashes))
    return rows & (order <= np.partition(order[rows], most - 1)[most - 1])
