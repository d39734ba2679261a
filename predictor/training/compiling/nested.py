"""Reads trees that a library writes as nested objects."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from predictor.training.compiling.trees import Tree


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One branch: where its left side is taken, by a threshold or by categories, and its two sides."""

    feature: int
    left: Any
    right: Any
    threshold: float = np.nan
    members: list[int] = field(default_factory=list)
    takes_missing_left: bool = False


def flatten(root: Any, read: Callable[[Any], Branch | float], target: int = 0) -> Tree:
    """Number the nodes below `root`, which `read` turns into a branch or the weight of a leaf."""
    waiting: list[Any] = [root]
    nodes: list[tuple[Any, ...]] = []
    members: dict[int, list[int]] = {}
    while len(nodes) < len(waiting):
        found = read(waiting[len(nodes)])
        if isinstance(found, Branch):
            if found.members:
                members[len(nodes)] = found.members
            sides = len(waiting), len(waiting) + 1
            waiting += [found.left, found.right]
            nodes.append((found.feature, found.threshold, *sides, found.takes_missing_left, False, 0.0))
        else:
            nodes.append((0, 0.0, -1, -1, False, True, found))
    feature, threshold, left, right, takes_missing_left, is_leaf, weights = map(np.array, zip(*nodes, strict=True))
    return Tree(
        feature=feature,
        threshold=threshold.astype(np.float64),
        left=left,
        right=right,
        takes_missing_left=takes_missing_left,
        is_leaf=is_leaf,
        weights=weights.astype(np.float64),
        target=target,
        members=members,
    )
