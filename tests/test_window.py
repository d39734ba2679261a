from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from predictor.models import Outcome
from predictor.monitoring.reading import read_window
from tests.past import make_predictions
from tests.training import register_shipped

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def read(version, **options):
    return read_window(version, NOW - WEEK, NOW, **options)


@pytest.mark.both_databases
def test_a_window_contains_the_predictions_of_all_comparable_versions_in_its_range_as_columns(line, penguins):
    second = register_shipped("line")
    make_predictions(penguins, NOW - WEEK, [({}, "Adelie")])
    make_predictions(line, NOW - WEEK - timedelta(minutes=1), [({"x": 0.5}, 0.5)])
    make_predictions(line, NOW - WEEK, [({"x": 1}, 1.5), ({"x": 2.0}, 2.5)], interval=[1.0, 4.0], source="form")
    [last] = make_predictions(second, NOW - timedelta(hours=1), [({"x": None}, 3.5)])
    make_predictions(second, NOW, [({"x": 9.0}, 9.5)])
    first = Outcome.objects.create(prediction=last, value=3, recorded_by="eve")
    Outcome.objects.create(prediction=last, value=4, recorded_by="eve", replaces=first)
    found = read(second)
    assert (len(found), found.total, found.versions.tolist()) == (3, 3, [1, 1, 2])
    np.testing.assert_array_equal(found.matrix, [[1.0], [2.0], [np.nan]])
    assert found.outputs.tolist() == [1.5, 2.5, 3.5]
    np.testing.assert_array_equal(found.lower, [1.0, 1.0, np.nan])
    np.testing.assert_array_equal(found.outcomes, [np.nan, np.nan, 4.0])
    assert found.sources.tolist() == ["form", "form", "api"]
    assert found.created_at[0] == np.datetime64("2026-03-08T12:00")
    assert (found.probabilities, found.fits.all()) == (None, True)
    judged = read_window(second, NOW - WEEK, NOW, is_judged=True)
    assert (judged.total, judged.outcomes.tolist()) == (1, [4.0])


def test_classes_are_codes_also_those_that_only_an_outcome_has(penguins):
    shares = {"Adelie": 0.7, "Gentoo": 0.3}
    made = make_predictions(penguins, NOW - WEEK, [({}, "Gentoo"), ({}, "Adelie")], probabilities=shares)
    Outcome.objects.create(prediction=made[0], value="Emperor", recorded_by="eve")
    found = read(penguins)
    assert found.classes == ("Adelie", "Chinstrap", "Gentoo", "Emperor")
    assert found.outputs.tolist() == [2.0, 0.0]
    np.testing.assert_array_equal(found.outcomes, [3.0, np.nan])
    assert found.probabilities.tolist() == [[0.7, 0.0, 0.3, 0.0]] * 2
    assert not found.fits.any()
    assert np.isnan(found.matrix).all()


def test_inputs_of_another_version_that_the_live_one_does_not_take_are_marked(line):
    line.schema["features"][0] |= {"kind": "integer", "typical": 5}
    make_predictions(line, NOW - WEEK, [({"x": 1.0}, 1.0), ({"x": 1.5}, 1.0), ({"y": 1.0}, 1.0)])
    found = read(line)
    assert found.fits.tolist() == [True, False, False]
    np.testing.assert_array_equal(found.matrix[:, 0], [1.0, np.nan, np.nan])


def test_where_there_are_too_many_for_the_memory_a_random_share_is_read_and_all_are_counted(line):
    rows = [({"x": float(x)}, float(x)) for x in range(2_000)]
    make_predictions(line, NOW - WEEK, rows)
    found = read(line, most_bytes=60_000)
    assert found.total == 2_000
    assert 150 < len(found) < 550
    assert found.matrix[:, 0].tolist() == found.outputs.tolist()
    assert read(line, most_bytes=60_000).outputs.tolist() == found.outputs.tolist()
    assert abs(found.outputs.mean() - 1_000) < 100
    [few] = [found.choose(found.outputs < 100)]
    assert len(few) == len(few.features) < 60
