import jsonschema_rs
import pytest

from predictor.exceptions import InvalidInput
from predictor.schema.json_schema import describe_inputs, describe_output
from predictor.schema.kinds import Boolean, Category, Integer, Number
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.schema.temporal import Date, Datetime, Time
from predictor.schema.text import Text

TARGET = Target(name="y", label="Price", task="regression", unit="€")
FEATURES = (
    Number(name="area", label="Area", unit="m²", minimum=1, seen=(12.5, 300.0), typical=80.0, help="Of all rooms."),
    Integer(name="rooms", label="Rooms", maximum=20, seen=(1.0, 12.0), typical=3, required=False),
    Category(name="grade", label="Grade", choices=("1", "2"), seen=("1",), labels={"1": "low"}, required=False),
    Category(name="town", label="Town", choices=("Ulm",), unseen="other"),
    Boolean(name="garden", label="Garden"),
    Date(name="built", label="Day", minimum=0.0, seen=(0.0, 365.0)),
    Datetime(name="seen_at", label="Visit"),
    Datetime(name="sold_at", label="Sale", zone="Europe/Berlin"),
    Time(name="opens", label="Opening"),
    Text(name="words", label="Description", maximum_length=5),
)
SCHEMA = Schema(features=FEATURES, target=TARGET)
GIVEN = {
    "area": 20.5,
    "town": "Ulm",
    "garden": True,
    "built": "2026-03-01",
    "seen_at": "2026-03-01T12:30",
    "sold_at": "2026-03-01T12:30:00+02:00",
    "opens": "08:30",
    "words": "cosy",
}


def is_described(inputs):
    return jsonschema_rs.validator_for(describe_inputs(SCHEMA), validate_formats=True).is_valid(inputs)


def test_an_input_comes_with_its_label_unit_words_limits_and_what_was_seen_in_training():
    described = describe_inputs(SCHEMA)["properties"]
    assert described["area"] == {
        "title": "Area",
        "description": "Of all rooms. In training: 12.5 to 300\N{NO-BREAK SPACE}m².",
        "type": "number",
        "minimum": 1,
        "x-unit": "m²",
        "x-seen": [12.5, 300],
        "examples": [80.0],
    }
    assert described["grade"] == {
        "title": "Grade",
        "description": "1 is low.",
        "type": ["string", "null"],
        "enum": ["1", "2", None],
        "x-labels": {"1": "low"},
        "x-seen": ["1"],
    }
    assert (described["built"]["x-minimum"], described["built"]["x-seen"]) == (
        "1970-01-01",
        ["1970-01-01", "1971-01-01"],
    )


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"rooms": None, "grade": None},
        {"rooms": 3, "grade": "2", "town": "elsewhere"},
        {"seen_at": "2026-03-01T12:30:15.5", "opens": "08:30:15"},
    ],
)
def test_what_is_described_is_taken(changed):
    assert is_described({**GIVEN, **changed})
    SCHEMA.parse({**GIVEN, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"area": 0},
        {"area": None},
        {"rooms": 21},
        {"rooms": 1.5},
        {"rooms": 2**53},
        {"grade": "3"},
        {"built": "1 March 2026"},
        {"seen_at": "2026-03-01T12:30Z"},
        {"sold_at": "soon"},
        {"opens": "late"},
        {"words": "too long"},
        {"words": " "},
        {"town": ""},
        {"opens": "24:00"},
        {"seen_at": "2026-13-01T12:30"},
        {"unknown": 1},
    ],
)
def test_what_is_refused_is_not_described(changed):
    assert not is_described({**GIVEN, **changed})
    with pytest.raises(InvalidInput):
        SCHEMA.parse({**GIVEN, **changed})


def test_two_inputs_with_the_same_label_are_told_apart_by_their_names():
    schema = Schema(features=(Number(name="a", label="Size"), Number(name="b", label="Size")), target=TARGET)
    assert [each.get("title") for each in describe_inputs(schema)["properties"].values()] == [None, None]


@pytest.mark.parametrize(
    ("classes", "described"),
    [
        (("no", "yes"), {"type": "string", "enum": ["no", "yes"]}),
        ((0, 1), {"type": "integer", "enum": [0, 1]}),
        ((False, True), {"type": "boolean"}),
    ],
)
def test_a_prediction_is_described_by_its_classes(classes, described):
    target = Target(name="y", label="Sold", task="classification", classes=classes)
    assert describe_output(target) == {"title": "Sold", **described}


def test_a_predicted_number_is_described_by_its_unit():
    assert describe_output(TARGET) == {"title": "Price", "type": "number", "x-unit": "€"}
