import dataclasses
import json
import math
import re
import time
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from predictor.exceptions import InvalidInput, InvalidValue
from predictor.problems import SENTENCES, Code, Problem, write_kind
from predictor.schema.kinds import KINDS, make_feature, write_feature
from predictor.schema.output import Band, Output
from predictor.schema.schema import Row, Schema
from predictor.schema.target import Target
from predictor.schema.values import write_value
from predictor.schema.words import find_ambiguous
from predictor.texts import normalise_text, quote
from predictor.training.dataset import load_dataset
from tests.recipes import LINE, make_recipe

NUMBER = make_feature(name="x", kind="number", label="Width", minimum=0.0, maximum=10.0, seen=(0.5, 9.5), typical=5.0)
FREE = make_feature(name="x", kind="number", label="x")
INTEGER = make_feature(name="year", kind="integer", label="Year", seen=(2007.0, 2009.0), typical=2008)
CATEGORY = make_feature(name="sex", kind="category", label="Sex", choices=("male", "a\nb"), seen=("male",))
BOOLEAN = make_feature(name="tagged", kind="boolean", label="Tagged", seen=(0.0, 1.0), typical=True)
TARGET = Target(name="y", label="y", task="regression")

FORMATS = {"date": ["", "%d.%m.%Y"], "datetime": ["", "%d.%m.%Y %H:%M"], "time": ["", "%H.%M"]}

finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary())
words = texts.filter(str.strip)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def draw_labels(draw, codes):
    """Words for some codes, of which none mean two."""
    labels = draw(st.dictionaries(st.sampled_from(codes), words | st.sampled_from(codes).filter(str.strip)))
    return {} if find_ambiguous(codes, labels) else labels


outputs = st.builds(
    Output,
    decimals=st.none() | st.integers(-3, 5),
    scale=st.sampled_from([1.0, 0.001, 3.0]),
    unit=st.none() | texts,
    bands=st.lists(st.builds(Band, label=words, below=finite), max_size=2).map(tuple),
    minimum=st.none() | finite,
)


@st.composite
def features(draw, name="x"):
    kind = draw(st.sampled_from(sorted(KINDS)))
    described = {
        "name": name,
        "kind": kind,
        "label": draw(texts),
        "unit": draw(texts),
        "help": draw(texts),
        "required": draw(st.booleans()),
    }
    if kind == "category":
        choices = tuple(draw(st.lists(texts.map(normalise_text), min_size=1, max_size=5, unique=True)))
        labels = draw_labels(draw, choices)
        return make_feature(**described, choices=choices, seen=choices[1:], typical=choices[0], labels=labels)
    if kind == "text":
        return make_feature(**described, maximum_length=draw(st.integers(1, 5_000)))
    if kind == "boolean":
        return make_feature(**described, seen=(0.0, 1.0), typical=draw(st.booleans()))
    if kind in ("date", "datetime", "time"):
        described |= {"zone": draw(st.sampled_from(["", "UTC", "Asia/Tokyo"]))} if kind == "datetime" else {}
        ends = sorted(draw(st.tuples(st.integers(0, 20_000), st.integers(0, 20_000))))
        return make_feature(**described, seen=tuple(map(float, ends)), format=draw(st.sampled_from(FORMATS[kind])))
    limits = dict(zip(["minimum", "maximum"], sorted(draw(st.tuples(finite, finite))), strict=True))
    seen = tuple(sorted(draw(st.tuples(finite, finite))))
    typical = draw(st.integers(-(2**53), 2**53) if kind == "integer" else finite)
    return make_feature(**described, **draw(st.sampled_from([{}, limits])), seen=seen, typical=typical)


@st.composite
def schemas(draw):
    names = draw(st.lists(texts, min_size=1, max_size=3, unique=True))
    classes = draw(st.sampled_from([(), (0, 1), (False, True), ("a", "b\nc")]))
    task = "classification" if classes else "regression"
    name = draw(texts.filter(lambda name: name not in names))
    target = Target(name=name, label=draw(texts), task=task, classes=classes)
    if classes:
        target = dataclasses.replace(target, labels=draw_labels(draw, target.words.codes))
    else:
        target = dataclasses.replace(target, output=draw(outputs))
    return Schema(features=tuple(draw(features(name)) for name in names), target=target)


