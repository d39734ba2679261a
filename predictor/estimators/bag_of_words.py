"""The terms of a vectoriser and what each of them adds to an output, stored in a compiled model as data."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec

from predictor.estimators.analysis import Analysis
from predictor.schema.table import Table
from predictor.schema.values import Matrix, Vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Terms of some texts, each with its weights, are in memory at the same time: 16 MB of float64.
MOST_AT_ONCE = 2_000_000


class BagOfWords(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Counts the terms of the texts in a column, weighs them, and multiplies them by `weights`.

    `vocabulary` has the terms in the order of `idf`, float64 of shape (terms,) or empty, and of the rows of `weights`,
    float64 of shape (terms, outputs); both are little-endian. A missing text is an empty one.
    Source: `CountVectorizer` and `TfidfTransformer` of sklearn.feature_extraction.text, scikit-learn 1.9.
    """

    column: int
    analysis: Analysis
    vocabulary: tuple[str, ...]
    outputs: int = 0
    weights: bytes = b""
    idf: bytes = b""
    is_binary: bool = False
    is_sublinear: bool = False
    norm: Literal["l1", "l2"] | None = None

    def prepare(self) -> Self:
        """Make what terms are looked up in, so that the first text need not wait for it."""
        _ = self._positions, self._analyze
        return self

    def score(self, texts: "NDArray[np.object_]") -> Matrix:
        """The sums of the weighted terms of texts, shape (n,), for each output: shape (n, outputs)."""
        import numpy as np

        return np.concatenate([self._sum_weighted(counts) for counts in self._count_together(texts)])

    def has_known_terms(self, text: str) -> bool:
        """Whether any term of a text is in the vocabulary: without one, the text says nothing to the model."""
        return not self._positions.keys().isdisjoint(self._analyze(text))

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {term: position for position, term in enumerate(self.vocabulary)}

    @cached_property
    def _analyze(self) -> Callable[[str], list[str]]:
        return self.analysis.build_analyzer()

    @cached_property
    def _idf(self) -> Vector:
        import numpy as np

        return np.frombuffer(self.idf, dtype="<f8")

    @cached_property
    def _weights(self) -> Matrix:
        import numpy as np

        return np.frombuffer(self.weights, dtype="<f8").reshape(len(self.vocabulary), self.outputs)

    def _count(self, text: str) -> Counter[Any]:
        """How often each known term occurs, by its position."""
        counts = Counter(map(self._positions.get, self._analyze(text)))
        counts.pop(None, None)
        return counts

    def _count_together(self, texts: "NDArray[np.object_]") -> Iterator[list[Counter[Any]]]:
        counted: list[Counter[Any]] = []
        size = 0
        for text in texts:
            counted.append(self._count(text or ""))
            size += len(counted[-1]) * self.outputs
            if size > MOST_AT_ONCE:
                yield counted
                counted, size = [], 0
        yield counted

    def _sum_weighted(self, counted: list[Counter[Any]]) -> Matrix:
        import numpy as np

        scores = np.zeros((len(counted), self.outputs))
        lengths = np.array([len(counts) for counts in counted], dtype=np.int64)
        is_known = lengths > 0
        if not is_known.any():
            return scores
        lengths = lengths[is_known]
        starts = np.cumsum(lengths) - lengths
        positions = np.fromiter(chain.from_iterable(counted), dtype=np.int64)
        counts = np.fromiter(chain.from_iterable(each.values() for each in counted), dtype=np.float64)
        values = self._weigh_terms(counts, positions, starts, lengths)
        scores[is_known] = np.add.reduceat(values[:, None] * self._weights[positions], starts, axis=0)
        return scores

    def _weigh_terms(
        self, values: Vector, positions: "NDArray[np.int64]", starts: "NDArray[np.int64]", lengths: "NDArray[np.int64]"
    ) -> Vector:
        """The weights of terms, shape (m,), from their counts; each text's terms begin at one of `starts`."""
        import numpy as np

        if self.is_binary:
            values[:] = 1.0
        if self.is_sublinear:
            values = np.log(values) + 1.0
        if self.idf:
            values = values * self._idf[positions]
        if self.norm is None:
            return values
        sums = np.add.reduceat(np.abs(values) if self.norm == "l1" else values * values, starts)
        sizes = sums if self.norm == "l1" else np.sqrt(sums)
        divisors: Vector = np.repeat(np.where(sizes == 0.0, 1.0, sizes), lengths)
        return values / divisors


def score_texts(bags: Sequence[BagOfWords], table: Table) -> Matrix:
    """The scores of all bags of words next to each other, shape (n, outputs of all), for a table of n rows."""
    import numpy as np

    return np.hstack([bag.score(table.texts[bag.column]) for bag in bags])
