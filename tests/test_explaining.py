"""Shapley values: what they promise, by whatever way they are found, and that these ways agree."""

from functools import cache
from itertools import combinations
from math import factorial
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import LinearSVC

from predictor.estimators.compiled import CompiledModel
from predictor.lifecycle.candidate import add_report, describe_candidate
from predictor.lifecycle.retraining import train_model
from predictor.record.background import BACKGROUND, read_background
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.serving.explaining.explainer import Explainer
from predictor.serving.explaining.game import Game, Hybrids
from predictor.serving.explaining.measures import CannotExplain, choose_measure
from predictor.serving.explaining.shapley import enumerate_coalitions, find_additive, sample_permutations
from predictor.serving.runtime import Runtime
from predictor.training.compiling.compilation import compile_model
from tests.recipes import make_dates, write_recipe
from tests.training import keep_quiet

FEATURES, ROWS = 5, 40
CATEGORY = make_feature(name="f0", kind="category", label="F", choices=tuple("abcdef"), seen=("a", "b"))
NUMBERS = [make_feature(name=f"f{i}", kind="number", label="F", seen=(-3.0, 3.0)) for i in range(1, FEATURES)]
ONE_HOT = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), [0]), (StandardScaler(), [1, 2, 3, 4]))
# By name: how many classes (0 for a regression), what it is measured in, and the estimator.
MODELS = {
    "linear": (0, "prediction", Ridge()),
    "poisson": (0, "prediction", PoissonRegressor()),
    "one-hot linear": (0, "prediction", make_pipeline(ONE_HOT, Ridge())),
    "one-hot forest": (
        0,
        "prediction",
        make_pipeline(ONE_HOT, RandomForestRegressor(8, max_leaf_nodes=20, random_state=0)),
    ),
    "interactions": (0, "prediction", make_pipeline(PolynomialFeatures(2), Ridge())),
    "boosted": (0, "prediction", HistGradientBoostingRegressor(max_iter=15, categorical_features=[0])),
    "logistic": (2, "log-odds", LogisticRegression()),
    "multinomial": (3, "log-odds", make_pipeline(ONE_HOT, LogisticRegression())),
    "forest of classes": (3, "probability", RandomForestClassifier(8, max_leaf_nodes=20, random_state=0)),
    "boosted classes": (3, "log-odds", HistGradientBoostingClassifier(max_iter=10)),
    "gradient boosting": (2, "log-odds", GradientBoostingClassifier(n_estimators=10)),
}
EXACT_BY_TREES = ("one-hot forest", "boosted", "forest of classes", "boosted classes", "gradient boosting")


@cache
def draw_rows():
    drawn = np.random.default_rng(0)
    rows = drawn.normal(size=(600, FEATURES))
    rows[:, 0] = drawn.integers(0, 6, 600)
    target = rows[:, 0] + 2 * rows[:, 1] * rows[:, 2] + np.sin(3 * rows[:, 3])
    return rows, target - target.min()


@cache
def make_explainer(name, *, is_compiled=True):
    classes, _, estimator = MODELS[name]
    rows, target = draw_rows()
    if classes:
        target = np.digitize(target, np.quantile(target, np.arange(1, classes) / classes)).astype(float)
    task = "classification" if classes else "regression"
    described = Target(name="y", label="y", task=task, classes=tuple("abc"[:classes]))
    estimator.fit(rows, target)
    data = compile_model(estimator, FEATURES).data if is_compiled else None
    runtime = Runtime(
        version=SimpleNamespace(estimator=str(estimator)),
        schema=Schema(features=(CATEGORY, *NUMBERS), target=described),
        estimator=CompiledModel(data) if is_compiled else estimator,
    )
    return Explainer(runtime, rows[:ROWS], data)


def explain(explainer, row):
    [answer] = explainer.runtime.predict(row)
    return explainer.explain(row, answer.output)


def make_game(explainer, row):
    [answer] = explainer.runtime.predict(row)
    measure = choose_measure(explainer.runtime, explainer._opened, answer.output)
    return Game(hybrids=Hybrids(row=row, background=explainer.background), measure=measure)


def find_by_definition(game):
    """Shapley 1953: what a player adds to each coalition of the others, weighed by how many orders begin with it."""
    count = game.hybrids.features

    def play(members):
        is_own = np.zeros((game.rows, count), dtype=bool)
        is_own[:, list(members)] = True
        return game.play(is_own, np.arange(game.rows)).mean()

    values = np.zeros(count)
    for player in range(count):
        others = [each for each in range(count) if each != player]
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for members in combinations(others, size):
                values[player] += weight * (play((*members, player)) - play(members))
    return values


