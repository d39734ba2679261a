"""Turns columns of texts into numbers next to the other columns: all that is chosen about that is here."""

from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import text as sklearn_text
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from predictor.estimators.on_table import to_numbers
from predictor.estimators.topics import Topics
from predictor.schema.kinds import Feature, Task
from predictor.schema.schema import Schema
from predictor.schema.text import Text
from predictor.training.recipe import EstimatorRecipe

# A term is a word or two in a row; where a language has no blanks between words, a character or two.
WORDS = {"analyzer": "word", "ngram_range": (1, 2)}
CHARACTERS = {"analyzer": "char", "ngram_range": (1, 2)}
# In at least so many texts, unless none is. Of more terms than the second, the most frequent ones.
FEWEST_TEXTS, MOST_TERMS = 2, 50_000
# What estimators get that take no sparse matrix, such as trees.
TOPICS = 50
# By what people call them, good ones first. RidgeCV would make a matrix of rows by rows.
LINEAR_ON_TEXTS: dict[Task, dict[str, EstimatorRecipe]] = {
    "regression": {"linear model": EstimatorRecipe(path="sklearn.linear_model.Ridge")},
    "classification": {
        name: EstimatorRecipe(path="sklearn.linear_model.LogisticRegression", params={"C": c, "max_iter": 1000})
        # The last one is for classes that their words tell apart almost always.
        for name, c in (("linear model", 10.0), ("linear model with C = 3", 3.0), ("linear model with C = 100", 100.0))
    },
}
# How scikit-learn says that no term is in so many texts. Checked with scikit-learn 1.9.1 (tests/test_text_recipes.py).
NO_TERMS = "no terms remain"


class TfidfVectorizer(sklearn_text.TfidfVectorizer):
    """scikit-learn's own, which leaves out terms of too few texts before it sorts the others: most are of one text.

    It finds the same terms, and is scikit-learn's own as soon as it is fitted: so it is stored and compiled.
    Checked with scikit-learn 1.9.1 (tests/test_insides.py, tests/test_text_recipes.py).
    """

    def _sort_features(self, counts: Any, vocabulary: dict[str, int]) -> Any:
        fewest = self.min_df if isinstance(self.min_df, int) else self.min_df * counts.shape[0]
        counts = self._limit_features(counts, vocabulary, low=fewest)
        self.__class__ = sklearn_text.TfidfVectorizer
        return self._sort_features(counts, vocabulary)


def prepare_texts(schema: Schema, prepared: Any, *, takes_sparse: bool, seed: int) -> Any:
    """The step of a pipeline that turns a table with texts into numbers, by position.

    `prepared` does so with the other columns, taken together; None leaves them as they are.
    """
    texts = list(schema.text_columns)
    steps = {column: make_vectoriser(schema.features[column], takes_sparse=takes_sparse, seed=seed) for column in texts}
    if len(schema.features) == 1:
        return steps[0]
    parts: list[tuple[str, Any, Any]] = [
        ("text" if len(texts) == 1 else f"text {column}", step, column) for column, step in steps.items()
    ]
    others = [column for column in range(len(schema.features)) if column not in steps]
    if others:
        numbers = FunctionTransformer(to_numbers)
        parts.insert(0, ("others", numbers if prepared is None else make_pipeline(numbers, prepared), others))
    return ColumnTransformer(parts)


def make_vectoriser(feature: Feature, *, takes_sparse: bool, seed: int) -> Any:
    """TF-IDF of one column of texts, reduced to topics for estimators that take no sparse matrix."""
    terms = CHARACTERS if isinstance(feature, Text) and feature.unspaced else WORDS
    vectoriser = TfidfVectorizer(**terms, sublinear_tf=True, min_df=FEWEST_TEXTS, max_features=MOST_TERMS)
    return vectoriser if takes_sparse else make_pipeline(vectoriser, Topics(TOPICS, random_state=seed))


def fit_with_terms(fit: Callable[[], Any], model: BaseEstimator) -> None:
    """Call `fit`, which fits this model; where no term is in two texts, once more with terms of one text."""
    try:
        fit()
    except ValueError as error:
        asked = {name: 1 for name, value in model.get_params().items() if name.endswith("min_df") and value != 1}
        if NO_TERMS not in str(error) or not asked:
            raise
        model.set_params(**asked)
        fit()
