"""Measures how texts become numbers, and which estimator is a good one on them, on the tables for tuning.

    OMP_NUM_THREADS=1 python -m benchmarks.text_options vectorisers
    OMP_NUM_THREADS=1 python -m benchmarks.text_options estimators

Columns that are not texts are prepared as the site does it. Of a table with more than 2,000 rows, 2,000 are used, on
three of five folds. Errors are the RMSE or the log loss, divided by the best candidate's on that table. Names of tables
choose among them.
"""

import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean, geometric_mean
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.pipeline import FeatureUnion
from sklearn.svm import LinearSVC

from benchmarks.against_skrub import find_probabilities, load_ours, measure_error, split_rows
from benchmarks.tables import Table, list_tables, load_table
from predictor.metrics.losses import Predictions
from predictor.schema.values import Mask
from predictor.training.dataset import Dataset
from predictor.training.drafting.selection import DEFAULT_ESTIMATORS
from predictor.training.grouping import group_columns

MOST_ROWS, FOLDS = 2_000, 3
# By table, its columns of texts.
TEXTS = {
    "reviews": ["text"],
    "news": ["text"],
    "opinions": ["text"],
    "chinese reviews": ["review"],
    "japanese talk": ["text"],
    "foods": ["review"],
    "drugs": ["review"],
    "art": ["title", "medium"],
    "fast food": ["item"],
    "films": ["Title", "Director", "Writer", "Cast", "Awards"],
}
# Where only texts and an id would be left.
IDS = {"foods": ["product"]}


def _make(**given: Any) -> Callable[[], Any]:
    options = {"sublinear_tf": True, "min_df": 2, "max_features": 50_000, "dtype": np.float64, **given}
    return lambda: TfidfVectorizer(**options)


