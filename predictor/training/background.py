"""Makes the background of a version: the typical rows with which an answer's inputs are compared."""

from collections import Counter

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from predictor.record.background import MOST_ROWS, Background
from predictor.schema.kinds import Feature, Integer, Number
from predictor.schema.schema import Schema
from predictor.schema.seen_words import collect_words, find_words
from predictor.schema.table import Inputs, Table, get_matrix
from predictor.schema.values import Vector, count_equal
from predictor.training.layout import FEWEST_ROWS

# So many rows of the table make one value of a column.
ROWS_OF_A_VALUE = 5
# More rows change no quantile that matters.
MOST_SAMPLED, MOST_TEXTS = 50_000, 5_000
MOST_WORDS = 200


def make_background(schema: Schema, inputs: Inputs, *, show_data: bool, seed: int) -> Background | None:
    """The background of n training rows; None of fewer than 20, of sensitive inputs, or where no row is left.

    Each column has the quantiles of its values in training, each the median of at least 5 rows, categories as often as
    there. Which values are in one row follows the order of values in rows drawn at random, so that columns go together
    about as in training (Iman & Conover 1982, "A distribution-free approach to inducing rank correlation among input
    variables"). Without `show_data`, no row is a training row, but one that 20 or more of these are equal to. Texts are
    drawn from the words that 20 or more texts have.
    """
    drawn = np.random.default_rng(seed)
    matrix = get_matrix(inputs)
    count = len(matrix)
    if count < FEWEST_ROWS or schema.sensitive:
        return None
    sample = drawn.permutation(count)[:MOST_SAMPLED]
    rows = min(MOST_ROWS, len(sample) // ROWS_OF_A_VALUE)
    columns = [
        _place(_find_values(feature, matrix[sample, position], rows), matrix[sample[:rows], position], drawn)
        for position, feature in enumerate(schema.features)
    ]
    made = np.column_stack(columns)
    texts = (
        {column: _draw_texts(values[sample[:MOST_TEXTS]], rows, drawn) for column, values in inputs.texts.items()}
        if isinstance(inputs, Table)
        else {}
    )
    if not show_data and not texts:
        # A row that 20 or more others are equal to tells of none of them.
        made = made[[not 0 < count_equal(matrix, row) < FEWEST_ROWS for row in made]]
    return Background.pack(made, texts) if len(made) else None


def _find_values(feature: Feature, values: Vector, rows: int) -> Vector:
    """So many values, in their order, that stand for all `values`; the missing ones are last."""
    parts = np.array_split(np.sort(values), rows)
    if isinstance(feature, Number | Integer):
        return np.array([np.nan if 2 * np.isnan(part).sum() > len(part) else np.nanmedian(part) for part in parts])
    return np.array([part[len(part) // 2] for part in parts])


def _place(values: Vector, template: Vector, drawn: Generator) -> Vector:
    """Values in the order that those of `template` have, where equal ones come in any order."""
    order = np.lexsort((drawn.random(len(template)), template))
    placed = np.empty_like(values)
    placed[order] = values
    return placed


def _draw_texts(texts: "NDArray[np.object_]", rows: int, drawn: Generator) -> "NDArray[np.object_]":
    """Texts of words that many texts have, each as often as there, and as many words as a text of them has."""
    found = Counter(word for text in texts if text for word in collect_words(text))
    words = [(word, count) for word, count in sorted(found.items()) if count >= FEWEST_ROWS]
    lengths = np.array([-1 if text is None else sum(1 for _ in find_words(text)) for text in texts])
    chosen = [int(part[len(part) // 2]) for part in np.array_split(np.sort(lengths), rows)]
    drawn.shuffle(chosen)
    names = [word for word, _ in words]
    shares = np.array([count for _, count in words], dtype=np.float64) / sum(count for _, count in words or [("", 1)])

    def write(length: int) -> str | None:
        if length < 0:
            return None
        return " ".join(drawn.choice(names, min(length, MOST_WORDS), p=shares)) if names else ""

    return np.array([write(length) for length in chosen], dtype=object)
