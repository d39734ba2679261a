"""Shapley values of a game by asking the model: exact where that is possible, else sampled.

Sources: Štrumbelj & Kononenko 2014, "Explaining prediction models and individual predictions with feature
contributions"; Lundberg & Lee 2017, "A unified approach to interpreting model predictions"; antithetic pairs: Mitchell,
Cooper, Frank & Holmes 2022, "Sampling permutations for Shapley value estimation", section 4.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from predictor.schema.values import Matrix, Vector
from predictor.serving.explaining.game import Game, Positions

# Of a sum, compared with the range of its terms: what float32 leaves open.
TOLERANCE = 1e-5
# Each pair of players is separated in half of these, so that an interaction shows.
TRIED = 64
ROWS_AT_ONCE = 4_000
# All coalitions of more would be too many rows for any model.
MOST_PLAYERS = 14
# The clock is looked at so often, in as many parts of the time.
SHARES = 10
# The standard error of the largest value, compared with it, below which no more is sampled.
PRECISION = 0.005


@dataclass(frozen=True, kw_only=True)
class Contributions:
    """A Shapley value for each feature, shape (features,); they add up to the answer minus the mean of the background.

    `errors` are their standard errors, None where they are exact.
    """

    values: Vector
    errors: "Vector | None" = None


def find_additive(game: Game, seconds: float, seed: int = 0) -> Contributions | None:
    """The exact values where each input adds an amount of its own, as in a linear model.

    None where inputs interact, and where the model needs more than `seconds` for this.
    """
    players, features, rows = game.players, game.hybrids.features, game.rows
    if (len(players) * rows + rows + TRIED) * game.seconds_a_row > seconds:
        return None
    added = np.array([game.value - _play_without(game, player) for player in players])
    drawn = np.random.default_rng(seed)
    tried, chosen = drawn.random((TRIED, features)) < 0.5, drawn.integers(0, rows, TRIED)
    tried = np.vstack([tried, np.zeros((rows, features), dtype=bool)])
    chosen = np.concatenate([chosen, np.arange(rows)])
    expected = game.value - (added.T[chosen] * ~tried[:, players]).sum(axis=1)
    scale = max(float(np.ptp(game.base_values)), float(np.abs(added).max(initial=0.0)))
    if not np.allclose(game.play(tried, chosen), expected, rtol=1e-9, atol=TOLERANCE * scale):
        return None
    values = np.zeros(features)
    values[players] = added.mean(axis=1)
    return Contributions(values=values)


def _play_without(game: Game, player: int) -> Vector:
    """What is explained where one feature is that of each background row, shape (rows,)."""
    is_own = np.ones((game.rows, game.hybrids.features), dtype=bool)
    is_own[:, player] = False
    return game.play(is_own, np.arange(game.rows))


def enumerate_coalitions(game: Game, seconds: float) -> Contributions | None:
    """The exact values from all coalitions; None where the model needs more than `seconds` for them."""
    players, rows = game.players, game.rows
    count = len(players)
    if count > MOST_PLAYERS or (1 << count) * rows * game.seconds_a_row > seconds:
        return None
    coalitions = (np.arange(1 << count)[:, None] >> np.arange(count)) & 1 == 1
    worth = np.array([_play_for_all(game, players[members]) for members in coalitions])
    sizes = coalitions.sum(axis=1)
    weights = np.array(
        [math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count) for size in range(count)]
    )
    values = np.zeros(game.hybrids.features)
    for place, player in enumerate(players):
        without = np.flatnonzero(~coalitions[:, place])
        values[player] = weights[sizes[without]] @ (worth[without | (1 << place)] - worth[without])
    return Contributions(values=values)


def _play_for_all(game: Game, members: Positions) -> float:
    """What is explained where these features are the row's own, on average over the background."""
    is_own = np.zeros((game.rows, game.hybrids.features), dtype=bool)
    is_own[:, members] = True
    return float(game.play(is_own, np.arange(game.rows)).mean())


