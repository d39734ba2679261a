"""What a version keeps is written and read through typed records, also where an earlier build wrote it.

The rows of `STORED` are those of tests/stored/; each shape of JSON that is not among them stands here.
"""

import gzip
import json
from pathlib import Path

import msgspec
import pytest

from predictor.metrics.interval import Interval
from predictor.models import Version
from predictor.record.decision import Decision, read_decision
from predictor.record.interval import read_interval
from predictor.record.measurement import Measurement, read_measurement
from predictor.record.profile import Profile, read_profile
from predictor.record.provenance import count_outcomes, describe_sources
from predictor.record.report import Compilation, Importances, SkippedCompilation, SkippedImportances, read_report
from predictor.record.source import ImportedSource, TrainedSource, read_source
from predictor.record.split import Split, read_split
from predictor.registry.manifest import write_manifest
from predictor.schema.schema import Schema
from tests.outcomes import make_version

STORED = [
    row["fields"]
    for file in sorted((Path(__file__).parent / "stored").iterdir())
    for row in json.loads(gzip.decompress(file.read_bytes()))
    if row["model"] == "predictor.version"
]

SIGNED = [
    row["fields"]["manifest"]
    for file in sorted((Path(__file__).parent / "stored").iterdir())
    for row in json.loads(gzip.decompress(file.read_bytes()))
    if row["model"] == "predictor.artifact"
]

TRAINED = {"file": "d.csv", "sha256": "ab", "training_rows": 8, "held_out_rows": 2, "rows_without_target": 1}
OUTCOMES = {
    "found": 5,
    "used": 3,
    "held_out": 1,
    "left_out": {"there is no input x": 2},
    "newest": "2026-11-25T10:11:12.345678+00:00",
    "since": None,
}
IMPORTED = {
    "file": "s.csv",
    "sha256": "cd",
    "rows": 40,
    "rows_without_target": 0,
    "training_rows": None,
    "model_file": "m.pkl",
    "model_sha256": "ef",
}

IMPORTANCES = {
    "metric": "rmse",
    "rows": 39,
    "held_out": True,
    "repeats": 5,
    "features": [{"name": "x", "mean": 7.5, "sd": 0.5}],
}
COMPILED = {"rows": 200, "edge_rows": 14, "difference": 0.0, "seconds": 0.07}
TUNING = {"params": {"alpha": 0.1}, "metric": "rmse", "score": 1.2, "candidates": 4, "failed": 0, "folds": 5}
REPORT = {
    "importances": IMPORTANCES,
    "tuning": TUNING,
    "not_drawn": ["Residuals: none"],
    "commit": None,
    "fit_seconds": None,
    "seconds": 3.5,
}


def name(version):
    return f"{version['model']} {version['number']} of {version['created_at'][:10]}"


def write(record):
    """The JSON of a record, as the database gives it back."""
    return json.loads(json.dumps(msgspec.to_builtins(record)))


@pytest.mark.parametrize("version", STORED, ids=name)
def test_a_stored_decision_is_written_as_it_was(version):
    assert write(read_decision(version["decision"])) == version["decision"]


def test_a_decision_is_read_where_nothing_was_stored_and_where_a_later_build_stored_more():
    assert read_decision({}) == Decision()
    stored = {"promoted": True, "verdict": "better", "gain": {"low": 1, "high": 2.5}, "later": []}
    assert read_decision(stored) == Decision(promoted=True, verdict="better", gain=Interval(low=1.0, high=2.5))


def test_a_decision_always_has_the_keys_that_the_former_build_reads():
    assert set(write(Decision())) == {
        *("promoted", "verdict", "reason", "metric", "rows", "left_out", "champion", "champion_score"),
        *("challenger_score", "baseline_score", "gain", "gain_over_baseline"),
    }


@pytest.mark.parametrize("version", STORED, ids=name)
def test_a_stored_split_is_written_as_it_was(version):
    assert write(read_split(version["split"])) == version["split"]


def test_a_split_is_read_where_nothing_was_stored():
    assert read_split({}) == Split(names=(), share=None)


@pytest.mark.parametrize(
    "stored",
    [*(version["data"] for version in STORED), TRAINED, {**TRAINED, "outcomes": OUTCOMES}, IMPORTED],
)
def test_a_stored_source_is_written_as_it_was_and_an_import_also_has_its_origin(stored):
    origin = {"origin": "imported"} if "model_file" in stored else {}
    assert write(read_source(stored)) == stored | origin
    assert read_source(stored | origin) == read_source(stored)


def test_a_source_names_its_origin_whichever_build_stored_it():
    assert read_source(TRAINED).origin == "trained"
    assert read_source(IMPORTED).origin == read_source({**IMPORTED, "origin": "imported"}).origin == "imported"
    assert isinstance(read_source(IMPORTED), ImportedSource)


def test_a_source_of_nothing_is_read_as_a_table_without_rows():
    source = read_source({})
    assert isinstance(source, TrainedSource)
    assert (source.file, source.training_rows, source.outcomes) == ("", 0, None)


