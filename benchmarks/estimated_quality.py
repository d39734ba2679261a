"""Measures how near the estimated quality of a window comes to what its outcomes later show.

    OMP_NUM_THREADS=1 python -m benchmarks.estimated_quality              # the ten tables
    OMP_NUM_THREADS=1 python -m benchmarks.estimated_quality --tuning     # the tables that the method was chosen on

Of each public table, 40,000 rows at most, half are known when a model is retrained with startmodel's boosted trees and
a hold-out of 20 %; windows of 2,000 rows are drawn from the other half (`benchmarks.shifts`). The ten tables, the
tables for tuning and all shifts were written down before anything was measured. Names of tables choose among them.

A window is met where the estimated accuracy is within 2 points of the true one, or the estimated MAE within 10 %.
"""

import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import numpy as np
from sklearn.base import BaseEstimator

from benchmarks.estimators import make_model
from benchmarks.mixed_tables import Listed
from benchmarks.shifts import Shifted, draw_unseen, draw_windows, find_unseen
from benchmarks.tables import load_table
from predictor.metrics.losses import Predictions, measure_losses, score_losses
from predictor.monitoring.estimation import estimate
from predictor.monitoring.window import Window
from predictor.record.estimate import Estimate
from predictor.record.loss_model import read_loss_model, write_loss_model
from predictor.training.dataset import Dataset
from predictor.training.drafting.selection import DEFAULT_ESTIMATORS
from predictor.training.evaluation import evaluate_model, fit_model, predict_rows
from predictor.training.holdout import is_held_out
from predictor.training.loss_model import fit_loss_model

MOST_ROWS = 40_000
HOLDOUT = 0.2
SEED = 0
# How far from the truth an estimate may be: points of accuracy, or % of the MAE.
LIMITS = {"accuracy": 2.0, "mae": 10.0}
# What is only known after the flight.
LANDED = ["year", "dep_time", "arr_time", "flight", "tailnum", "air_time", "hour", "minute", "time_hour"]


def _list(task: str, name: str, source: str, target: str, *dropped: str) -> Listed:
    return Listed(name=name, source=source, target=target, task=task, group="plain", dropped=[*dropped])


