"""What a date, a date with a time, or a time takes, keeps and is encoded as."""

import json
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.exceptions import InvalidValue
from predictor.languages import LANGUAGES, use_language
from predictor.schema.kinds import make_feature, read_feature, write_feature
from predictor.schema.temporal import Date, Datetime, Time, write_temporal
from tests.test_schema import anything, attempt

DAY = Date(name="d", label="Day", seen=(19_723.0, 20_088.0), typical="2024-07-01")
GERMAN = Date(name="d", label="Day", format="%d.%m.%Y")
LOCAL = Datetime(name="d", label="Start")
ZONED = Datetime(name="d", label="Start", zone="Europe/Berlin")
CLOCK = Time(name="d", label="Clock", seen=(28_800.0, 64_800.0))
KINDS = [DAY, GERMAN, LOCAL, ZONED, CLOCK]

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("feature", "raw", "value", "number"),
    [
        (DAY, "1970-01-01", "1970-01-01", 0),
        (DAY, " 2024-02-29 ", "2024-02-29", 19_782),
        (DAY, "20240229", "2024-02-29", 19_782),
        (DAY, "1969-12-31", "1969-12-31", -1),
        (GERMAN, "29.02.2024", "2024-02-29", 19_782),
        (GERMAN, "2024-02-29", "2024-02-29", 19_782),
        (LOCAL, "1970-01-02T00:00", "1970-01-02T00:00:00", 86_400),
        (LOCAL, "1970-01-02 00:00:00.25", "1970-01-02T00:00:00.250000", 86_400.25),
        (ZONED, "2024-07-01T12:00", "2024-07-01T12:00:00+02:00", 1_719_828_000),
        (ZONED, "2024-01-01T12:00", "2024-01-01T12:00:00+01:00", 1_704_106_800),
        (ZONED, "2024-07-01t10:00z", "2024-07-01T10:00:00+00:00", 1_719_828_000),
        (ZONED, "2024-07-01T12:00:00-05:00", "2024-07-01T12:00:00-05:00", 1_719_853_200),
        (CLOCK, "08:30", "08:30:00", 30_600),
        (CLOCK, "08:30:15.5", "08:30:15.500000", 30_615.5),
    ],
)
def test_what_is_typed_is_kept_as_iso_8601_and_encoded_as_one_number(feature, raw, value, number):
    assert feature.parse(raw) == value
    assert feature.parse(value) == value
    assert feature.encode(value) == number


@pytest.mark.parametrize(
    ("feature", "raw", "code"),
    [
        (DAY, "2023-02-29", "not_a_date"),
        (DAY, "2024-02-30", "not_a_date"),
        (DAY, "29.02.2024", "not_a_date"),
        (DAY, "2024-02", "not_a_date"),
        (DAY, "2024-02-29T12:00", "not_a_date"),
        (DAY, 20_240_229, "not_a_date"),
        (DAY, True, "not_a_date"),
        (DAY, "", "missing"),
        (GERMAN, "30.02.2024", "not_a_date"),
        (GERMAN, "29.2.24", "not_a_date"),
        (LOCAL, "2024-02-29", "not_a_datetime"),
        (LOCAL, "2024-02-29T12", "not_a_datetime"),
        (LOCAL, "2024-02-29x12:00", "not_a_datetime"),
        (LOCAL, "2024-02-29T24:01", "not_a_datetime"),
        (LOCAL, "2024-02-29T12:00Z", "unexpected_zone"),
        (ZONED, "2024-03-31T02:30", "skipped_time"),
        (CLOCK, "25:00", "not_a_time"),
        (CLOCK, "8", "not_a_time"),
        (CLOCK, "08:30+01:00", "not_a_time"),
        (CLOCK, 8.5, "not_a_time"),
    ],
)
def test_what_is_not_one_is_refused_with_a_code_and_a_sentence(feature, raw, code):
    with pytest.raises(InvalidValue) as refused:
        feature.parse(raw)
    assert refused.value.problem.code == code
    assert str(refused.value).endswith(".")