def attempt(refusal, parse, raw):
    """What was parsed, or how it was refused; any other error is let through and fails the test."""
    try:
        return parse(raw), None
    except refusal as error:
        return None, error


@given(schemas())
def test_a_schema_survives_json(schema):
    assert Schema.from_json(json.loads(json.dumps(schema.to_json(), allow_nan=False))) == schema


STORED = """
{"name": "x", "kind": "number", "label": "Width", "unit": "", "help": "", "required": true, "minimum": 0.0,
 "maximum": 10.0, "choices": [], "seen": [0.5, 9.5], "typical": 5.0}
{"name": "year", "kind": "integer", "label": "Year", "unit": "", "help": "", "required": true, "minimum": null,
 "maximum": null, "choices": [], "seen": [2007.0, 2009.0], "typical": 2008}
{"name": "sex", "kind": "category", "label": "Sex", "unit": "", "help": "", "required": true, "minimum": null,
 "maximum": null, "choices": ["male", "a\\nb"], "seen": ["male"], "typical": null}
{"name": "tagged", "kind": "boolean", "label": "Tagged", "unit": "", "help": "", "required": true, "minimum": null,
 "maximum": null, "choices": [], "seen": [0.0, 1.0], "typical": true}
"""


def test_the_json_of_each_kind_that_is_stored_and_signed_never_changes():
    features = [write_feature(feature) for feature in (NUMBER, INTEGER, CATEGORY, BOOLEAN)]
    assert "\n".join(map(json.dumps, features)) == STORED.strip().replace(",\n ", ", ")


def test_floats_that_a_database_returned_as_integers_are_floats_again():
    stored = {**Schema(features=(NUMBER,), target=TARGET).to_json()}
    huge = {"minimum": 0, "maximum": 10**300, "seen": [1, 10**22], "typical": 5}
    stored["features"] = [{**stored["features"][0], **huge}]
    read = Schema.from_json(stored).features[0]
    assert [type(v) for v in (read.minimum, read.maximum, *read.seen, read.typical)] == [float] * 5


@given(features())
def test_the_words_for_a_choice_parse_to_it(feature):
    for choice, shown in getattr(feature, "labels", {}).items():
        assert str(feature.write(choice)) == shown
        assert [feature.parse(text) for text in (shown, f" {shown} ", choice)] == [choice] * 3


@given(schemas(), st.data())
def test_whatever_is_sent_is_parsed_or_refused_as_invalid_input(schema, data):
    raw = data.draw(st.dictionaries(st.sampled_from(schema.names) | st.text(), anything, max_size=4))
    row, error = attempt(InvalidInput, schema.parse, raw)
    if error:
        assert error.fields
        assert all(message.endswith(".") for message in error.fields.values())
    else:
        assert list(row.values) == schema.names


@given(features(), anything)
def test_what_a_feature_lets_through_is_kept_by_json_and_parses_to_itself(feature, raw):
    value, error = attempt(ValueError, feature.parse, raw)
    if error:
        assert any(words in str(error) for words in ("give ", "allowed is ", "write "))
    else:
        assert feature.parse(json.loads(json.dumps(value, allow_nan=False))) == value
        assert feature.minimum is None or value is None or value >= feature.minimum
        assert feature.maximum is None or value is None or value <= feature.maximum


@given(finite)
def test_a_number_that_is_written_in_full_parses_to_itself(number):
    assert FREE.parse(str(number)) == FREE.parse(number) == number


@given(st.floats(-1e300, 1e300))
def test_what_is_named_as_an_example_can_be_typed(number):
    written = replace(FREE, typical=number).expected.removeprefix("a number such as ")
    assert math.isclose(FREE.parse(written), number, rel_tol=1e-9)


def test_the_limits_that_an_error_names_can_be_typed():
    feature = replace(FREE, minimum=12_345.5, maximum=1_000_000.0)
    with pytest.raises(ValueError, match=r"the least allowed is 12345\.5\."):
        feature.parse("1")
    with pytest.raises(ValueError, match=r"the most allowed is 1000000\."):
        feature.parse("1e7")


