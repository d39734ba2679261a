"""Texts are counted and weighed without scikit-learn, exactly as it does; what is not exact is not compiled."""

import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from predictor.estimators.compiled import CompiledModel
from predictor.estimators.imported import Imported
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.table import Table
from predictor.schema.target import Target
from predictor.training.compiling.checked import compile_checked
from predictor.training.compiling.compilation import compile_model
from predictor.training.compiling.graph import Columns, Graph, NotCompiled, Origin
from predictor.training.compiling.terms import add_vectoriser, multiply

RANDOM = np.random.default_rng(0)
WORDS = ["cash", "Free", "PRIZE", "café", "naïve", "e\u0301te", "日本", "👍", "a", "x1", "don't", "the", "end."]
TEXTS = [" ".join(RANDOM.choice(WORDS, RANDOM.integers(0, 12))) for _ in range(200)]
TEXT = make_feature(kind="text", name="message", label="Message", maximum_length=2_000)
NUMBER = make_feature(kind="number", name="length", label="Length", required=False)
# Letters that change their length with their case, that are composed and decomposed, and all kinds of whitespace.
LETTERS = st.text(
    st.sampled_from("abAB 1_.-'éÉe\u0301\u0345İßŉﬁﷺ日本ｱ👍\u200d\n\t\r\x1c\x85\u00a0\u3000\x00٣²"), max_size=60
)
SETTINGS = st.one_of(
    st.fixed_dictionaries(
        {
            "token_pattern": st.sampled_from(
                [r"(?u)\b\w\w+\b", r"(?u)\b\w+\b", r"\w+", r"\w\w\w+", r"\b\w{2,}\b", r"\S+"]
            ),
            "stop_words": st.sampled_from([None, "english", ["cash", "日本"]]),
            "ngram_range": st.sampled_from([(1, 1), (1, 2), (1, 3), (2, 2), (2, 4)]),
        }
    ),
    st.fixed_dictionaries(
        {
            "analyzer": st.sampled_from(["char", "char_wb"]),
            "ngram_range": st.sampled_from([(1, 1), (1, 3), (2, 4), (3, 3), (5, 7)]),
        }
    ),
)
COMMON = st.fixed_dictionaries(
    {
        "lowercase": st.booleans(),
        "strip_accents": st.sampled_from([None, "ascii", "unicode"]),
        "binary": st.booleans(),
        "sublinear_tf": st.booleans(),
        "use_idf": st.booleans(),
        "norm": st.sampled_from([None, "l1", "l2"]),
        "max_features": st.sampled_from([None, 5]),
    }
)


def compile_vectoriser(vectoriser, weights):
    """The bag of words of a fitted vectoriser with these weights, (terms, outputs)."""
    graph = Graph(texts=[0])
    terms = add_vectoriser(graph, vectoriser, Columns(name="inputs", origins=(Origin(column=0),)))
    multiply(graph, weights, terms)
    return graph.bags[0]


@given(SETTINGS, COMMON, st.lists(LETTERS, min_size=2, max_size=6), st.lists(LETTERS, min_size=1, max_size=4))
def test_texts_have_the_terms_and_the_weights_that_scikit_learn_gives_them(settings, common, fitted_on, asked):
    vectoriser = TfidfVectorizer(**settings, **common)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # About stop words that the analysis changes.
        try:
            vectoriser.fit([*fitted_on, "cash cash 日本 e\u0301te"])
        except ValueError:  # All of its words are stop words.
            return
    weights = np.random.default_rng(0).normal(size=(len(vectoriser.vocabulary_), 2))
    bag = compile_vectoriser(vectoriser, weights)
    analyze = vectoriser.build_analyzer()
    for text in (*asked, *fitted_on):
        assert bag.analysis.build_analyzer()(text) == analyze(text)
        assert bag.has_known_terms(text) == any(term in vectoriser.vocabulary_ for term in analyze(text))
    theirs = vectoriser.transform([*asked, *fitted_on]) @ weights
    ours = bag.score(np.array([*asked, *fitted_on], dtype=object))
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)


def place(*vectorisers):
    """Texts by position next to a number, as a recipe has them."""
    parts = [(f"text {number}", each, 1) for number, each in enumerate(vectorisers)]
    return ColumnTransformer([("numbers", StandardScaler(), [0]), *parts])


def fit(estimator, *, next_to_number=False, task="classification", classes=3):
    """The fitted estimator as an import has it, and its dataset: a text alone, or next to a number."""
    texts = {int(next_to_number): np.array(TEXTS, dtype=object)}
    matrix = np.full((len(TEXTS), 1 + next_to_number), np.nan)
    if next_to_number:
        matrix[:, 0] = RANDOM.normal(size=len(TEXTS))
    target = np.array([float(text.count("a") % classes if task == "classification" else len(text)) for text in TEXTS])
    labels = tuple(range(classes)) if task == "classification" else ()
    inputs = Table(matrix=matrix, texts=texts)
    schema = Schema(
        features=(NUMBER, TEXT) if next_to_number else (TEXT,),
        target=Target(name="t", label="t", task=task, classes=labels),
    )
    fitted = Imported(estimator=estimator.fit(inputs.to_input(), target + (task != "classification")), labels=labels)
    return fitted, SimpleNamespace(schema=schema, matrix=matrix, texts=texts, inputs=inputs, target=target)