def test_the_hour_that_clocks_repeat_is_the_first_one():
    assert ZONED.parse("2024-10-27T02:30") == "2024-10-27T02:30:00+02:00"


def test_a_limit_is_named_as_a_date():
    bounded = make_feature(name="d", kind="date", label="d", minimum=0.0, maximum=19_782.0)
    with pytest.raises(InvalidValue, match="“1969-12-31” is too early: the earliest allowed is 1970-01-01"):
        bounded.parse("1969-12-31")
    with pytest.raises(InvalidValue, match="“2024-03-01” is too late: the latest allowed is 2024-02-29"):
        bounded.parse("2024-03-01")


@pytest.mark.parametrize(
    ("feature", "raw", "warning"),
    [
        (DAY, "2024-12-31", None),
        (DAY, "2025-01-01", "Day: 2025-01-01 is outside what the model has seen: 2024-01-01 to 2024-12-31"),
        (CLOCK, "07:59", "Clock: 07:59 is outside what the model has seen: 08:00 to 18:00"),
        (CLOCK, None, None),
        (LOCAL, "2024-01-01T00:00:00", None),
    ],
)
def test_a_date_outside_what_was_seen_only_warns(feature, raw, warning):
    found = feature.find_warning(raw if raw is None else feature.parse(raw))
    assert (found and feature.write_warning(found)) == warning


@given(st.sampled_from(KINDS), anything | st.dates().map(str) | st.datetimes().map(str) | st.times().map(str))
def test_whatever_is_sent_is_refused_or_parses_to_itself_and_is_a_number(feature, raw):
    value, error = attempt(InvalidValue, feature.parse, raw)
    if error is None:
        assert feature.parse(json.loads(json.dumps(value))) == value
        assert np.isfinite(feature.encode(value))
        assert str(feature.write(value))


@given(st.dates())
def test_every_date_is_decoded_as_it_was_encoded(day):
    assert DAY.decode(DAY.encode(str(day))) == GERMAN.parse(f"{day:%d.%m.}{day.year:04}") == str(day)


@given(st.times())
def test_every_time_is_decoded_as_it_was_encoded(moment):
    assert CLOCK.decode(CLOCK.encode(moment.isoformat())) == moment.isoformat()


@given(st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2200, 1, 1)), offsets)
def test_every_moment_is_encoded_in_utc_and_kept_with_its_zone(moment, offset):
    zoned = moment.replace(tzinfo=offset)
    assert ZONED.parse(zoned.isoformat()) == zoned.isoformat()
    assert ZONED.encode(zoned.isoformat()) == pytest.approx(zoned.timestamp(), abs=1e-6)
    assert datetime.fromisoformat(ZONED.decode(ZONED.encode(zoned.isoformat()))) == zoned


@pytest.mark.parametrize("feature", KINDS)
def test_a_date_feature_survives_json(feature):
    assert read_feature(json.loads(json.dumps(write_feature(feature)))) == feature


@pytest.mark.parametrize(
    ("kind", "stored", "iso", "english", "german"),
    [
        ("date", "2024-03-01", "2024-03-01", "1 Mar 2024", "1. März 2024"),
        ("datetime", "2024-03-01T12:30:00", "2024-03-01 12:30", "1 Mar 2024, 12:30", "1. März 2024, 12:30"),
        ("datetime", "2024-03-01T12:30:05+00:00", "2024-03-01 12:30:05+00:00", "1 Mar 2024, 12:30:05 UTC", None),
        ("datetime", "2024-03-01T12:30:00-05:00", "2024-03-01 12:30-05:00", "1 Mar 2024, 12:30 UTC-05:00", None),
        ("time", "08:30:00", "08:30", "08:30", "08:30"),
        ("date", "changed by hand", "", "", ""),
    ],
)
def test_a_page_writes_a_date_in_its_languages_manner_and_everything_else_by_iso_8601(
    kind, stored, iso, english, german
):
    assert write_temporal(kind, stored) == iso
    for code, written in (("en", english), ("de", german)):
        with use_language(LANGUAGES[code]):
            assert written is None or write_temporal(kind, stored) == written