@pytest.mark.parametrize("value", [True, False])
def test_a_truth_that_is_shown_parses_to_itself(value):
    assert BOOLEAN.parse(str(BOOLEAN.write(value))) is value


@pytest.mark.parametrize(
    ("raw", "value"),
    [("5", 5.0), (" +5. ", 5.0), (".5", 0.5), ("5e0", 5.0), ("05E-1", 0.5), (5, 5.0), (np.float64(5.5), 5.5)],
)
def test_a_number_may_be_written_in_the_usual_ways(raw, value):
    parsed = NUMBER.parse(raw)
    assert parsed == value
    assert type(parsed) is float


NO_NUMBERS = [
    "1_0",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "1,5,5",
    "0x1",
    "e5",
    ".",
    "--1",
    "1e",
    "٣",
    "1\x00",
    "ten",
    "1 0",
]


@pytest.mark.parametrize("raw", [*NO_NUMBERS, float("nan"), float("inf"), True, False])
def test_what_is_no_number_is_refused_and_repeated(raw):
    with pytest.raises(ValueError, match=r"is not a number: give a number such as 5\.$") as caught:
        NUMBER.parse(raw)
    assert quote(raw) in str(caught.value)


@pytest.mark.parametrize("raw", ["1e400", "-1e400", "9" * 400, 10**400])
def test_a_number_beyond_float64_is_refused(raw):
    with pytest.raises(ValueError, match="too large for a number here"):
        FREE.parse(raw)


def test_a_long_wrong_number_is_refused_at_once():
    started = time.perf_counter()
    with pytest.raises(ValueError, match="is too long"):
        FREE.parse("1" * 60_000 + "x")
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(("raw", "limit"), [("-0.001", "least allowed is 0"), (10.001, "most allowed is 10")])
def test_a_number_beyond_a_hard_limit_is_refused_and_the_limit_named(raw, limit):
    with pytest.raises(ValueError, match=f"“{raw}” is too (small|large): the {limit}"):
        NUMBER.parse(raw)


@pytest.mark.parametrize("raw", ["0", "10", 0, 10.0, "-0.0"])
def test_a_hard_limit_itself_is_allowed(raw):
    assert NUMBER.parse(raw) == float(raw)


@pytest.mark.parametrize("raw", ["-0", "-0.0", -0.0])
def test_minus_zero_is_zero(raw):
    assert math.copysign(1, FREE.parse(raw)) == 1
    assert str(INTEGER.parse(raw)) == "0"


@pytest.mark.parametrize("raw", ["2008.0", "2.008e3", 2008.0, "2008"])
def test_an_integer_may_be_written_as_a_whole_float(raw):
    value = INTEGER.parse(raw)
    assert value == 2008
    assert type(value) is int


@pytest.mark.parametrize("raw", ["2008.5", 0.1, "9007199254740992", 2**53, 2**53 + 1, -(2**53) - 1, "1e300"])
def test_fractions_and_integers_that_float64_cannot_tell_apart_are_refused(raw):
    with pytest.raises(ValueError, match="is not a whole number below 2⁵³: give a whole number such as 2008"):
        INTEGER.parse(raw)


@pytest.mark.parametrize("raw", ["a\r\nb", "a\rb", "a\nb"])
def test_line_ends_in_a_category_are_one(raw):
    assert CATEGORY.parse(raw) == "a\nb"


@pytest.mark.parametrize("raw", ["Male", " male", "male\x00", "m", True, 1])
def test_an_unknown_category_is_refused_and_the_choices_named(raw):
    with pytest.raises(ValueError, match=r"is not a choice: give one of “male”, “a\\nb”\.$") as caught:
        CATEGORY.parse(raw)
    assert quote(raw) in str(caught.value)


