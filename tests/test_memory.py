"""How much memory a training takes, and what becomes of one for which there is too little."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from predictor import memory
from predictor.exceptions import TrainingError
from predictor.formats import format_number
from predictor.lifecycle.retraining import train_model
from predictor.memory import MEGABYTE, find_container_limit, measure_memory, measure_own
from predictor.record.job_problem import JobProblem
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.training.memory import estimate_training
from tests.training import SHIPPED, keep_quiet

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, how much memory a process has is unknown")


def make_dataset(rows, numbers, categories=0, choices=0, classes=0, characters=0):
    features = [make_feature(name=f"n{each}", kind="number", label="N") for each in range(numbers)]
    labels = [f"level {each}" for each in range(choices)]
    features += [
        make_feature(name=f"c{each}", kind="category", label="C", choices=labels) for each in range(categories)
    ]
    task = "classification" if classes else "regression"
    target = Target(name="y", label="y", task=task, classes=tuple(str(each) for each in range(classes)))
    training = np.arange(rows) % 5 > 0
    texts = {0: ["a" * 100] * (characters // 100)} if characters else {}
    schema = Schema(features=tuple(features), target=target)
    return SimpleNamespace(schema=schema, target=np.empty(rows), training=training, texts=texts)


# What whole retrains took beyond what was held when their table was read, in MB (docs/jobs.md).
MEASURED = [
    (make_dataset(20_000, 10), LinearRegression(), 74),
    (make_dataset(200_000, 20), LinearRegression(), 79),
    (make_dataset(200_000, 20), HistGradientBoostingRegressor(), 56),
    (make_dataset(100_000, 5, 5, 50, classes=2), LogisticRegression(), 303),
    (make_dataset(20_000, 10), RandomForestRegressor(), 954),
    (make_dataset(60_000, 20), RandomForestRegressor(), 596),
    (make_dataset(40_000, 10, 2, 10, classes=10), RandomForestClassifier(), 1606),
    (make_dataset(20_000, 2, classes=2, characters=4_634_778), LogisticRegression(), 119),
    (make_dataset(60_000, 2, classes=2, characters=13_928_684), LogisticRegression(), 247),
    (make_dataset(100_000, 30, 3, 100), Ridge(), 447),
    (make_dataset(10_000, 5), ExtraTreesRegressor(), 810),
]


@pytest.mark.parametrize(("dataset", "model", "measured"), MEASURED)
def test_the_estimate_of_a_training_is_within_half_of_what_was_measured(dataset, model, measured):
    assert 0.75 * measured <= estimate_training(dataset, model) / MEGABYTE <= 1.5 * measured


@on_linux
def test_a_training_that_cannot_fit_is_refused_with_the_figures_before_it_begins(monkeypatch):
    monkeypatch.setattr(memory, "limit", measure_own() + 50 * MEGABYTE)
    with pytest.raises(TrainingError) as refused:
        train_model(SHIPPED, "line", progress=keep_quiet)
    left = memory.limit // MEGABYTE
    assert "a training on 200 rows and 1 input needs about" in str(refused.value)
    assert f"MB of memory, and {left:,} MB are left for it (WORKER_MEMORY_MB)" in str(refused.value)
    shown = str(JobProblem(code=refused.value.code, values=refused.value.values))
    assert f"MB of memory, and {format_number(left)} MB are left for it (WORKER_MEMORY_MB)" in shown


@on_linux
def test_the_memory_of_a_process_includes_what_it_has_started():
    before = measure_memory(os.getpid())
    code = "import sys; taken = b'1' * 100_000_000; sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()"
    with subprocess.Popen(  # noqa: S603  # Our own.
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.read(1)
        assert measure_memory(os.getpid()) >= before + 100_000_000
        child.communicate()


@pytest.mark.parametrize(("written", "limit"), [("536870912", 536_870_912), ("max", 0), ("9223372036854771712", 0)])
def test_the_limit_of_a_container_is_found_and_none_where_there_is_none(tmp_path, monkeypatch, written, limit):
    monkeypatch.setattr(memory, "LIMITS", [tmp_path / "nothing", tmp_path / "limit"])
    (tmp_path / "limit").write_text(f"{written}\n")
    assert find_container_limit() == limit