def test_outcomes_are_counted_and_told_only_where_there_were_any():
    without = [read_source(each) for each in ({}, TRAINED, IMPORTED)]
    assert [(count_outcomes(each), describe_sources(each)) for each in without] == [(0, "")] * 3
    source = read_source({**TRAINED, "outcomes": OUTCOMES})
    assert count_outcomes(source) == 3
    assert describe_sources(source).startswith("7 rows of d.csv and 3 of 5 outcomes, recorded to 2026-11-25 10:11 UTC")


@pytest.mark.parametrize("version", STORED, ids=name)
def test_a_stored_measurement_is_written_as_it_was_and_without_intervals_with_none(version):
    stored = version["metrics"]
    assert write(read_measurement(stored)) == {"intervals": {}} | stored


def test_a_measurement_is_read_where_nothing_was_stored_and_where_postgresql_keeps_large_scores_as_integers():
    assert read_measurement({}) == Measurement()
    assert read_measurement({"scores": {"mae": 10**300}}).scores == {"mae": 1e300}


@pytest.mark.parametrize(
    "stored",
    [
        *(version["report"] for version in STORED if "report" in version),
        REPORT,
        {**REPORT, "importances": {"skipped": "too many"}, "compiled": {"reason": "not compiled"}},
        {**REPORT, "compiled": COMPILED, "recipe_sha256": "ab", "code_sha256": None},
    ],
)
def test_a_stored_report_is_written_as_it_was_with_the_state_of_its_parts(stored):
    written = write(read_report(stored))
    for part in ("importances", "compiled"):
        assert bool((written[part] or {}).pop("state", "")) == bool(stored.get(part))
    later = ("compiled", "recipe_sha256", "code_sha256", "charts", "data_changes")
    assert written == dict.fromkeys(later) | stored
    assert read_report(write(read_report(stored))) == read_report(stored)


def test_a_report_says_what_was_done_and_what_was_skipped():
    done = read_report({**REPORT, "compiled": COMPILED})
    assert (type(done.importances), type(done.compiled)) == (Importances, Compilation)
    skipped = read_report({**REPORT, "importances": {"skipped": "too many"}, "compiled": {"reason": "not compiled"}})
    assert skipped.importances == SkippedImportances(skipped="too many")
    assert skipped.compiled == SkippedCompilation(reason="not compiled")
    assert read_report(REPORT).compiled is None


@pytest.mark.parametrize(
    "stored", [{}, {"tuning": None}, {"tuning": TUNING, "recipe_sha256": "ab", "code_sha256": None}]
)
def test_what_a_build_stored_that_made_no_report_is_none(stored):
    assert read_report(stored) is None


@pytest.mark.parametrize("version", STORED, ids=name)
def test_a_stored_profile_is_written_as_it_was(version):
    assert write(read_profile(version["profile"])) == version["profile"]


def test_a_profile_is_read_where_nothing_was_stored_and_keeps_classes_of_every_kind():
    assert read_profile({}) == Profile()
    marks = [None, "Adelie", "1", 1, True, False, 2**70]
    points = read_profile({"points": [[10**300, 0, mark] for mark in marks]}).points
    assert [(x, mark, type(mark)) for x, _, mark in points] == [(1e300, mark, type(mark)) for mark in marks]


@pytest.mark.parametrize("version", [version for version in STORED if "interval" in version], ids=name)
def test_a_stored_interval_is_written_as_it_was(version):
    assert write(read_interval(version["interval"])) == version["interval"]


@pytest.mark.parametrize("version", STORED, ids=name)
def test_a_stored_version_has_every_record(version):
    stored = Version(**{key: value for key, value in version.items() if key != "created_at"})
    for column in ("schema", "metrics", "profile", "split", "data", "decision", "report", "interval"):
        assert (getattr(stored, f"parsed_{column}") is None) == (version.get(column) in (None, {}))


@pytest.mark.django_db
def test_a_version_that_keeps_nothing_is_read_and_needs_no_column_that_was_deferred(django_assert_num_queries):
    stored = make_version()
    assert (stored.is_imported, stored.scores, stored.decimals, stored.comparison) == (False, [], None, [])
    assert (stored.importances, stored.parsed_report, stored.parsed_interval) == ([], None, None)
    with django_assert_num_queries(1):
        assert Version.objects.only("model", "decision").get().parsed_decision.reason == ""


@pytest.mark.parametrize("manifest", SIGNED)
def test_a_schema_is_signed_byte_for_byte_as_earlier_builds_signed_it(manifest):
    content = json.loads(manifest)
    assert write_manifest(content | {"schema": Schema.from_json(content["schema"]).to_json()}) == manifest


@pytest.mark.parametrize("stored", [row["schema"] for row in STORED])
def test_a_schema_is_stored_byte_for_byte_as_earlier_builds_stored_it(stored):
    # PostgreSQL, from which these rows came, sorts the keys.
    assert json.dumps(Schema.from_json(stored).to_json(), sort_keys=True) == json.dumps(stored, sort_keys=True)
