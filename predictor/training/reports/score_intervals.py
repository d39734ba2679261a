"""Finds a confidence interval of each score."""

from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_array

from predictor.metrics.bootstrap import CONFIDENCE, RESAMPLES
from predictor.metrics.losses import measure_losses
from predictor.schema.values import Matrix, Vector
from predictor.training.evaluation import Evaluation

MOST_DRAWN_ROWS = 5_000
# Drawing this many numbers at a time bounds the memory.
NUMBERS_AT_ONCE = 1_000_000
# Many classes make many cells of a confusion table; then there are fewer resamples.
MOST_DRAWN_CELLS = 2_000_000
FEWEST_RESAMPLES = 200


def find_score_intervals(evaluation: Evaluation, seed: int) -> dict[str, tuple[float, float]]:
    """The 95 % interval, low and high, of each score by its name; left out where it is not finite.

    The percentile bootstrap over 2,000 resamples of the measured rows (Efron and Tibshirani 1993, An Introduction to
    the Bootstrap, section 13.3), made cheap for any number of rows. Accuracy and macro F1 depend on rows only through
    the counts of the confusion table, and those of a resample are multinomial: that is exact. All other scores are
    functions of means. Up to 5,000 rows are drawn one by one; the means of resamples of more are drawn from the
    normal distribution that they tend to (Bickel and Freedman 1981, "Some asymptotic theory for the bootstrap",
    theorem 2.1).
    """
    random = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        draw = _draw_regression_scores if "mae" in evaluation.scores else _draw_classification_scores
        drawn = draw(evaluation, random)
        return _find_percentiles({name: drawn[name] for name in evaluation.scores})


def _find_percentiles(drawn: Mapping[str, Vector]) -> dict[str, tuple[float, float]]:
    tail = (1 - CONFIDENCE) / 2
    finite = {name: scores[np.isfinite(scores)] for name, scores in drawn.items()}
    ends = {name: np.quantile(scores, [tail, 1 - tail]).tolist() for name, scores in finite.items() if len(scores)}
    return {name: (low, high) for name, (low, high) in ends.items() if np.isfinite([low, high]).all()}


def _draw_regression_scores(evaluation: Evaluation, random: np.random.Generator) -> dict[str, Vector]:
    residuals = evaluation.actual - evaluation.predictions.predicted
    # Around the mean, so that the variance is not a small difference of large numbers.
    centred = evaluation.actual - evaluation.actual.mean()
    columns = np.column_stack([np.abs(residuals), residuals**2, centred, centred**2])
    mae, squares, mean, mean_squares = _draw_means(columns, random).T
    spread = mean_squares - mean**2
    return {
        "mae": mae,
        "rmse": np.sqrt(np.maximum(squares, 0)),
        "r2": 1 - squares / np.where(spread > 0, spread, np.nan),
    }


def _draw_classification_scores(evaluation: Evaluation, random: np.random.Generator) -> dict[str, Vector]:
    drawn = _draw_confusion_scores(evaluation.actual, evaluation.predictions.predicted, random)
    if evaluation.predictions.probabilities is not None:
        losses = measure_losses("log_loss", evaluation.actual, evaluation.predictions)
        drawn["log_loss"] = _draw_means(losses.reshape(-1, 1), random)[:, 0]
    return drawn


def _draw_means(columns: Matrix, random: np.random.Generator) -> Matrix:
    """The means of resampled rows, shape (2,000, columns), of a matrix of shape (n, columns)."""
    rows, width = columns.shape
    if rows > MOST_DRAWN_ROWS:
        covariance = np.cov(columns, rowvar=False).reshape(width, width) / rows
        if not np.isfinite(covariance).all():
            return np.full((RESAMPLES, width), np.nan)
        return random.multivariate_normal(columns.mean(axis=0), covariance, RESAMPLES, check_valid="ignore")
    at_once = max(1, NUMBERS_AT_ONCE // rows)
    means = []
    for start in range(0, RESAMPLES, at_once):
        drawn = random.integers(0, rows, size=(min(at_once, RESAMPLES - start), rows), dtype=np.int32)
        means.append(np.column_stack([column[drawn].mean(axis=1) for column in columns.T]))
    return np.concatenate(means)


def _draw_confusion_scores(actual: Vector, predicted: Vector, random: np.random.Generator) -> dict[str, Vector]:
    width = int(max(actual.max(), predicted.max())) + 1
    cells, counts = np.unique(actual.astype(np.int64) * width + predicted.astype(np.int64), return_counts=True)
    resamples = min(RESAMPLES, max(FEWEST_RESAMPLES, MOST_DRAWN_CELLS // len(cells)))
    drawn = random.multinomial(len(actual), counts / len(actual), size=resamples).astype(np.float64)
    cell_actual, cell_predicted = np.divmod(cells, width)
    hits = cell_actual == cell_predicted
    by_actual, by_predicted = (_sum_cells(drawn, each, width) for each in (cell_actual, cell_predicted))
    twice_hit = 2 * _sum_cells(drawn[:, hits], cell_actual[hits], width)
    # A class that occurs in neither in a resample gives 0 / 0, which is left out of the mean.
    macro_f1 = np.nanmean(twice_hit / (by_actual + by_predicted), axis=1)
    return {"accuracy": drawn[:, hits].sum(axis=1) / len(actual), "macro_f1": macro_f1}


def _sum_cells(drawn: Matrix, classes: Vector, count: int) -> Matrix:
    """Sum the columns of each class: shape (resamples, cells) becomes (resamples, count)."""
    cells = len(classes)
    return drawn @ csr_array((np.ones(cells), (np.arange(cells), classes)), shape=(cells, count))