TABLES = [
    _list("classification", "stops", "carData::MplsStops", "problem", "idNum", "date", "MDC"),
    _list("classification", "fertility", "AER::Fertility2", "morekids"),
    _list("classification", "crashes", "DAAG::nassCDS", "dead", "weight", "injSeverity", "caseid"),
    _list("classification", "storms", "dplyr::storms", "status", "name", "category"),
    _list("classification", "rodents", "ratdat::complete", "genus", "record_id", "species_id", "species", "taxa"),
    _list("regression", "diamonds", "ggplot2::diamonds", "price"),
    _list("regression", "cps 1988", "AER::CPS1988", "wage"),
    _list("regression", "hotel rates", "modeldata::hotel_rates", "avg_price_per_room", "arrival_date"),
    _list("regression", "food budget", "Ecdat::BudgetFood", "wfood"),
    _list("regression", "flights", "nycflights13::flights", "arr_delay", *LANDED),
]
TUNING = [
    _list("classification", "unions", "sampleSelection::nlswork", "union", "idcode"),
    _list("classification", "votes", "stevedata::TV16", "votetrump", "uid"),
    _list("classification", "abortion", "stevedata::gss_abortion", "abany",
          "id", "abdefect", "abnomore", "abhlth", "abpoor", "abrape", "absingle"),
    _list("classification", "work", "wooldridge::labsup", "worked", "weeks", "hours", "labinc", "agesq"),
    _list("classification", "tuna", "Ecdat::Tuna", "Tuna.choice", "Tuna.hid"),
    _list("classification", "regions", "Ecdat::HI", "region", "wght"),
    _list("regression", "movies", "ggplot2movies::movies", "rating", "title", *(f"r{i}" for i in range(1, 11))),
    _list("regression", "vocabulary", "carData::GSSvocab", "vocab", "ageGroup", "educGroup"),
    _list("regression", "incomes", "stevedata::gss_wages", "realrinc"),
    _list("regression", "degrees", "nycflights13::weather", "temp", "year", "time_hour", "dewp"),
    _list("regression", "runs", "plyr::baseball", "r", "id"),
    _list("regression", "earnings", "causaldata::scorecard", "earnings_med", "unitid", "inst_name"),
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one window: the kind of its shift, the true metric, and the estimate."""

    kind: str
    actual: float
    estimate: Estimate

    @property
    def error(self) -> float | None:
        """In points of accuracy, or in % of the true MAE; None where nothing could be said."""
        if self.estimate.value is None:
            return None
        difference = self.estimate.value - self.actual
        return 100 * (difference if self.estimate.metric == "accuracy" else difference / self.actual)

    @property
    def is_met(self) -> bool:
        return self.error is not None and abs(self.error) <= LIMITS[self.estimate.metric]

    @property
    def is_met_by_promise(self) -> bool:
        """Whether the hold-out's own figure would have been as near, as if nothing had shifted."""
        difference = self.estimate.promised - self.actual
        scale = 100 if self.estimate.metric == "accuracy" else 100 / self.actual
        return abs(difference * scale) <= LIMITS[self.estimate.metric]

    @property
    def is_inside(self) -> bool:
        return self.error is not None and self.estimate.lower <= self.actual <= self.estimate.upper


def measure_table(listed: Listed) -> list[Result]:
    table = load_table(listed).sample(MOST_ROWS)
    estimator = DEFAULT_ESTIMATORS[listed.task]
    with tempfile.TemporaryDirectory() as folder:
        path = estimator.path.removeprefix("sklearn.")
        dataset, model = make_model(Path(folder), table, path, estimator.params)
    order = np.random.default_rng(SEED).permutation(len(dataset.target))
    known, later = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    unseen = find_unseen(dataset.matrix, SEED)
    windows = list(draw_windows(dataset.matrix, later, SEED))
    found = measure_windows(dataset, model, known, windows)
    windows = list(draw_unseen(unseen, later, SEED))
    return found + measure_windows(dataset, model, known[~unseen[known]], windows)


def measure_windows(dataset: Dataset, model: BaseEstimator, known: np.ndarray, windows: list[Shifted]) -> list[Result]:
    """Train on the known rows, as a retrain does, and estimate each window without its true values."""
    taken = _take(dataset, known)
    # On a busy machine, a fit would take too long to be repeated.
    started = time.process_time()
    fitted = fit_model(model, taken, taken.training)
    seconds = time.process_time() - started
    kept = fit_loss_model(model, taken, evaluate_model(model, fitted, taken), fit_seconds=seconds)
    assert kept is not None
    stored, results = write_loss_model(kept), []
    for window in windows:
        later = _take(dataset, window.rows)
        predictions = predict_rows(fitted, later.inputs, len(dataset.schema.target.classes))
        losses = measure_losses(kept.metric, later.target, predictions)
        estimated = estimate(read_loss_model(stored), _make_window(later, predictions))
        results.append(Result(kind=window.kind, actual=score_losses(kept.metric, losses), estimate=estimated))
    return results


def _take(dataset: Dataset, rows: np.ndarray) -> Dataset:
    return replace(
        dataset,
        matrix=dataset.matrix[rows],
        texts={column: texts[rows] for column, texts in dataset.texts.items()},
        target=dataset.target[rows],
        hashes=dataset.hashes[rows],
        held_out=is_held_out(dataset.hashes[rows], HOLDOUT),
    )


def _make_window(later: Dataset, predictions: Predictions) -> Window:
    """The same rows as predictions of version 1, of which no outcome is known."""
    rows, now = len(later.target), datetime.now(UTC)
    return Window(
        schema=later.schema,
        since=now,
        until=now,
        total=rows,
        classes=later.schema.target.classes,
        versions=np.ones(rows, dtype=np.int64),
        created_at=np.full(rows, np.datetime64(now.replace(tzinfo=None), "ms")),
        sources=np.full(rows, "api"),
        features=later.inputs,
        fits=np.ones(rows, dtype=bool),
        outputs=predictions.predicted,
        probabilities=predictions.probabilities,
        outcomes=np.full(rows, np.nan),
    )


def write_row(listed: Listed, results: list[Result]) -> str:
    """A table's line: how many windows were met, the errors, and what was missed."""
    said = [each for each in results if each.error is not None]
    errors = [abs(each.error) for each in said]  # type: ignore[arg-type]
    missed = [f"{each.kind} {each.error:+.1f}" for each in said if not each.is_met]
    unsaid = [f"{each.kind} ({each.estimate.reason})" for each in results if each.error is None]
    unit, values = ("points" if listed.task == "classification" else "%"), [each.actual for each in results]
    promised = sum(each.is_met_by_promise for each in results)
    return (
        f"| {listed.name} | {min(values):.4g} to {max(values):.4g} | {sum(each.is_met for each in said)} of {len(said)}"
        f" | {len(unsaid)} | {promised} of {len(results)} | {fmean(errors):.1f}, {max(errors):.1f} {unit}"
        f" | {fmean(each.is_inside for each in said):.0%}"
        f" | {', '.join(missed) or '–'} | {', '.join(unsaid) or '–'} |"
    )


def main() -> None:
    chosen, names = TUNING if "--tuning" in sys.argv else TABLES, [each for each in sys.argv[1:] if each[0] != "-"]
    heads = ["table", "true values", "met", "cannot say", "met by the hold-out's figure", "error: mean, largest"]
    print(f"| {' | '.join([*heads, 'in the interval', 'missed', 'why not said'])} |\n{'|---' * 9}|")
    found: dict[str, list[Result]] = {}
    for listed in chosen:
        if not names or listed.name in names:
            results = measure_table(listed)
            found.setdefault(listed.task, []).extend(results)
            print(write_row(listed, results), flush=True)
    for task, results in [*found.items(), ("all", [each for some in found.values() for each in some])]:
        said, met = sum(each.error is not None for each in results), sum(each.is_met for each in results)
        print(
            f"{task}: {met} of {said} windows are met ({met / said:.1%});"
            f" {len(results) - said} of {len(results)} cannot be said ({1 - said / len(results):.1%});"
            f" {sum(each.is_inside for each in results) / said:.1%} of those said are in the interval;"
            f" the hold-out's figure meets {sum(each.is_met_by_promise for each in results) / len(results):.1%} of all"
        )


if __name__ == "__main__":
    main()
