"""Turns the many terms of texts into the few numbers that trees can use.

Signed pickles name this class, its module and its fields: do not rename any of them.
"""

from typing import Any, Self

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.utils.validation import check_is_fitted

from predictor.schema.values import Matrix


class Topics(TransformerMixin, BaseEstimator):
    """Reduce TF-IDF to `count` numbers a text; with at most `count` terms, it stays as it is.

    Latent semantic analysis, by a truncated singular value decomposition (Deerwester and others 1990, "Indexing by
    latent semantic analysis").
    """

    def __init__(self, count: int = 50, random_state: int | None = None) -> None:
        self.count = count
        self.random_state = random_state

    def fit(self, terms: Any, target: Any = None) -> Self:
        """Find the topics of a sparse matrix of shape (n, terms)."""
        self.n_features_in_ = terms.shape[1]
        has_more = terms.shape[1] > self.count
        self.svd_ = TruncatedSVD(self.count, random_state=self.random_state).fit(terms) if has_more else None
        return self

    def transform(self, terms: Any) -> Matrix:
        """The topics of each text, shape (n, topics)."""
        check_is_fitted(self)
        topics: Matrix = terms.toarray() if self.svd_ is None else self.svd_.transform(terms)
        return topics

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