@pytest.mark.parametrize(
    ("estimator", "options"),
    [
        (make_pipeline(TfidfVectorizer(), LogisticRegression()), {}),
        (make_pipeline(TfidfVectorizer(), LogisticRegression()), {"classes": 2}),
        (make_pipeline(CountVectorizer(), TfidfTransformer(sublinear_tf=True), MultinomialNB()), {"classes": 2}),
        (make_pipeline(CountVectorizer(), SelectKBest(chi2, k=4), TfidfTransformer(), ComplementNB()), {}),
        (make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), SelectKBest(chi2, k=9), SGDClassifier()), {}),
        (make_pipeline(TfidfVectorizer(), MaxAbsScaler(), LinearSVC()), {}),
        (make_pipeline(make_union(TfidfVectorizer(), CountVectorizer(analyzer="char_wb")), RidgeClassifier()), {}),
        (make_pipeline(TfidfVectorizer(), TruncatedSVD(4), DecisionTreeClassifier(max_depth=4)), {}),
        (GridSearchCV(make_pipeline(CountVectorizer(), MultinomialNB()), {"multinomialnb__alpha": [1, 2]}, cv=2), {}),
        (
            make_pipeline(place(TfidfVectorizer(), TfidfVectorizer(analyzer="char")), LogisticRegression()),
            {"next_to_number": True},
        ),
        (make_pipeline(TfidfVectorizer(), Ridge()), {"task": "regression"}),
        (make_pipeline(place(CountVectorizer()), PoissonRegressor()), {"task": "regression", "next_to_number": True}),
        (
            TransformedTargetRegressor(
                make_pipeline(place(TfidfVectorizer()), Ridge()), func=np.log, inverse_func=np.exp, check_inverse=False
            ),
            {"task": "regression", "next_to_number": True},
        ),
    ],
    ids=lambda each: type(getattr(each, "steps", [[0, each]])[-1][1]).__name__ if hasattr(each, "fit") else "",
)
def test_a_model_of_texts_is_compiled_and_answers_as_its_pickle_also_for_odd_texts(estimator, options):
    checked = compile_checked(*fit(estimator, **options))
    assert checked.data, checked.described
    assert checked.described.difference < 1e-12
    assert checked.described.edge_rows > 60


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (HashingVectorizer(n_features=64), "HashingVectorizer is not compiled"),
        (TfidfVectorizer(tokenizer=str.split, token_pattern=None), "not compiled with a function as its tokenizer"),
        (TfidfVectorizer(preprocessor=str.title), "not compiled with a function as its preprocessor"),
        (TfidfVectorizer(analyzer=str.split), "not compiled with a function as its analyzer"),
        (TfidfVectorizer(token_pattern=r"(?:\w+)+@|\w\w"), "not compiled with another token_pattern than a run of"),
        (TfidfVectorizer(token_pattern=r"\w+@|\w\w"), "not compiled with another token_pattern than a run of"),
        (TfidfVectorizer(analyzer="char", ngram_range=(1, 500)), "compiled with an ngram_range from 1 to 10"),
        (TfidfVectorizer(dtype=np.float32), "not compiled with this dtype"),
        (
            make_pipeline(CountVectorizer(), MaxAbsScaler(), TfidfTransformer()),
            "for the counts of a CountVectorizer only",
        ),
        (make_pipeline(TfidfVectorizer(), TfidfTransformer()), "for the counts of a CountVectorizer only"),
        (make_pipeline(FunctionTransformer(list), TfidfVectorizer()), "FunctionTransformer is not compiled"),
    ],
)
def test_texts_that_would_be_read_otherwise_are_left_to_the_pickle_with_the_reason(step, reason):
    checked = compile_checked(*fit(make_pipeline(step, LogisticRegression())))
    assert checked.data is None
    assert reason in checked.described.reason


def test_trees_on_terms_are_not_compiled():
    checked = compile_checked(*fit(make_pipeline(TfidfVectorizer(), RandomForestClassifier(5))))
    assert checked.described.reason == "RandomForestClassifier is not compiled for the terms of texts"


def test_a_vocabulary_that_would_fill_a_worker_is_not_compiled(monkeypatch):
    monkeypatch.setattr("predictor.training.compiling.terms.MOST_WEIGHTS", 20)
    fitted, dataset = fit(make_pipeline(TfidfVectorizer(), LogisticRegression()))
    with pytest.raises(NotCompiled, match="terms with 3 weights each is too large to be compiled"):
        compile_model(fitted, 1, dataset.texts)


def test_many_texts_are_scored_in_pieces_as_they_are_alone(monkeypatch):
    monkeypatch.setattr("predictor.estimators.bag_of_words.MOST_AT_ONCE", 30)
    fitted, dataset = fit(make_pipeline(TfidfVectorizer(), LogisticRegression()))
    compiled = CompiledModel(compile_model(fitted, 1, dataset.texts).data)
    assert compiled.predict_proba(dataset.inputs) == pytest.approx(fitted.predict_proba(dataset.inputs), rel=1e-12)


@pytest.mark.parametrize("text", ["x" * 100_000, "word " * 20_000, "\u0301" * 100_000, " " * 100_000, "ab_1é" * 20_000])
def test_a_long_text_takes_no_more_than_a_moment_whatever_it_contains(text):
    for settings in ({}, {"analyzer": "char_wb", "ngram_range": (2, 4)}, {"strip_accents": "unicode"}):
        vectoriser = TfidfVectorizer(**settings).fit(TEXTS)
        bag = compile_vectoriser(vectoriser, np.ones((len(vectoriser.vocabulary_), 1)))
        started = time.process_time()
        bag.score(np.array([text], dtype=object))
        assert time.process_time() - started < 1