@pytest.mark.parametrize(
    ("feature", "raw", "problem"),
    [
        (NUMBER, "", {"code": "missing", "given": ""}),
        (NUMBER, None, {"code": "missing"}),
        (NUMBER, [5], {"code": "not_one_value", "given": "a list"}),
        (NUMBER, "9" * 5_000, {"code": "too_long", "given": "9" * 5_000}),
        (NUMBER, "9" * 401, {"code": "number_too_long", "given": "9" * 401}),
        (NUMBER, 10**400, {"code": "number_too_large", "given": 10**400}),
        (NUMBER, "ten", {"code": "not_a_number", "given": "ten"}),
        (NUMBER, "1,234", {"code": "ambiguous_number", "given": "1,234", "expected": "1234 or 1.234"}),
        (NUMBER, -1, {"code": "below_minimum", "given": -1, "limit": 0.0}),
        (NUMBER, "11", {"code": "above_maximum", "given": "11", "limit": 10.0}),
        (INTEGER, 0.5, {"code": "not_whole", "given": 0.5}),
        (CATEGORY, "m", {"code": "not_a_choice", "given": "m"}),
        (BOOLEAN, "y", {"code": "not_a_boolean", "given": "y"}),
        (TARGET, "ten", {"code": "not_a_number", "given": "ten"}),
    ],
)
def test_what_is_wrong_is_a_value_that_becomes_a_sentence(feature, raw, problem):
    with pytest.raises(InvalidValue) as refused:
        feature.parse(raw)
    assert refused.value.problem == Problem(**{"expected": feature.expected, **problem})
    assert str(refused.value) == str(refused.value.problem)


def test_there_is_a_sentence_for_every_code():
    assert set(SENTENCES) == set(get_args(Code))


def test_many_choices_are_named_in_part():
    feature = make_feature(name="x", kind="category", label="x", choices=tuple(f"c{i}" for i in range(13)))
    assert feature.expected.endswith("“c11”, …")


@pytest.mark.parametrize(
    ("choices", "raw", "choice"),
    [
        (("1", "2"), 2, "2"),
        (("1", "2"), 2.0, "2"),
        (("1", "2"), "2.0", "2"),
        (("0", "1"), -0.0, "0"),
        (("1.0", "2.0"), 2, "2.0"),
        (("1.0", "2.0"), "2", "2.0"),
        (("2", "2.0"), 2.0, "2.0"),
        (("2", "2.0"), "2", "2"),
        (("0.5", "1"), 0.5, "0.5"),
    ],
)
def test_a_category_of_numbers_takes_numbers_and_whole_ones_in_either_form(choices, raw, choice):
    assert make_feature(name="x", kind="category", label="x", choices=choices).parse(raw) == choice


def test_a_category_takes_no_other_number_for_a_choice():
    with pytest.raises(ValueError, match=r"“2\.5” is not a choice: give one of “1”, “2”\.$"):
        make_feature(name="x", kind="category", label="x", choices=("1", "2")).parse(2.5)


def test_an_empty_text_that_is_a_choice_is_no_missing_value():
    assert make_feature(name="x", kind="category", label="x", choices=("", "a")).parse("") == ""


@pytest.mark.parametrize("raw", ["true", "TRUE", " on ", "yes", "1", "1.0", 1, 1.0, True])
def test_yes_is_understood(raw):
    assert BOOLEAN.parse(raw) is True


@pytest.mark.parametrize("raw", ["false", "off", "No", "0", "0.0", 0, 0.0, -0.0, False])
def test_no_is_understood(raw):
    assert BOOLEAN.parse(raw) is False


@pytest.mark.parametrize("raw", ["2", 2, 0.5, "1.00", "y", "nan", "true\x00"])
def test_what_is_neither_yes_nor_no_is_refused(raw):
    with pytest.raises(ValueError, match="is neither yes nor no: give yes or no"):
        BOOLEAN.parse(raw)


@pytest.mark.parametrize("feature", [NUMBER, INTEGER, CATEGORY, BOOLEAN])
@pytest.mark.parametrize(("raw", "kind"), [([1], "a list"), ({"a": 1}, "an object"), (b"1", "a bytes")])
def test_more_than_one_value_is_refused(feature, raw, kind):
    with pytest.raises(ValueError, match=f"One value is needed, not {kind}: give "):
        feature.parse(raw)


