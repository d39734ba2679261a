"""Exact Shapley values of trees against a background: interventional TreeSHAP, for all leaves at once.

Source: Lundberg, Erion, Chen et al. 2020, "From local explanations to global understanding with explainable AI for
trees", Nature Machine Intelligence 2, supplement, algorithm 3. A leaf is reached by a hybrid of the row and a
background row, if that takes some inputs, A, from the row, and some others, B, from the background row. So it adds
w·(|A|−1)!·|B|!/(|A|+|B|)! to each input in A, and takes w·|A|!·(|B|−1)!/(|A|+|B|)! from each in B.
"""

from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.schema.values import Mask, Matrix, Vector
from predictor.serving.explaining.game import Positions
from predictor.serving.explaining.paths import Paths

# Background rows are bits of this many words.
BITS = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Slots:
    """What each leaf asks of each input: a slot is all steps of one leaf about columns of one player.

    `first_step` is the first step of each slot and `first_slot` the first slot of each leaf that has any. `reached` has
    a bit for each background row that passes a slot, shape (slots, words).
    """

    paths: Paths
    player: Positions
    leaf: Positions
    first_step: Positions
    first_slot: Positions
    reached: NDArray[np.uint64]
    rows: int

    def sum_background(self, weight: Vector) -> Vector:
        """The sum of the weights, shape (leaves,), of the leaves that each background row reaches."""
        words = np.bitwise_and.reduceat(self.reached, self.first_slot, axis=0)
        return _unpack(words, self.rows).T @ weight[self.leaf[self.first_slot]]

    def sum_row(self, passed: Mask, weight: Vector) -> float:
        """The same for the row, which has passed these slots."""
        is_reached = np.logical_and.reduceat(passed, self.first_slot)
        return float(weight[self.leaf[self.first_slot]][is_reached].sum())

    def pass_row(self, columns: Vector) -> Mask:
        """Which slots a row of shape (columns,) passes."""
        asked = self.paths.branches.ask(columns[None, :])[:, 0]
        return np.logical_and.reduceat(asked[self.paths.branch] == self.paths.is_left, self.first_step)


def make_slots(paths: Paths, owners: Positions, columns: Matrix) -> Slots:
    """The slots of trees for background rows, (rows, columns), where column c belongs to player `owners[c]`."""
    player = owners[paths.branches.column[paths.branch]]
    order = np.lexsort((player, paths.leaf))
    paths = Paths(
        branches=paths.branches,
        leaf=paths.leaf[order],
        branch=paths.branch[order],
        is_left=paths.is_left[order],
        weight=paths.weight,
        target=paths.target,
    )
    player = player[order]
    is_first = np.ones(len(player), dtype=bool)
    is_first[1:] = (paths.leaf[1:] != paths.leaf[:-1]) | (player[1:] != player[:-1])
    first_step = np.flatnonzero(is_first)
    leaf = paths.leaf[first_step]
    first_slot = np.flatnonzero(np.concatenate([[True], leaf[1:] != leaf[:-1]]))
    asked = _pack(paths.branches.ask(columns))[paths.branch]
    asked[~paths.is_left] = ~asked[~paths.is_left]
    reached = np.bitwise_and.reduceat(asked, first_step, axis=0)
    return Slots(
        paths=paths,
        player=player[first_step],
        leaf=leaf,
        first_step=first_step,
        first_slot=first_slot,
        reached=reached,
        rows=len(columns),
    )


def explain_trees(slots: Slots, passed: Mask, weight: Vector, players: int) -> Vector:
    """The Shapley values, shape (players,), of the sum of leaves, where the row has passed these slots."""
    own = np.where(passed[:, None], ~np.uint64(0), np.uint64(0))
    alive = np.bitwise_and.reduceat(slots.reached | own, slots.first_slot, axis=0) & _pack(
        np.ones((1, slots.rows), bool)
    )
    counts = np.diff(np.append(slots.first_slot, len(slots.leaf)))
    differs = (slots.reached ^ own) & np.repeat(alive, counts, axis=0)
    # On rows of whole words and flat, this takes a quarter of the time.
    width = BITS * slots.reached.shape[1]
    slot, row = np.divmod(np.flatnonzero(_unpack(differs, width).ravel().view(bool)), width)
    # The row passes those of A, and the background row those of B.
    in_a = passed[slot]
    pair = np.repeat(np.arange(len(counts)), counts)[slot] * slots.rows + row
    a, b = (np.bincount(pair[each], minlength=len(counts) * slots.rows)[pair] for each in (in_a, ~in_a))
    added = _weigh(int(counts.max()) + 1)[in_a.astype(np.int64), a, b] * weight[slots.leaf][slot]
    values: Vector = np.bincount(slots.player[slot], weights=added, minlength=players)[:players] / slots.rows
    return values


@cache
def _weigh(size: int) -> NDArray[np.float64]:
    """What a leaf of weight 1 adds to a member of B, and to one of A, by |A| and |B|: shape (2, size, size)."""
    table = np.zeros((2, size, size))
    for a in range(size):
        for b in range(size - a):
            if b:
                table[0, a, b] = -factorial(a) * factorial(b - 1) / factorial(a + b)
            if a:
                table[1, a, b] = factorial(a - 1) * factorial(b) / factorial(a + b)
    return table


def _pack(bits: Mask) -> NDArray[np.uint64]:
    """Booleans of shape (n, rows) as words, (n, words), row r as bit r % 64 of word r // 64."""
    words = -(-bits.shape[1] // BITS)
    padded = np.zeros((len(bits), words * BITS), dtype=bool)
    padded[:, : bits.shape[1]] = bits
    packed: NDArray[np.uint64] = np.packbits(padded, axis=1, bitorder="little").view("<u8")
    return packed


def _unpack(words: NDArray[np.uint64], rows: int) -> NDArray[Any]:
    """What `_pack` made words of, as 0 and 1, shape (n, rows)."""
    as_bytes = np.ascontiguousarray(words, dtype="<u8").view(np.uint8)
    return np.unpackbits(as_bytes, axis=1, bitorder="little")[:, :rows]
