"""Makes a version's reference of its training data: bins of each column, and blocks of rows for all together."""

import numpy as np
from numpy.typing import NDArray

from predictor.record.reference import Categories, Numbers, Part, Reference, Sample, cut_blocks, number_bins
from predictor.schema.kinds import Boolean, Category, Feature
from predictor.schema.text import Text, measure_texts, share_known_words
from predictor.schema.values import Vector
from predictor.training.dataset import Dataset
from predictor.training.evaluation import HOLD_OUT, Evaluation

# A bin is about a 100th of the rows, as far as five rows or more are in it, and all columns together have 50,000.
MOST_BINS, FEWEST_BINS, FEWEST_IN_BIN, MOST_BINS_OF_ALL = 100, 10, 5, 50_000
MOST_OF_A_BIN = 0.8
# Of the training, chosen by chance: more would change hardly any bin.
MOST_ROWS = 50_000
# In blocks; each number of a bin is a byte.
MOST_BLOCK_ROWS, MOST_NUMBERS = 4_000, 250_000
# Of a column of texts, chosen by chance: to look up all words takes long.
MOST_TEXTS = 1_000


def describe_reference(dataset: Dataset, evaluation: Evaluation, *, seed: int) -> Reference:
    """What is kept of at most 50,000 training rows of a dataset, and of the predictions of its evaluation.

    Nothing is kept of sensitive inputs. Predictions and known words are those of rows that the version was not trained
    on, where there are any: for those that it was trained on, every word is known, and predictions are too good.
    """
    most = max(FEWEST_BINS, min(MOST_BINS, MOST_BINS_OF_ALL // len(dataset.schema.features)))
    drawn = np.random.default_rng(seed)
    training = np.sort(drawn.permutation(np.flatnonzero(dataset.training))[:MOST_ROWS])
    columns, numbers = [], []
    for position, feature in enumerate(dataset.schema.features):
        if feature.sensitive:  # Predictions do not have them.
            continue
        values = _take_values(dataset, position, training)
        part: Part = "length" if isinstance(feature, Text) else "input"
        columns.append(_describe_column(feature.name, part, values, _count_codes(feature), most))
        numbers.append(number_bins(columns[-1], values))
    order = drawn.permutation(len(training))[: _count_block_rows(len(columns))]
    return Reference(
        rows=len(training),
        columns=tuple(columns),
        others=(*_describe_words(dataset, evaluation, seed), _describe_predictions(dataset, evaluation)),
        blocks=cut_blocks(np.column_stack(numbers), order).tobytes() if numbers else b"",
    )


def _count_block_rows(columns: int) -> int:
    return min(MOST_BLOCK_ROWS, MOST_NUMBERS // max(1, columns))


def _take_values(dataset: Dataset, position: int, rows: NDArray[np.int64]) -> Vector:
    if position in dataset.texts:
        return measure_texts(dataset.texts[position][rows], len)
    return dataset.matrix[rows, position]


def _count_codes(feature: Feature) -> int:
    """How many codes a column has, with that of other categories; 0 for numbers."""
    match feature:
        case Category():
            return len(feature.choices) + 1
        case Boolean():
            return 2
        case _:
            return 0


def _describe_column(name: str, part: Part, values: Vector, codes: int, most: int = MOST_BINS) -> Sample:
    known = values[np.isfinite(values)]
    missing = len(values) - len(known)
    if codes:
        counts = np.bincount(known.astype(np.int64), minlength=codes)
        return Categories(name=name, part=part, counts=tuple(counts.tolist()), missing=missing)
    edges = find_edges(known, most)
    counts = np.bincount(edges.searchsorted(known), minlength=len(edges) + 1)
    return Numbers(
        name=name,
        part=part,
        edges=edges.astype("<f8").tobytes(),
        counts=tuple(counts.tolist()),
        missing=missing,
        single=_find_single(known, edges),
    )


def _find_single(values: Vector, edges: Vector) -> tuple[bool, bool]:
    """Whether most rows in the lowest bin have the same value, and in the highest one."""
    if not len(values):
        return False, False
    lowest, highest = values[values <= edges[1]], values[values > edges[-2]]
    most = [np.unique(each, return_counts=True)[1].max() / len(each) for each in (lowest, highest)]
    return bool(most[0] >= MOST_OF_A_BIN), bool(most[1] >= MOST_OF_A_BIN)


def find_edges(values: Vector, most: int) -> Vector:
    """The edges of bins with about the same number of values, shape (n,), five or more each.

    Values that many rows have are bins alone. All edges but the first and the last, which lie around all values, lie
    between two values.
    """
    if not len(values):
        return np.empty(0)
    distinct, counts = np.unique(values, return_counts=True)
    bins = max(1, min(most, len(values) // FEWEST_IN_BIN))
    width = len(values) / bins
    ends = counts.cumsum().searchsorted(np.arange(1, bins) * width)
    frequent = np.flatnonzero(counts >= width)
    cuts = np.unique(np.concatenate([ends, frequent, frequent - 1]))
    cuts = _leave_enough(cuts[(cuts >= 0) & (cuts < len(distinct) - 1)], counts.cumsum())
    below, above = distinct[cuts], distinct[cuts + 1]
    middle = below / 2 + above / 2
    inner = np.where((middle >= below) & (middle < above), middle, below)
    return np.concatenate([[np.nextafter(distinct[0], -np.inf)], inner, [distinct[-1]]])


def _leave_enough(cuts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those cuts that leave five rows or more in each bin; `ends` are the rows up to each distinct value."""
    kept, rows = [], 0
    for cut in cuts:
        if ends[cut] - rows >= FEWEST_IN_BIN and ends[-1] - ends[cut] >= FEWEST_IN_BIN:
            kept.append(cut)
            rows = ends[cut]
    return np.array(kept, dtype=np.int64)


def _describe_words(dataset: Dataset, evaluation: Evaluation, seed: int) -> list[Sample]:
    """The shares of known words of the held-out texts; none where no row is held out."""
    held_out = np.flatnonzero(dataset.held_out)
    if evaluation.method != HOLD_OUT:
        return []
    chosen = np.random.default_rng(seed).permutation(held_out)[:MOST_TEXTS]
    texts = [each for each in dataset.schema.features if isinstance(each, Text) and each.words and not each.sensitive]
    places = {name: position for position, name in dataset.schema.text_columns.items()}
    return [
        _describe_column(each.name, "known words", share_known_words(each, dataset.texts[places[each.name]][chosen]), 0)
        for each in texts
    ]


def _describe_predictions(dataset: Dataset, evaluation: Evaluation) -> Sample:
    target = dataset.schema.target
    return _describe_column(target.name, "output", evaluation.predictions.predicted, len(target.classes))
