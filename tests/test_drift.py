"""Drift is found, named and explained where inputs have changed, and not where they have not."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from predictor.models import Kept, Monitoring
from predictor.monitoring.drift import drift
from predictor.monitoring.two_samples import (
    compare_categories,
    compare_numbers,
    compare_shares,
    find_chance,
    find_psi,
    group_bins,
)
from predictor.monitoring.watch import store, watch
from predictor.record.drift import Drift, DriftUnknown
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.training.reference import find_edges
from tests.drifting import FEATURES, NAMES, PRICE, draw, observe, refer
from tests.past import make_predictions

KIND = Target(name="kind", label="Kind", task="classification", classes=("house", "flat"))


@pytest.fixture(scope="module")
def reference():
    return refer(draw(1060, 0))


def measure(reference, columns, schema=None, **changed):
    given = {} if schema is None else {"schema": schema}
    return drift(reference, observe(columns, **given, **changed), version=1)


def find(found, name, part="input"):
    [shift] = [each for each in found.shifts if (each.name, each.part) == (name, part)]
    return shift


def name_shifted(found):
    return {(each.name, each.part) for each in found.shifted}


def test_windows_of_the_same_distribution_raise_no_alarm_in_19_of_20_cases():
    alarms = sum(measure(refer(draw(360, seed)), draw(240, seed + 1000)).has_drifted for seed in range(20))
    assert alarms <= 1


def shorten(notes):
    return np.array([None if text is None else text.split()[0] for text in notes], dtype=object)


def write_anew(notes):
    return np.array([None if text is None else text.replace("e", "é") for text in notes], dtype=object)


@pytest.mark.parametrize(
    ("name", "part", "change"),
    [
        ("area", "input", lambda values: values * 1.5),
        ("rooms", "input", lambda values: values + 2),
        ("town", "input", lambda values: np.where(np.arange(len(values)) % 2, 2.0, values)),
        ("garden", "input", lambda values: 1 - values),
        ("built", "input", lambda values: values + 9_000),
        ("notes", "length", shorten),
        ("notes", "known words", write_anew),
        ("price", "output", lambda values: values * 2),
    ],
)
def test_a_column_that_has_changed_is_named_and_is_first(reference, name, part, change):
    columns = draw(400, 1)
    found = measure(reference, columns | {name: change(columns[name])})
    assert found.has_drifted
    assert (found.shifts[0].name, found.shifts[0].part) == (name, part)
    assert name_shifted(found) == {(name, part)}
    shift = found.shifts[0]
    assert shift.psi > max(0.1, shift.chance)
    assert shift.corrected >= shift.p_value
    assert sum(shift.bins.window) == pytest.approx(1)


def test_inputs_that_no_longer_go_together_are_found_by_all_inputs_together(reference):
    columns = draw(1500, 1)
    found = measure(reference, columns | {"rooms": np.random.default_rng(0).permutation(columns["rooms"])})
    assert found.shifted == ()
    assert found.joint.has_shifted
    assert found.joint.auc > 0.6


def test_a_share_of_missing_values_is_judged_on_its_own(reference):
    columns = draw(400, 1)
    gone = np.random.default_rng(0).random(400) < 0.3
    texts = np.where(gone, None, columns["notes"])
    found = measure(reference, columns | {"area": np.where(gone, np.nan, columns["area"]), "notes": texts})
    area, notes = find(found, "area"), find(found, "notes", "length")
    assert {each.name for each in found.shifted} == {"area", "notes"}
    assert (area.has_gaps, area.has_shifted, notes.has_gaps) == (True, False, True)
    assert area.reference_missing == pytest.approx(0.05, abs=0.02)
    assert area.missing > 0.25


def test_values_that_were_never_seen_are_counted(reference):
    columns = draw(400, 1)
    columns["town"][:30] = 3.0  # The code for any other town.
    columns["area"] = columns["area"].clip(40, 200)
    columns["area"][:5], columns["area"][5:7] = -1.0, 1e9
    found = measure(reference, columns)
    town = find(found, "town")
    assert (town.unseen, find(found, "area").unseen) == (30, 7)
    assert town.has_shifted
    assert town.bins.labels == ("Bonn", "Kiel", "Ulm", "")
    assert town.bins.window[3] == pytest.approx(0.075)


def test_a_column_without_any_value_in_the_window_has_no_index_but_gaps(reference):
    found = measure(reference, draw(400, 1) | {"town": np.full(400, np.nan)})
    town = find(found, "town")
    assert (town.psi, town.test, town.missing, town.has_gaps) == (None, None, 1.0, True)
    assert name_shifted(found) == {("town", "input")}
    assert found.joint.has_shifted


def test_a_column_without_any_value_in_training_is_not_compared_until_it_has_some():
    kept = refer(draw(360, 0) | {"town": np.full(360, np.nan)})
    assert not measure(kept, draw(240, 1) | {"town": np.full(240, np.nan)}).has_drifted
    town = find(measure(kept, draw(240, 1)), "town")
    assert (town.psi, town.has_gaps) == (None, True)


def test_a_constant_column_shifts_as_soon_as_it_has_another_value():
    kept = refer(draw(360, 0) | {"rooms": np.full(360, 4.0), "town": np.zeros(360)})
    same = measure(kept, draw(240, 1) | {"rooms": np.full(240, 4.0), "town": np.zeros(240)})
    assert not same.has_drifted
    assert (find(same, "rooms").psi, find(same, "town").test) == (0.0, None)
    nearly = refer(draw(360, 0) | {"rooms": np.r_[3.0, np.full(359, 4.0)]})
    assert name_shifted(measure(nearly, draw(240, 1) | {"rooms": np.full(240, 5.0)})) == {("rooms", "input")}
    other = measure(kept, draw(240, 1) | {"rooms": np.full(240, 5.0), "town": np.zeros(240)})
    assert name_shifted(other) == {("rooms", "input")}
    assert find(other, "rooms").unseen == 240


def test_of_outputs_only_those_of_the_version_are_compared(reference):
    columns = draw(800, 1)
    versions = 1 + np.arange(800) % 2
    outputs = np.where(versions == 2, 1e9, columns["price"])
    found = measure(reference, columns, versions=versions, outputs=outputs)
    assert find(found, "price", "output").rows == 400
    assert not found.has_drifted
    few = measure(reference, columns, versions=versions + (np.arange(800) > 200))
    assert "output" not in {each.part for each in few.shifts}


def test_outputs_of_classes_are_compared_and_named():
    schema = Schema(features=FEATURES[:3], target=KIND)
    columns = draw(600, 0) | {"kind": (np.arange(600) % 2).astype(float)}
    kept = refer(columns, schema, held_out=200)
    found = measure(kept, draw(300, 1) | {"kind": (np.arange(300) % 10 == 0).astype(float)}, schema)
    kind = find(found, "kind", "output")
    assert kind.has_shifted
    assert kind.bins.labels == ("house", "flat")
    assert kind.bins.window == pytest.approx((0.9, 0.1))


def test_inputs_of_another_version_that_do_not_fit_are_left_out(reference):
    columns, fits = draw(600, 1), np.arange(600) % 2 == 0
    columns = {name: values if name == "price" else np.where(fits, values, None) for name, values in columns.items()}
    columns |= {name: values.astype(float) for name, values in columns.items() if name != "notes"}
    found = measure(reference, columns, fits=fits)
    assert (found.rows, found.left_out) == (300, 300)
    assert not found.has_drifted


@pytest.mark.parametrize("hidden", [["area"], NAMES])
def test_of_sensitive_inputs_nothing_is_kept_nor_said(hidden):
    features = [msgspec.structs.replace(each, sensitive="drop" if each.name in hidden else "") for each in FEATURES]
    schema = Schema(features=tuple(features), target=PRICE)
    kept = refer(draw(360, 0), schema)
    gone = {name: np.full(240, None if name == "notes" else np.nan) for name in hidden}
    found = measure(kept, draw(240, 1) | gone, schema)
    assert {each.name for each in kept.columns} == {each.name for each in found.shifts} - {"price"}
    assert {each.name for each in found.shifts} == {*NAMES, "price"} - set(hidden)
    assert not found.has_drifted


def test_the_same_window_gives_the_same_answer_and_it_is_read_as_it_was_stored(reference):
    found = measure(reference, draw(400, 1))
    assert measure(reference, draw(400, 1)) == found
    assert msgspec.convert(json.loads(json.dumps(msgspec.to_builtins(found), allow_nan=False)), Drift) == found


@pytest.mark.parametrize(
    ("training", "rows", "reason", "sentence"),
    [
        (None, 400, "no reference", "This version keeps nothing of its training data to compare with: retrain it."),
        (99, 400, "few training rows", "The version has 99 training rows; to compare with, 100 are needed."),
        (100, 199, "few predictions", "There are 199 predictions to compare; 200 are needed."),
        (100, 1, "few predictions", "There is 1 prediction to compare; 200 are needed."),
        (100, 0, "few predictions", "There are 0 predictions to compare; 200 are needed."),
    ],
)
def test_too_few_rows_are_an_answer_of_their_own(training, rows, reason, sentence):
    kept = None if training is None else refer(draw(training + 60, 0))
    found = measure(kept, draw(rows, 1))
    assert isinstance(found, DriftUnknown)
    assert (found.reason, str(found)) == (reason, sentence)


def test_100_training_rows_and_200_predictions_are_enough():
    found = measure(refer(draw(160, 0)), draw(200, 1))
    assert isinstance(found, Drift)
    assert not found.has_drifted


def test_inputs_are_compared_one_by_one_where_they_are_too_many_to_keep_rows_for_all_together(reference):
    columns = draw(400, 1)
    found = measure(msgspec.structs.replace(reference, blocks=b""), columns | {"area": columns["area"] * 1.5})
    assert found.joint is None
    assert name_shifted(found) == {("area", "input")}


def test_all_columns_have_a_place_in_the_answer_but_of_very_many_only_those_that_changed_most(reference):
    found = measure(reference, draw(400, 1))
    assert {each.name for each in found.shifts} == {*NAMES, "price"}
    assert (found.compared, found.changed) == (8, 0)
    random = np.random.default_rng(0)
    features = tuple(msgspec.structs.replace(FEATURES[0], name=f"x{number}") for number in range(300))
    schema = Schema(features=features, target=PRICE)
    columns = {name: random.normal(size=500) for name in [*schema.names, "price"]}
    kept = refer({name: values[:260] for name, values in columns.items()}, schema)
    window = {name: values[260:] for name, values in columns.items()} | {"x299": random.normal(3, 1, 240)}
    found = measure(kept, window, schema)
    assert (found.compared, found.changed, len(found.shifts), found.shifts[0].name) == (301, 1, 200, "x299")


def test_beyond_the_ends_of_few_outputs_the_index_is_not_larger_than_chance_makes_it():
    columns = draw(360, 0)
    kept = refer(columns, held_out=39)
    shifts = [find(measure(kept, draw(240, seed)), "price", "output") for seed in range(1, 9)]
    assert sum(each.psi > each.chance for each in shifts) <= 2


@pytest.mark.django_db
def test_a_run_of_monitor_finds_drift_from_the_live_versions_training_data_and_of_older_versions_nothing(line):
    now, week = datetime(2026, 3, 15, 12, tzinfo=UTC), timedelta(days=7)
    make_predictions(line, now - week, [({"x": 8 + row / 100}, 20.0) for row in range(200)])
    stored = store("line", watch("line", week, now))
    found = Monitoring.objects.get(id=stored.id).parsed_result.drift
    assert name_shifted(found) == {("x", "input"), ("y", "output")}
    assert found.joint.has_shifted
    Kept.objects.filter(version=line).delete()
    assert watch("line", week, now).drift == DriftUnknown(reason="no reference")


def test_the_index_is_the_one_of_the_formula_and_keeps_to_what_chance_gives():
    counts = np.array([50, 30, 20]), np.array([20, 30, 50])
    assert find_psi(*counts) == pytest.approx(2 * 0.3 * np.log(2.5))
    assert find_psi(np.array([10, 0]), np.array([10, 0])) == 0.0
    random = np.random.default_rng(0)
    samples = [[random.multinomial(rows, [0.1] * 10) for rows in (2000, 500)] for _ in range(400)]
    beyond = np.mean([find_psi(*pair) > find_chance(10, 2000, 500) for pair in samples])
    assert beyond == pytest.approx(0.05, abs=0.03)


def test_bins_are_grouped_into_tenths_and_what_many_rows_have_is_a_group_alone():
    assert group_bins(np.array([0, 5, 5, 0])).tolist() == [0, 0, 1, 1]
    assert group_bins(np.array([0, 5, 5, 0]), (True, False)).tolist() == [0, 1, 2, 2]
    assert group_bins(np.array([0, 5, 95, 0]), (True, False)).tolist() == [0, 0, 1, 1], (
        "of few rows it is no group alone"
    )
    assert group_bins(np.array([0, *[1] * 100, 0])).tolist() == [0, *np.repeat(range(10), 10), 9]
    assert group_bins(np.array([0, 70, 1, 29, 0]), (True, True)).tolist() == [0, 1, 2, 3, 4]


def test_the_distance_of_numbers_is_scipys_up_to_the_share_of_a_bin():
    random = np.random.default_rng(0)
    one, other = random.normal(size=1000), random.normal(0.1, 1, 700)
    edges = find_edges(one, 100)
    counts = [np.bincount(edges.searchsorted(each), minlength=len(edges) + 1) for each in (one, other)]
    ours, exact = compare_numbers(*counts), ks_2samp(one, other, method="asymp")
    assert exact.statistic - 0.01 <= ours.statistic <= exact.statistic
    assert ours.p_value >= exact.pvalue


def test_categories_are_compared_by_chi_squared_with_rare_ones_together():
    counts = np.array([500, 300, 4, 3, 0]), np.array([200, 190, 2, 0, 30])
    joined = [[500, 300, 7], [200, 190, 32]]
    assert compare_categories(*counts).p_value == pytest.approx(chi2_contingency(joined, correction=False).pvalue)
    assert compare_categories(np.array([500, 0]), np.array([200, 0])) is None
    assert compare_categories(np.array([500, 1]), np.array([200, 1])) is None


def test_shares_of_few_rows_are_compared_exactly():
    assert compare_shares(0, 100, 0, 100) == compare_shares(100, 100, 50, 50) == 1.0
    assert compare_shares(0, 20, 4, 20) == pytest.approx(0.106, abs=0.001)
    assert compare_shares(100, 1000, 200, 1000) < 1e-9