def test_what_is_wrong_with_many_values_is_said_as_of_one_without_it():
    written = write_kind(NUMBER.make_problem("not_one_value"))
    assert written == f"One value is needed, not a list: give {NUMBER.expected}."


@pytest.mark.parametrize("feature", [NUMBER, CATEGORY, BOOLEAN])
def test_a_value_nested_too_deeply_to_be_shown_is_refused(feature):
    nested = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(ValueError, match="not a list"):
        feature.parse(nested)


@pytest.mark.parametrize("raw", [None, "", "  ", "\r\n"])
@pytest.mark.parametrize("kind", ["number", "integer", "category", "boolean"])
def test_a_missing_value_is_refused_only_where_it_is_required(kind, raw):
    feature = {"name": "x", "kind": kind, "label": "x", "choices": ("a",)}
    assert make_feature(**feature, required=False).parse(raw) is None
    with pytest.raises(ValueError, match="A value is needed: give "):
        make_feature(**feature).parse(raw)


def test_every_wrong_field_is_named_at_once():
    schema = Schema(features=(NUMBER, INTEGER, CATEGORY), target=TARGET)
    with pytest.raises(InvalidInput) as caught:
        schema.parse({"x": "a", "year": "2008", "colour": "red", "si\x00ze": 1})
    fields = caught.value.fields
    assert set(fields) == {"x", "sex", "colour", "si\x00ze"}
    assert fields["colour"] == "There is no field “colour” in this model; it has x, year, sex."
    assert "“si\\x00ze”" in fields["si\x00ze"]


def test_thousands_of_unknown_fields_are_refused_in_few_words():
    with pytest.raises(InvalidInput) as refused:
        Schema(features=(NUMBER,), target=TARGET).parse({f"a{number}": 1 for number in range(5000)})
    unknown = {name: message for name, message in refused.value.fields.items() if name.startswith("a")}
    assert len(unknown) == 21
    assert unknown["a20"] == "Nor is there this one, or 4979 more."


def test_an_unknown_field_with_a_long_name_is_named_in_part():
    with pytest.raises(InvalidInput) as refused:
        Schema(features=(FREE,), target=TARGET).parse({"x": 1, "y" * 100_000: 1})
    assert list(refused.value.fields) == ["y" * 40 + "…"]


@pytest.mark.parametrize(
    ("feature", "value", "warning"),
    [
        (NUMBER, 9.5, None),
        (NUMBER, 9.6, "Width: 9.6 is outside what the model has seen: 0.5 to 9.5"),
        (NUMBER, 0.4, "Width: 0.4 is outside what the model has seen: 0.5 to 9.5"),
        (NUMBER, None, None),
        (FREE, 1e9, None),
        (
            replace(FREE, seen=(0.00001, 10_000.0)),
            199_000.5,
            "x: 199,000.5 is outside what the model has seen: 0.00001 to 10,000",
        ),
        (replace(FREE, unit="$", seen=(5.0, 9.0)), 1e4, "x: $10,000 is outside what the model has seen: $5 to $9"),
        (replace(FREE, unit="mm", seen=(5.0, 9.0)), 1e4, "x: 10,000 is outside what the model has seen: 5 to 9"),
        (INTEGER, 2010, "Year: 2010 is outside what the model has seen: 2007 to 2009"),
        (CATEGORY, "male", None),
        (CATEGORY, "a\nb", "Sex: “a\\nb” was never seen in training"),
        (BOOLEAN, True, None),
    ],
)
def test_a_valid_value_outside_what_was_seen_only_warns(feature, value, warning):
    found = feature.find_warning(value)
    assert (found and feature.write_warning(found)) == warning


@pytest.mark.parametrize(
    ("unit", "seen", "written"),
    [
        ("mm", "9,000 to 12,500\u00a0mm", "12,500\u00a0mm"),
        ("$", "$9,000 to $12,500", "$12,500"),
        ("", "9000 to 12,500", "12,500"),
    ],
)
def test_values_and_the_range_seen_are_written_with_their_unit(unit, seen, written):
    feature = replace(FREE, unit=unit, seen=(9000.0, 12_500.0))
    assert str(feature.seen_range) == seen
    assert str(feature.write(12_500.0)) == written
    assert str(feature.write(None)) == "–"