def sample_permutations(game: Game, seconds: float, seed: int = 0) -> Contributions:
    """Estimates from random orders of the inputs, each with its reverse, for one background row after the other.

    It stops after `seconds`, or when the errors are small. What a sum of estimates lacks is spread by their variance.
    """
    deadline = time.perf_counter() + seconds
    found, taken = np.empty((0, len(game.players))), np.empty(0, dtype=np.int64)
    for added, of in _walk_in_parts(game, seconds, np.random.default_rng(seed)):
        found, taken = np.concatenate([found, added]), np.concatenate([taken, of])
        is_round = len(taken) % game.rows == 0
        # One pair alone has no error.
        if len(taken) > 1 and (
            time.perf_counter() > deadline or (is_round and _is_precise(_summarise(game, found, taken)))
        ):
            break
    return _summarise(game, found, taken)


def _walk_in_parts(game: Game, seconds: float, drawn: np.random.Generator) -> Iterator[tuple[Matrix, Positions]]:
    """Meet all background rows, in a random order, again and again, in parts of a tenth of the time or less."""
    rows_at_once = min(ROWS_AT_ONCE, int(seconds / SHARES / game.seconds_a_row))
    pairs = max(1, rows_at_once // (2 * len(game.players)))
    while True:
        for of in np.array_split(drawn.permutation(game.rows), math.ceil(game.rows / pairs)):
            yield _walk_both_ways(game, of, drawn), of


def _walk_both_ways(game: Game, of: Positions, drawn: np.random.Generator) -> Matrix:
    """What each player adds, on average over a random order and its reverse, shape (len(of), players)."""
    players, features = game.players, game.hybrids.features
    count = len(players)
    orders = drawn.permuted(np.tile(np.arange(count), (len(of), 1)), axis=1)
    both = np.concatenate([orders, orders[:, ::-1]])
    places = np.argsort(both, axis=1)
    # After step k, the first k players of the order are the row's own.
    is_own = np.ones((len(both), count - 1, features), dtype=bool)
    is_own[:, :, players] = places[:, None, :] < np.arange(1, count)[None, :, None]
    others = np.tile(of, 2)
    between = game.play(is_own.reshape(-1, features), np.repeat(others, count - 1)).reshape(len(both), count - 1)
    ends = np.full((len(both), 1), game.value)
    worth = np.hstack([game.base_values[others][:, None], between, ends])
    added = np.take_along_axis(np.diff(worth, axis=1), places, axis=1)
    first, second = np.split(added, 2)
    both_ways: Matrix = (first + second) / 2
    return both_ways


def _summarise(game: Game, found: Matrix, taken: Positions) -> Contributions:
    """Means and standard errors of what players added, (n, players), each against background row `taken`, (n,)."""
    means, variances = found.mean(axis=0), _find_variances(found, taken, game.rows)
    lacking = game.value - game.base - means.sum()
    total = variances.sum()
    shares = variances / total if total > 0 else np.full(len(means), 1 / len(means))
    values, errors = np.zeros(game.hybrids.features), np.zeros(game.hybrids.features)
    values[game.players] = means + lacking * shares
    errors[game.players] = np.sqrt(variances)
    return Contributions(values=values, errors=errors)


def _find_variances(found: Matrix, taken: Positions, rows: int) -> Vector:
    """The variances of the means, shape (players,): where each background row was met twice, of what differs within."""
    counts = np.bincount(taken, minlength=rows)
    if counts.min() < 2:
        variances: Vector = found.var(axis=0) / max(1, len(found) - 1)
        return variances
    sums, squares = (np.zeros((rows, found.shape[1])) for _ in range(2))
    np.add.at(sums, taken, found)
    np.add.at(squares, taken, found**2)
    within = (squares - sums**2 / counts[:, None]) / (counts - 1)[:, None]
    spread: Vector = np.maximum(within, 0).sum(axis=0) / (rows * len(found))
    return spread


def _is_precise(estimate: Contributions) -> bool:
    if estimate.errors is None:
        return True
    return float(estimate.errors.max(initial=0)) <= PRECISION * float(np.abs(estimate.values).max(initial=0))
