"""Dates and times are expanded into parts, also by a compiled model."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from predictor.estimators.compiled import CompiledModel
from predictor.estimators.date_parts import DateParts, split_parts
from predictor.schema.temporal import EPOCH_DAY, Datetime
from predictor.training.compiling.checked import compile_checked
from predictor.training.compiling.compilation import compile_model
from predictor.training.dataset import load_dataset
from predictor.training.pipeline import build_pipeline
from tests.recipes import LINE, make_dates, make_recipe

LOCAL = Datetime(name="d", label="Start")


def fit_score(tmp_path, estimator):
    toml = f'{LINE}\n[estimator]\nclass = "{estimator}"\n'
    recipe = make_recipe(tmp_path, toml=toml, csv=make_dates(600).drop("clock", "day").write_csv())
    dataset = load_dataset(recipe)
    model = build_pipeline(recipe, dataset.schema).fit(
        dataset.matrix[dataset.training], dataset.target[dataset.training]
    )
    return model.score(dataset.matrix[dataset.held_out], dataset.target[dataset.held_out])


@pytest.mark.parametrize(
    ("estimator", "least"),
    [
        ("sklearn.ensemble.HistGradientBoostingRegressor", 0.95),
        ("sklearn.linear_model.Ridge", 0.6),
        ("sklearn.linear_model.LinearRegression", 0.6),
        ("sklearn.neighbors.KNeighborsRegressor", 0.5),
    ],
)
def test_a_model_learns_from_one_column_what_depends_on_weekday_month_and_hour(tmp_path, estimator, least):
    assert fit_score(tmp_path, estimator) > least


ordinary = st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2200, 1, 1))


@given(st.lists(ordinary, min_size=1, max_size=20))
def test_the_parts_of_a_moment_are_those_of_the_calendar(moments):
    parts = split_parts(np.array([LOCAL.encode(each.isoformat()) for each in moments]), "datetime")
    expected = [(m.year, m.month, m.day, m.weekday(), m.timetuple().tm_yday, m.hour) for m in moments]
    assert list(zip(*[parts[name].astype(int).tolist() for name in list(parts)[:6]], strict=True)) == expected
    assert parts["minute_of_day"] == pytest.approx([m.hour * 60 + m.minute + m.second / 60 for m in moments], abs=0.02)


def expand_compiled(made, matrix):
    """What the compiled step gives, by a model that picks one of its columns at a time."""
    width = made.transform(matrix).shape[1]
    picks = []
    for column in range(width):
        model = LinearRegression()
        model.coef_, model.intercept_ = np.eye(width)[column], 0.0
        compiled = CompiledModel(compile_model(Pipeline([("parts", made), ("pick", model)]), matrix.shape[1]).data)
        picks.append(compiled.predict(np.ascontiguousarray(matrix)))
    return np.column_stack(picks)


@pytest.mark.parametrize("cyclic", [False, True])
@pytest.mark.parametrize(("kind", "unit"), [("date", 1.0), ("datetime", 86_400.0), ("time", None)])
def test_the_compiled_calendar_is_the_same_on_every_day_from_year_1_to_9999(kind, unit, cyclic):
    days = np.arange(date.min.toordinal(), date.max.toordinal(), 97) - EPOCH_DAY + 0.0
    values = np.arange(0, 86_400, 7.25) if unit is None else days * unit + (unit > 1) * (days % 89) * 970.5
    matrix = np.column_stack([values, values[::-1]])
    made = DateParts(kind=kind, cyclic=cyclic).fit(matrix)
    np.testing.assert_allclose(expand_compiled(made, matrix), made.transform(matrix), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("estimator", ["ensemble.HistGradientBoostingRegressor", "linear_model.Ridge"])
def test_a_model_on_dates_is_compiled_and_predicts_the_same(tmp_path, estimator, gaps):
    table = make_dates(300)
    if gaps:
        table = table.with_columns(pl.when(pl.int_range(pl.len()) % 5 > 0).then(pl.col("day", "start", "clock")))
    toml = f'{LINE}\n[estimator]\nclass = "sklearn.{estimator}"\n'
    recipe = make_recipe(tmp_path, toml=toml, csv=table.write_csv())
    dataset = load_dataset(recipe)
    fitted = build_pipeline(recipe, dataset.schema).fit(dataset.matrix, dataset.target)
    checked = compile_checked(fitted, dataset)
    assert checked.data, checked.described
    assert checked.described.difference < 1e-9


def test_a_missing_date_is_missing_in_every_part_and_only_parts_that_vary_are_made():
    days = np.array([[0.0], [1.0], [np.nan]])
    made = DateParts(kind="date").fit(days)
    assert made.parts_ == [["day", "weekday", "day_of_year", "days"]]
    assert np.isnan(made.transform(days)).all(axis=1).tolist() == [False, False, True]
    assert DateParts(kind="date").fit(days[:1]).transform(days[:1]).shape == (1, 1)
    assert DateParts(kind="date", cyclic=True).fit(days).transform(days).shape == (3, 7)