@pytest.mark.parametrize("feature", [CATEGORY, BOOLEAN, FREE])
def test_what_has_no_range_seen_writes_none(feature):
    assert feature.seen_range is None


def test_a_target_writes_numbers_with_its_unit_and_labels_as_names():
    price = Target(name="price", label="Price", task="regression", unit="$")
    assert str(price.write(159_600.7843)) == "$159,600.7843"
    assert str(price.write(159_600.7843, decimals=-3)) == "$160,000"
    # A database gives back what JSON holds: a whole number as an int.
    assert str(price.write(10**22)) == "$1e22"
    place = Target(name="place", label="Place", task="classification", unit="$", classes=(10115, 20095))
    assert str(place.write(10115)) == "10115"


def test_parsing_collects_the_warnings():
    schema = Schema(features=(NUMBER, INTEGER), target=TARGET)
    row = schema.parse({"x": "9.9", "year": 1900})
    assert [warning.split(":")[0] for warning in schema.write_warnings(row.warnings)] == ["Width", "Year"]


def test_rows_are_encoded_in_the_order_of_the_features():
    schema = Schema(features=(NUMBER, CATEGORY, BOOLEAN), target=TARGET)
    rows = [Row(values={"tagged": True, "sex": "a\nb", "x": 2.5}), Row(values={"x": None, "sex": None, "tagged": None})]
    matrix = schema.encode(rows)
    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix, [[2.5, 1.0, 1.0], [np.nan] * 3])


def test_no_rows_are_encoded_as_an_empty_matrix():
    assert Schema(features=(NUMBER, INTEGER), target=TARGET).encode([]).shape == (0, 2)


cells = st.tuples(
    finite.map(str) | st.just(""),
    st.integers(-(2**53) + 1, 2**53 - 1).map(str) | st.just(""),
    st.sampled_from(["red", "dark\r\nblue", "dark\nblue", "çé, “x”", ""]),
    st.sampled_from(["true", "false", "True", "FALSE", ""]),
)


@settings(max_examples=50)
@given(rows=st.lists(cells, min_size=1, max_size=8))
def test_what_is_parsed_is_encoded_as_training_encoded_it(rows, tmp_path_factory):
    names = ["number", "integer", "category", "boolean"]
    rows += [("0.5", "7", "red", "true"), ("-0.0", "-0", "green", "false")]
    lines = [f'{number},{integer},"{category}",{boolean},1.5\n' for number, integer, category, boolean in rows]
    csv = ",".join(names) + ",y\n" + "".join(lines)
    dataset = load_dataset(make_recipe(tmp_path_factory.mktemp("made"), toml=LINE + "holdout = 0", csv=csv))
    assert [feature.kind for feature in dataset.schema.features] == names
    parsed = [dataset.schema.parse(dict(zip(names, row, strict=True))) for row in rows]
    assert dataset.schema.encode(parsed).tobytes() == dataset.matrix.tobytes()


labels = st.one_of(
    st.just((False, True)),
    st.lists(st.integers(), min_size=2, max_size=5, unique=True).map(tuple),
    st.lists(texts.map(normalise_text).filter(bool), min_size=2, max_size=5, unique=True).map(tuple),
)


def classify(classes):
    return Target(name="y", label="y", task="classification", classes=classes)


@given(finite)
def test_a_number_that_happened_is_read_back_as_it_was_written(number):
    for raw in (number, str(number), write_value(number), f" {number!r} "):
        assert TARGET.parse(raw) == number
        assert type(TARGET.parse(raw)) is float


@given(labels, st.booleans())
def test_every_class_is_read_back_as_it_was_written(classes, new_classes):
    for label in classes:
        parsed = classify(classes).parse(write_value(label), new_classes=new_classes)
        assert (parsed, type(parsed)) == (label, type(label))


