"""Explains the answers of one version: prepared once, and then asked for one row after the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from predictor.estimators.compiled import CompiledModel
from predictor.schema.table import Inputs, take_rows
from predictor.schema.values import Label, Matrix, Vector
from predictor.serving.explaining.columns import are_owners, find_owners
from predictor.serving.explaining.game import Game, Hybrids, Positions
from predictor.serving.explaining.measures import Measure, Scale, choose_measure
from predictor.serving.explaining.parts import Opened, Part, open_model
from predictor.serving.explaining.paths import Paths, read_paths
from predictor.serving.explaining.shapley import (
    TOLERANCE,
    Contributions,
    enumerate_coalitions,
    find_additive,
    sample_permutations,
)
from predictor.serving.explaining.trees import Slots, explain_trees, make_slots
from predictor.serving.runtime import Runtime

# What is prepared for so many takes about 13 MB, and each answer about 50 ms.
MOST_LEAVES = 30_000
# For all that is asked of the model itself.
SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why an answer is what it is: `contributions` by feature add up to `value`, the answer, less `base`.

    `base` is the mean answer over the `rows` of the background. Both are in the unit of the `scale`. `errors` are
    standard errors where the contributions are estimates, else None.
    """

    scale: Scale
    value: float
    base: float
    rows: int
    contributions: Mapping[str, float]
    errors: Mapping[str, float] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Trees:
    """The trees of a compiled model, prepared for a background: its rows as the trees get them are in `columns`."""

    part: Part
    paths: Paths
    owners: Positions
    columns: Matrix
    slots: Slots
    shares: "Matrix | None"

    def weigh(self, measure: Measure) -> Vector:
        """What each leaf adds to what is explained, but for a factor that is the same for all, shape (leaves,)."""
        weight, target = self.paths.weight, self.paths.target
        if self.shares is not None:
            return self.shares[weight.astype(np.int64), measure.position]
        if measure.scale == "prediction":
            return weight
        if not target.any():
            return weight if measure.position == 1 or measure.classes > 2 else -weight
        return weight * np.where(target == measure.position, 1.0, -1.0 / (measure.classes - 1))


class Explainer:
    """Explains answers of a loaded version against its background, with the bytes of its compiled model."""

    def __init__(self, runtime: Runtime, background: Inputs, data: bytes | bytearray | None = None) -> None:
        self.runtime, self.background = runtime, background
        self._data = data

    @cached_property
    def _opened(self) -> Opened | None:
        estimator, data, self._data = self.runtime.estimator, self._data, None
        if data is None or not isinstance(estimator, CompiledModel):
            return None
        return open_model(data, estimator.bags)

    @cached_property
    def _trees(self) -> Trees | None:
        """None where the version has no trees that are known here, or too many."""
        opened = self._opened
        if opened is None or opened.columns is None or opened.attributes is None:
            return None
        paths = read_paths(opened.attributes, MOST_LEAVES)
        hybrids = Hybrids(row=take_rows(self.background, slice(0, 1)), background=self.background)
        owners = find_owners(opened.columns, self.runtime.schema, hybrids) if paths else None
        if paths is None or owners is None or not len(paths.leaf):
            return None
        columns = opened.columns.run(self.background)
        return Trees(
            part=opened.columns,
            paths=paths,
            owners=owners,
            columns=columns,
            slots=make_slots(paths, owners, columns),
            shares=opened.shares,
        )

    def explain(self, row: Inputs, output: float | Label) -> Explanation:
        """Explain the answer `output` to one row: exactly where that is quick, else by sampling, with errors.

        Raises CannotExplain.
        """
        measure = choose_measure(self.runtime, self._opened, output)
        game = Game(hybrids=Hybrids(row=row, background=self.background), measure=measure)
        found = self._find(game, measure)
        names = self.runtime.schema.names
        return Explanation(
            scale=measure.scale,
            value=game.value,
            base=game.base,
            rows=game.rows,
            contributions=dict(zip(names, found.values.tolist(), strict=True)),
            errors=None if found.errors is None else dict(zip(names, found.errors.tolist(), strict=True)),
        )

    def _find(self, game: Game, measure: Measure) -> Contributions:
        if not len(game.players):
            return Contributions(values=np.zeros(game.hybrids.features))
        found = self._find_by_trees(game, measure) if self._trees else find_additive(game, SECONDS)
        if found is None:
            found = enumerate_coalitions(game, SECONDS)
        return found or sample_permutations(game, SECONDS)

    def _find_by_trees(self, game: Game, measure: Measure) -> Contributions | None:
        """The exact values from the trees; None where what is explained is not their sum, times a factor."""
        trees = self._trees
        if trees is None or not are_owners(trees.part, trees.owners, game.hybrids, trees.columns):
            return None
        slots, weight = trees.slots, trees.weigh(measure)
        passed = slots.pass_row(trees.part.run(game.hybrids.row)[0])
        sums = np.append(slots.sum_background(weight), slots.sum_row(passed, weight))
        explained = np.append(game.base_values, game.value)
        factor = _find_factor(sums, explained)
        if factor is None:
            return None
        return Contributions(values=factor * explain_trees(slots, passed, weight, game.hybrids.features))


def _find_factor(sums: Vector, explained: Vector) -> float | None:
    """The factor by which what is explained changes with the sums, both of shape (n,); None where it does not."""
    centred, wanted = sums - sums.mean(), explained - explained.mean()
    scale = float(centred @ centred)
    factor = float(centred @ wanted) / scale if scale > 0 else 0.0
    return factor if np.abs(wanted - factor * centred).max() <= TOLERANCE * np.ptp(explained) else None
