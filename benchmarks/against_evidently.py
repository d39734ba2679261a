"""Compares our numbers for drift with Evidently's on the same data; ends with status 1 beyond a tolerance.

    python -m benchmarks.against_evidently

Evidently runs in an environment of its own, made once below benchmarks/.peers. Each table is split into a reference and
a window twice: by chance, and so that rows with a high first column are more often in the window. Compared are

- the population stability index of categories, and of numbers in our bins: equal up to rounding (1e-9). Evidently's
  own bins of numbers are equally wide and depend on the window, so that its index by these is shown, not compared;
- the p-value of Kolmogorov–Smirnov: ours looks at the ends of bins alone, so that it is larger, or as large;
- the p-value of χ²: Evidently takes the shares of the reference as known, ours as those of a sample too, with rare
  categories counted together, so that it is larger.

A p-value of ours may be at most 0.01 below Evidently's. Where Evidently's is below 0.001, ours must be below 0.01.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn import datasets

from benchmarks.checkouts import ROOT, install
from predictor.monitoring.two_samples import compare_categories, compare_numbers, find_psi, group_bins
from predictor.training.reference import MOST_BINS, find_edges

PEER = Path(__file__).parent / "peers/evidently"
ROUNDING, SMALLER, SURE, VERY_SURE = 1e-9, 0.01, 0.01, 0.001


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of two samples, without missing values: float64, or texts."""

    name: str
    reference: np.ndarray
    window: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Our number and the question to Evidently for its own; `passes` judges both, where they are compared."""

    column: str
    what: str
    ours: float
    question: dict[str, Any]
    passes: Any = None


def load_tables() -> Iterator[tuple[str, pl.DataFrame]]:
    yield "penguins", pl.read_csv(ROOT / "ml_models/penguins/data.csv", null_values=["", "NA"])
    for name in ("breast_cancer", "diabetes", "wine"):
        table = getattr(datasets, f"load_{name}")()
        yield name.replace("_", " "), pl.DataFrame(table.data[:, :6], schema=list(table.feature_names[:6]))
    yield "made", make_table(20_000)


def make_table(rows: int) -> pl.DataFrame:
    """What public tables have little of: many zeros, whole numbers, long tails and rare categories."""
    random = np.random.default_rng(0)
    letters = random.choice(list("abcdefghij"), rows, p=np.array([400, 300, 150, 100, 30, 10, 5, 3, 1, 1]) / 1000)
    return pl.DataFrame(
        {
            "normal": random.normal(size=rows),
            "zeros": np.where(random.random(rows) < 0.6, 0.0, random.exponential(size=rows)),
            "whole": random.poisson(3, rows).astype(float),
            "tail": random.lognormal(0, 2, rows),
            "letter": letters,
        }
    )


def split_columns(table: pl.DataFrame, *, shifts: bool) -> Iterator[Column]:
    """Each column with a quarter of the rows in the window: by chance, or rather those whose first number is high."""
    first = next(series for series in table if series.dtype.is_numeric())
    ranks = first.fill_null(strategy="mean").rank().to_numpy() / len(first)
    chances = np.random.default_rng(1).random(len(first)) ** (1 / (ranks**2 if shifts else 1.0))
    in_window = chances >= np.quantile(chances, 0.75)
    for series in table:
        known = series.is_not_null().to_numpy()
        values = series.cast(pl.Float64 if series.dtype.is_numeric() else pl.String).to_numpy()
        yield Column(name=series.name, reference=values[known & ~in_window], window=values[known & in_window])


def compare_column(column: Column) -> Iterator[Compared]:
    if column.reference.dtype != np.float64:
        labels = sorted({*column.reference, *column.window})
        counts = [np.array([(part == each).sum() for each in labels]) for part in (column.reference, column.window)]
        psi, test = find_psi(*counts), compare_categories(*counts)
        yield Compared(
            column=column.name, what="PSI", ours=psi, question=ask(column, "psi", "categorical"), passes=is_equal
        )
        if test:
            question = ask(column, "chisquare", "categorical")
            yield Compared(column=column.name, what="χ², p", ours=test.p_value, question=question, passes=is_as_sure)
        return
    edges = find_edges(column.reference, MOST_BINS)
    bins = [edges.searchsorted(part) for part in (column.reference, column.window)]
    counts = [np.bincount(each, minlength=len(edges) + 1) for each in bins]
    groups = group_bins(counts[0])
    grouped = [np.bincount(groups, weights=each).astype(np.int64) for each in counts]
    placed = Column(name=column.name, reference=groups[bins[0]].astype(str), window=groups[bins[1]].astype(str))
    psi, test = find_psi(*grouped), compare_numbers(*counts)
    question = ask(placed, "psi", "categorical")
    yield Compared(column=column.name, what="PSI", ours=psi, question=question, passes=is_equal)
    yield Compared(column=column.name, what="PSI, its own bins", ours=psi, question=ask(column, "psi", "numerical"))
    question = ask(column, "ks", "numerical")
    yield Compared(column=column.name, what="KS, p", ours=test.p_value, question=question, passes=is_as_sure)


def ask(column: Column, method: str, kind: str) -> dict[str, Any]:
    parts = {"reference": column.reference.tolist(), "window": column.window.tolist()}
    return {"method": method, "kind": kind, **parts}


def is_equal(ours: float, theirs: float) -> bool:
    return abs(ours - theirs) <= ROUNDING


def is_as_sure(ours: float, theirs: float) -> bool:
    """Whether our p-value is not the smaller one, and not so much larger that another answer would follow."""
    return ours >= theirs - SMALLER and (ours < SURE or theirs >= VERY_SURE)


def ask_evidently(questions: list[dict[str, Any]]) -> list[float]:
    python = install("evidently", PEER / "requirements.txt") / "python"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(questions, file)
        file.flush()
        done = subprocess.run([python, PEER / "measure.py", file.name], check=True, capture_output=True, text=True)
    answers: list[float] = json.loads(done.stdout.splitlines()[-1])
    return answers


def list_numbers() -> list[tuple[str, Compared]]:
    """All of ours, each with its table and how that was split."""
    return [
        (f"{name}, {'shifted' if shifts else 'by chance'}", compared)
        for name, table in load_tables()
        for shifts in (False, True)
        for column in split_columns(table, shifts=shifts)
        for compared in compare_column(column)
    ]


def print_table(numbers: list[tuple[str, Compared]], answers: list[float]) -> int:
    """Print both next to each other; returns how many differ beyond the tolerance."""
    differing = 0
    print("| table | column | | ours | Evidently | |\n|---|---|---|--:|--:|---|")
    for (table, each), theirs in zip(numbers, answers, strict=True):
        passes = each.passes is None or each.passes(each.ours, theirs)
        differing += not passes
        verdict = "not compared" if each.passes is None else "same" if passes else "DIFFERS"
        print(f"| {table} | {each.column} | {each.what} | {each.ours:.4g} | {theirs:.4g} | {verdict} |")
    print(f"\n{len(numbers)} numbers, {differing} beyond the tolerance")
    return differing


def main() -> int:
    numbers = list_numbers()
    return int(print_table(numbers, ask_evidently([each.question for _, each in numbers])) > 0)


if __name__ == "__main__":
    sys.exit(main())