@given(labels, anything)
def test_only_a_class_or_with_leave_one_like_it_is_taken(classes, raw):
    target = classify(classes)
    known, _ = attempt(ValueError, target.parse, raw)
    assert known is None or known in classes
    new, refusal = attempt(ValueError, lambda value: target.parse(value, new_classes=True), raw)
    assert (type(new) is type(classes[0])) != (refusal is not None)
    if new is not None:
        assert target.parse(write_value(new), new_classes=True) == new


@pytest.mark.parametrize(
    ("target", "raw", "message"),
    [
        (TARGET, "", "A value is needed: give a number."),
        (TARGET, None, "A value is needed: give a number."),
        (TARGET, "nan", "“nan” is not a number: give a number."),
        (TARGET, "1e999", "“1e999” is too large for a number here: give a number."),
        (TARGET, True, "“true” is not a number: give a number."),
        (TARGET, [5], "One value is needed, not a list: give a number."),
        (classify(("a", "b")), "A", "“A” is not a class of this model: give one of “a”, “b”."),
        (TARGET, "1,234", "“1,234” can be read in two ways: write 1234 or 1.234."),
        (classify((1, 2)), 1.5, "“1.5” is not a class of this model: give one of “1”, “2”."),
        (classify((1, 2)), "1.5", "“1.5” is not a class of this model: give one of “1”, “2”."),
        (classify((1, 2)), "true", "“true” is not a class of this model: give one of “1”, “2”."),
        (classify((False, True)), "maybe", "“maybe” is not a class of this model: give one of “false”, “true”."),
    ],
)
def test_what_cannot_have_happened_is_named_with_what_would_be_right(target, raw, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        target.parse(raw)


@pytest.mark.parametrize(
    ("classes", "raw", "label"),
    [
        ((False, True), " YES ", True),
        ((1, 2), "2.0", 2),
        ((1, 2), " 02", 2),
        ((1, 2), 2.0, 2),
        (("1", "2"), 2.0, "2"),
        (("1", "2"), " 2.0", "2"),
        (("1.0", "2.0"), 2, "2.0"),
        (("1.0", "2.0"), "2", "2.0"),
        (("2", "2.0"), "2.0", "2.0"),
        ((False, True), 1.0, True),
        ((False, True), "0.0", False),
        ((" a", "a"), " a", " a"),
        (("a",), " a ", "a"),
    ],
)
def test_a_class_is_known_however_it_is_written(classes, raw, label):
    assert classify(classes).parse(raw) == label


@pytest.mark.parametrize(
    ("classes", "raw", "label"),
    [(("1", "2"), "3.0", "3"), (("1", "2"), 3.0, "3"), (("2.1", "2.2"), "3.0", "3.0"), ((1, 2), 3.0, 3)],
)
def test_a_new_class_is_whole_where_all_the_others_are(classes, raw, label):
    assert classify(classes).parse(raw, new_classes=True) == label


LONG = "\u202e" * 4_000_000
HUGE = 10**5_000


@pytest.mark.parametrize(
    "parse", [each.parse for each in (NUMBER, INTEGER, CATEGORY, BOOLEAN, TARGET, classify(("a",)))]
)
@pytest.mark.parametrize("raw", [LONG, " " * len(LONG), HUGE, -HUGE], ids=["text", "blanks", "integer", "negative"])
def test_what_is_far_too_long_is_refused_at_once_and_hardly_repeated(parse, raw):
    started = time.perf_counter()
    for _ in range(20):
        with pytest.raises(ValueError, match=r"^“.+” is (too (long|large|small)|not a|neither)") as refused:
            parse(raw)
    assert time.perf_counter() - started < 1
    assert len(str(refused.value)) < 200


def test_a_choice_may_be_longer_than_any_number():
    long = "line\n" * 2_000
    assert make_feature(name="x", kind="category", label="x", choices=(long,)).parse(long.replace("\n", "\r\n")) == long
    assert classify((long, "a")).parse(long.replace("\n", "\r\n")) == long


def test_an_outcome_that_a_database_returned_as_an_integer_is_a_float_again():
    assert type(TARGET.restore(10**22)) is float
    assert classify((1, 2)).restore(2) == 2
