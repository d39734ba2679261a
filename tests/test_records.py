"""What a version keeps is written and read through typed records, also where an earlier build wrote it.

The rows of `STORED` are those of tests/stored/; each shape of JSON that is not among them stands here.
"""

import gzip
import json
from pathlib import Path

import msgspec
import pytest

from predictor.metrics.interval import Interval
from predictor.record.decision import Decision, read_decision

STORED = [
    pytest.param(row["fields"], id=f"{file.name[:10]} {row['fields']['model']} {row['fields']['number']}")
    for file in sorted((Path(__file__).parent / "stored").iterdir())
    for row in json.loads(gzip.decompress(file.read_bytes()))
    if row["model"] == "predictor.version"
]


def write(record):
    """The JSON of a record, as the database gives it back."""
    return json.loads(json.dumps(msgspec.to_builtins(record)))


@pytest.mark.parametrize("version", STORED)
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