@pytest.mark.parametrize("name", MODELS)
def test_exact_values_are_those_of_the_definition(name):
    explainer = make_explainer(name)
    row = draw_rows()[0][-1:]
    found, game = explain(explainer, row), make_game(explainer, row)
    assert found.scale == MODELS[name][1]
    assert found.errors is None
    expected = find_by_definition(game)
    assert [*found.contributions.values()] == pytest.approx(expected, abs=1e-9 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("name", EXACT_BY_TREES)
def test_trees_are_read_and_not_asked(name):
    explainer = make_explainer(name)
    row = draw_rows()[0][-1:]
    assert explainer._find_by_trees(make_game(explainer, row), make_game(explainer, row).measure) is not None


numbers = st.floats(-4, 4, allow_nan=False).map(lambda value: round(value, 3))


@pytest.mark.parametrize("name", ["linear", "one-hot forest", "boosted classes", "interactions"])
@given(category=st.integers(0, 5), values=st.tuples(numbers, numbers, numbers, numbers))
@settings(max_examples=15, deadline=None)
def test_contributions_add_up_to_the_answer_less_the_mean_of_the_background(name, category, values):
    row = np.array([[float(category), *values]])
    found = explain(make_explainer(name), row)
    assert sum(found.contributions.values()) == pytest.approx(found.value - found.base, abs=1e-9)


def play_function(function, row, background):
    return Game(hybrids=Hybrids(row=np.array([row]), background=np.array(background)), measure=function)


tables = st.lists(st.tuples(*[numbers] * 4), min_size=1, max_size=6)


@given(row=st.tuples(*[numbers] * 4), background=tables, factors=st.tuples(*[numbers] * 4))
@settings(max_examples=40, deadline=None)
def test_a_player_that_does_nothing_gets_nothing_and_equal_players_get_the_same(row, background, factors):
    row, background = np.array(row), np.array(background)
    row[1], background[:, 1] = row[0], background[:, 0]

    def function(rows):
        return factors[0] * rows[:, 0] * rows[:, 1] + factors[2] * rows[:, 2] * (rows[:, 0] + rows[:, 1])

    game = play_function(function, row, background)
    found = enumerate_coalitions(game, 10.0).values if len(game.players) else np.zeros(4)
    assert found[3] == pytest.approx(0, abs=1e-9)
    assert found[0] == pytest.approx(found[1], abs=1e-9)
    assert found.sum() == pytest.approx(game.value - game.base, abs=1e-8)


def test_inputs_that_interact_are_not_taken_for_a_sum():
    drawn = np.random.default_rng(0).normal(size=(30, 6))
    game = play_function(lambda rows: rows.sum(axis=1) + rows[:, 1] * rows[:, 4], drawn[0], drawn[1:])
    assert find_additive(game, 10.0) is None


def test_estimates_add_up_and_lie_within_their_errors():
    drawn = np.random.default_rng(1).normal(size=(31, 12))
    game = play_function(
        lambda rows: np.exp(rows[:, :4].sum(axis=1) / 4) + rows[:, 5] * rows[:, 6], drawn[0], drawn[1:]
    )
    exact = enumerate_coalitions(game, 60.0)
    found = sample_permutations(game, 20.0)
    assert found.values.sum() == pytest.approx(game.value - game.base, abs=1e-9)
    assert found.errors.max() < 0.1
    assert (np.abs(found.values - exact.values) <= 5 * found.errors + 1e-9).all()


def test_a_slow_model_is_sampled_until_the_time_is_over():
    explainer = make_explainer("boosted", is_compiled=False)
    game = make_game(explainer, draw_rows()[0][-1:])
    found = sample_permutations(game, 0.0)
    assert found.values.sum() == pytest.approx(game.value - game.base)
    assert (found.errors[game.players] > 0).any()


@pytest.mark.parametrize("name", ["boosted classes", "forest of classes", "logistic"])
def test_a_pickle_is_explained_as_its_compiled_model_is(name):
    row = draw_rows()[0][-1:]
    [ours, compiled] = (explain(make_explainer(name, is_compiled=each), row) for each in (False, True))
    assert ours.scale == compiled.scale
    assert [*ours.contributions.values()] == pytest.approx([*compiled.contributions.values()], abs=1e-6)


def test_a_class_without_probabilities_has_no_explanation(monkeypatch):
    monkeypatch.setitem(MODELS, "svc", (2, "", LinearSVC()))
    explainer = make_explainer("svc")
    with pytest.raises(CannotExplain, match="no_probabilities"):
        explain(explainer, draw_rows()[0][-1:])


def train_recipe(tmp_path, toml, csv):
    """The explainer of a recipe's version, and the rows of its background."""
    trained = train_model(write_recipe(tmp_path, "a", toml=toml, csv=csv), "a", progress=keep_quiet)
    candidate = add_report(trained, describe_candidate(trained))
    assert candidate.compiled, candidate.report.compiled
    data = b"".join(candidate.compiled.unpack())
    runtime = Runtime(
        version=SimpleNamespace(estimator=candidate.estimator), schema=candidate.schema, estimator=CompiledModel(data)
    )
    return Explainer(runtime, read_background(candidate.kept[BACKGROUND]).inputs, data)


@pytest.mark.parametrize("estimator", ["sklearn.ensemble.HistGradientBoostingRegressor", "sklearn.linear_model.Ridge"])
def test_the_parts_of_dates_and_the_words_of_texts_are_one_input_each(tmp_path, estimator):
    table = make_dates()
    drawn = np.random.default_rng(0)
    words = [" ".join(drawn.choice(["good", "old", "big", "small", "house"], 6)) for _ in range(len(table))]
    lines = [f"{row[0]},{row[1]},{text},{row[3]}" for row, text in zip(table.iter_rows(), words, strict=True)]
    toml = 'title = "A"\ntarget = "y"\ndata = "data.csv"\n[features.text]\nkind = "text"\n'
    toml += f'[estimator]\nclass = "{estimator}"\n'
    explainer = train_recipe(tmp_path, toml, "day,start,text,y\n" + "\n".join(lines) + "\n")
    schema = explainer.runtime.schema
    assert [feature.kind for feature in schema.features] == ["date", "datetime", "text"]
    row = schema.encode([schema.parse({"day": "2023-07-08", "start": "2023-07-08T21:30", "text": "good old house"})])
    found, game = explain(explainer, row), make_game(explainer, row)
    assert found.errors is None
    assert [*found.contributions] == ["day", "start", "text"]
    assert [*found.contributions.values()] == pytest.approx(find_by_definition(game), abs=1e-6)
    assert (explainer._trees is not None) == ("Boosting" in estimator)