def _unite(*makers: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: FeatureUnion([(str(number), make()) for number, make in enumerate(makers)])


PAIRS = _make(ngram_range=(1, 2))
CHARACTERS = _make(analyzer="char_wb", ngram_range=(3, 5))
VECTORISERS: dict[str, Callable[[], Any]] = {
    "words": _make(),
    "words, all": _make(min_df=1),
    "pairs": PAIRS,
    "pairs, all": _make(ngram_range=(1, 2), min_df=1),
    "pairs, counts as they are": _make(ngram_range=(1, 2), sublinear_tf=False),
    "pairs, also of one letter": _make(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b"),  # noqa: S106  # A pattern.
    "characters in words 3–5": CHARACTERS,
    "characters in words 2–4": _make(analyzer="char_wb", ngram_range=(2, 4)),
    "characters 1–2": _make(analyzer="char", ngram_range=(1, 2)),
    "characters 1–3": _make(analyzer="char", ngram_range=(1, 3)),
    "pairs, all, and characters 3–5": _unite(_make(ngram_range=(1, 2), min_df=1), CHARACTERS),
}
TREES = {
    "regression": lambda: HistGradientBoostingRegressor(**DEFAULT_ESTIMATORS["regression"].params, random_state=0),
    "classification": lambda: HistGradientBoostingClassifier(
        **DEFAULT_ESTIMATORS["classification"].params, random_state=0
    ),
}
# By candidate, how many columns the texts are reduced to, where they are, and the estimator.
Candidate = tuple[int | None, Callable[[], Any]]
ESTIMATORS: dict[str, dict[str, Candidate]] = {
    "regression": {
        **{f"Ridge {alpha:g}": (None, lambda alpha=alpha: Ridge(alpha=alpha)) for alpha in (0.1, 0.3, 1, 3, 10)},
        "RidgeCV": (None, lambda: RidgeCV(alphas=np.logspace(-2, 2, 9))),
        "trees, 30 columns": (30, TREES["regression"]),
        "trees, 50 columns": (50, TREES["regression"]),
        "trees, 100 columns": (100, TREES["regression"]),
    },
    "classification": {
        **{
            f"logistic {c:g}": (None, lambda c=c: LogisticRegression(C=c, max_iter=1000))
            for c in (0.3, 1, 3, 10, 30, 100)
        },
        "ComplementNB": (None, ComplementNB),
        "MultinomialNB 0.1": (None, lambda: MultinomialNB(alpha=0.1)),
        "LinearSVC, calibrated": (None, lambda: CalibratedClassifierCV(LinearSVC(), cv=3)),
        "trees, 30 columns": (30, TREES["classification"]),
        "trees, 50 columns": (50, TREES["classification"]),
        "trees, 100 columns": (100, TREES["classification"]),
    },
}
FIRST = {
    "regression": ESTIMATORS["regression"]["Ridge 1"],
    "classification": ESTIMATORS["classification"]["logistic 10"],
}
# Naive Bayes takes no negative numbers, as scaled ones are.
ALONE = ("ComplementNB", "MultinomialNB 0.1")


def load_texts(table: Table) -> tuple[Dataset, list[list[str]]]:
    """What the site makes of all other columns, and the texts of each column of texts."""
    texts = [table.frame[name].fill_null("").to_list() for name in TEXTS[table.name]]
    others = table.frame.drop(*TEXTS[table.name], IDS.get(table.name, []))
    if others.columns == [table.target]:
        others = others.with_columns(nothing=np.random.default_rng(0).normal(size=len(others)))
    with tempfile.TemporaryDirectory() as folder:
        _, dataset = load_ours(Path(folder), replace(table, frame=others))
    return dataset, texts


def prepare_others(dataset: Dataset, training: Mask, *, scales: bool) -> Any:
    """All rows of the columns that are no texts, prepared as the training rows say; None where there are none."""
    if [feature.name for feature in dataset.schema.features] == ["nothing"]:
        return None
    groups = group_columns(dataset.schema, scales=scales, cyclic=scales, takes_missing=not scales, seed=0)
    transformer = ColumnTransformer(groups)
    # Both differ for the target's means, which are out of fold for the rows that they come from.
    fitted = transformer.fit_transform(dataset.matrix[training], dataset.target[training])
    prepared = np.empty((len(dataset.target), fitted.shape[1]))
    prepared[training], prepared[~training] = fitted, transformer.transform(dataset.matrix[~training])
    return prepared


def prepare_texts(texts: list[list[str]], make: Callable[[], Any], training: Mask) -> Any:
    """All rows of the columns of texts, next to each other."""
    chosen = np.flatnonzero(training)
    parts = []
    for column in texts:
        try:
            parts.append(make().fit([column[row] for row in chosen]).transform(column))
        except ValueError:  # No word is frequent enough.
            continue
    return sparse.hstack(parts).tocsr()


def measure_fold(dataset: Dataset, found: Any, others: Any, candidate: Candidate, rows: tuple[Mask, Mask]) -> float:
    (training, tested), (width, make) = rows, candidate
    classes = len(dataset.schema.target.classes)
    if width is not None:
        reduced = TruncatedSVD(min(width, found.shape[1] - 1), random_state=0).fit(found[training]).transform(found)
        joined = reduced if others is None else np.hstack([reduced, others])
    else:
        joined = found if others is None else sparse.hstack([found, others]).tocsr()
    model = make().fit(joined[training], dataset.target[training])
    shares = find_probabilities(model, joined[tested], classes) if classes else None
    predictions = Predictions(predicted=model.predict(joined[tested]), probabilities=shares)
    return measure_error(dataset.target[tested], predictions)


def measure_table(table: Table, what: str) -> dict[str, float]:
    dataset, texts = load_texts(table)
    estimators = ESTIMATORS[table.task] if what == "estimators" else {"first": FIRST[table.task]}
    vectorisers = (
        VECTORISERS if what == "vectorisers" else {what: PAIRS if _has_spaces(texts) else VECTORISERS["characters 1–2"]}
    )
    errors: dict[str, list[float]] = {}
    times: dict[str, float] = {}
    for rows in split_rows(dataset)[:FOLDS]:
        linear, plain = (prepare_others(dataset, rows[0], scales=scales) for scales in (True, False))
        for vectoriser, make in vectorisers.items():
            started = time.process_time()
            found = prepare_texts(texts, make, rows[0])
            prepared = time.process_time() - started
            for estimator, candidate in estimators.items():
                if estimator in ALONE and linear is not None:
                    continue
                started = time.process_time()
                others = linear if candidate[0] is None else plain
                error = measure_fold(dataset, found, others, candidate, rows)
                name = estimator if what == "estimators" else vectoriser
                errors.setdefault(name, []).append(error)
                times[name] = times.get(name, 0) + prepared + time.process_time() - started
    for name, each in errors.items():
        sys.stderr.write(f"{table.name:<16}{name:<28}{fmean(each):10.4f}{times[name] / FOLDS:8.2f} s\n")
    return {name: fmean(each) for name, each in errors.items()}


def _has_spaces(texts: list[list[str]]) -> bool:
    return fmean(" " in text for column in texts for text in column) > 0.5


def write_markdown(results: dict[str, dict[str, float]]) -> Iterator[str]:
    names = list(dict.fromkeys(name for each in results.values() for name in each))
    yield f"| candidate | mean | {' | '.join(results)} |"
    yield "|---" * (len(results) + 2) + "|"
    for name in names:
        ratios = {table: each[name] / min(each.values()) for table, each in results.items() if name in each}
        cells = [f"{ratios[table]:.3f}" if table in ratios else "" for table in results]
        yield f"| {name} | {geometric_mean(ratios.values()):.3f} | {' | '.join(cells)} |"
    yield f"| best error | | {' | '.join(f'{min(each.values()):.4g}' for each in results.values())} |"


def main(what: str, names: list[str]) -> None:
    warnings.simplefilter("ignore")
    results: dict[str, dict[str, dict[str, float]]] = {"classification": {}, "regression": {}}
    for listed in list_tables():
        if listed.name in (names or TEXTS):
            table = load_table(listed).sample(MOST_ROWS)
            results[table.task][table.name] = measure_table(table, what)
    for task, measured in results.items():
        if measured:
            print(f"\n{task.capitalize()}:\n")
            print("\n".join(write_markdown(measured)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
