"""The paths to the leaves of a compiled model's trees, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.schema.values import Mask, Matrix, Vector
from predictor.serving.explaining.game import Positions

# The modes of a branch, as ai.onnx.ml numbers them.
LESS_OR_EQUAL, IS_MEMBER = 0, 6


@dataclass(frozen=True, kw_only=True, eq=False)
class Branches:
    """The branches of all trees, each array of shape (branches,): what each asks of one column."""

    column: Positions
    threshold: Vector
    takes_missing: Mask
    # By the branch, for those that ask whether a value is one of some.
    members: Mapping[int, Vector]

    def ask(self, columns: Matrix) -> Mask:
        """Whether rows of shape (n, columns) take the left side, shape (branches, n)."""
        values = columns.T[self.column]
        with np.errstate(invalid="ignore"):
            is_left = values <= self.threshold[:, None]
        missing = np.isnan(values)
        is_left[missing] = np.broadcast_to(self.takes_missing[:, None], missing.shape)[missing]
        for branch, members in self.members.items():
            is_left[branch] = np.isin(values[branch], members) | (missing[branch] & self.takes_missing[branch])
        return is_left


@dataclass(frozen=True, kw_only=True, eq=False)
class Paths:
    """All leaves of all trees. Step k of the path to leaf `leaf[k]` takes the left side of `branch[k]`, or the right.

    The steps of a leaf are next to each other, those about one column too. `weight` and `target`, of shape (leaves,),
    are what a leaf adds, and to which output.
    """

    branches: Branches
    leaf: Positions
    branch: Positions
    is_left: Mask
    weight: Vector
    target: Positions


def read_paths(attributes: Mapping[str, NDArray[Any]], most_leaves: int) -> Paths | None:
    """Read the attributes of a TreeEnsemble node; None where it has more leaves, or asks what is not known here.

    A branch whose two sides are the same leaf, a tree of one value, is left out: it explains nothing.
    """
    modes = attributes["nodes_modes"]
    if len(attributes["leaf_weights"]) > most_leaves or not np.isin(modes, (LESS_OR_EQUAL, IS_MEMBER)).all():
        return None
    count = len(modes)
    sides = {True: "true", False: "false"}
    ids = {side: attributes[f"nodes_{name}nodeids"] for side, name in sides.items()}
    leaves = {side: attributes[f"nodes_{name}leafs"].astype(bool) for side, name in sides.items()}
    parent, came_left = np.full(count, -1), np.zeros(count, dtype=bool)
    for side in sides:
        inner = np.flatnonzero(~leaves[side])
        parent[ids[side][inner]], came_left[ids[side][inner]] = inner, side
    is_single = leaves[True] & leaves[False] & (ids[True] == ids[False])
    ends = {side: np.flatnonzero(leaves[side] & ~is_single) for side in sides}
    at = np.concatenate([ends[True], ends[False]])
    own = np.concatenate([ids[True][ends[True]], ids[False][ends[False]]])
    steps = _climb(at, np.repeat([True, False], [len(ends[True]), len(ends[False])]), parent, came_left)
    column = attributes["nodes_featureids"]
    leaf, branch, is_left = steps
    order = np.lexsort((column[branch], leaf))
    return Paths(
        branches=Branches(
            column=column,
            threshold=attributes["nodes_splits"].astype(np.float64),
            takes_missing=attributes.get("nodes_missing_value_tracks_true", np.zeros(count)).astype(bool),
            members=_read_members(attributes, modes),
        ),
        leaf=leaf[order],
        branch=branch[order],
        is_left=is_left[order],
        weight=attributes["leaf_weights"].astype(np.float64)[own],
        target=attributes["leaf_targetids"][own],
    )


def _climb(at: Positions, is_left: Mask, parent: Positions, came_left: Mask) -> tuple[Positions, Positions, Mask]:
    """The steps from each leaf up to its root, beginning with the branch `at` which it is."""
    leaf = np.arange(len(at))
    found: list[tuple[Positions, Positions, Mask]] = []
    while len(at):
        found.append((leaf, at, is_left))
        above = parent[at]
        goes_on = above >= 0
        leaf, is_left, at = leaf[goes_on], came_left[at[goes_on]], above[goes_on]
    if not found:
        return leaf, at, is_left
    leaves, branches, sides = zip(*found, strict=True)
    return np.concatenate(leaves), np.concatenate(branches), np.concatenate(sides)


def _read_members(attributes: Mapping[str, NDArray[Any]], modes: NDArray[Any]) -> dict[int, Vector]:
    """The values of each branch that asks for some: lists with a NaN at the end of each, in the order of the nodes."""
    values = attributes.get("membership_values")
    if values is None:
        return {}
    lists = np.split(values.astype(np.float64), np.flatnonzero(np.isnan(values)))
    return {
        int(branch): each[~np.isnan(each)]
        for branch, each in zip(np.flatnonzero(modes == IS_MEMBER), lists, strict=False)
    }
