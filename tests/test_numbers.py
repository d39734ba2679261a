"""What people write for a number is that number, is asked back, or is refused."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from predictor.numbers import UNCLEAR, find_written, read_number
from predictor.schema.values import write_value


def expect():
    return "a number such as 5"


finite = st.floats(allow_nan=False, allow_infinity=False)
# What texts of numbers are made of, and what stands close to it.
pieces = st.sampled_from(
    [*"0123456789", ",", ".", " ", "'", "’", "\u00a0", "\u202f", "-", "−", "+", "e", "x", "٣", "123"]
)


@given(finite)
def test_each_number_is_read_back_exactly_with_a_point_and_with_a_comma(number):
    point = write_value(number)
    comma = point.replace(".", ",")
    assert read_number(point, expect) == number
    assume(not UNCLEAR["."].fullmatch(comma))
    assert read_number(comma, expect) == number


@given(
    st.decimals(-(10**12), 10**12, places=2),
    st.sampled_from([",.", ".,", " .", " ,", "\u202f,", "\u00a0.", "'.", "’,"]),
)
def test_each_number_with_marks_between_thousands_is_read_back_exactly(number, marks):
    group, decimal = marks
    written = f"{number:,.2f}".translate({ord(","): group, ord("."): decimal, ord("-"): "−"})
    assert read_number(written, expect) == float(number)


@given(st.text() | st.lists(pieces).map("".join))
def test_whatever_is_typed_is_a_number_or_refused_in_a_sentence(text):
    try:
        assert isinstance(read_number(text, expect), float)
    except ValueError as error:
        assert re.search(r": (give a number such as 5|write .+ or .+)\.$", str(error))  # noqa: PT017  # Most are read.


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3,7", 3.7),
        ("0,9", 0.9),
        (",5", 0.5),
        ("1,5e-3", 0.0015),
        ("1.234", 1.234),
        ("0,123", 0.123),
        ("1234,567", 1234.567),
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("1.234,567", 1234.567),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1 234", 1234),
        ("1\u202f234\u202f567,8", 1234567.8),
        ("1'234.50", 1234.5),
        ("−3,5", -3.5),
    ],
)
def test_a_number_may_be_written_as_it_is_in_many_countries(text, number):
    assert read_number(text, expect) == number


@pytest.mark.parametrize(
    ("text", "readings"),
    [("1,234", "1234 or 1.234"), ("-12,000", "-12000 or -12.000"), (" 999,999 ", "999999 or 999.999")],
)
def test_a_number_that_can_be_read_in_two_ways_is_asked_back_with_both(text, readings):
    with pytest.raises(ValueError, match=f"^“{text}” can be read in two ways: write {readings}\\.$"):
        read_number(text, expect)


@pytest.mark.parametrize(
    "text",
    [
        "12,34,567",
        "1,234,5",
        "1.234.5",
        "1,2,3",
        "1 0",
        "0 123",
        "1 234'567",
        "1,,5",
        "1.234,",
        "1 234,567,890",
        "1e5,5",
    ],
)
def test_marks_between_thousands_that_stand_in_no_groups_of_three_are_refused(text):
    with pytest.raises(ValueError, match="is not a number: give a number such as 5"):
        read_number(text, expect)


@pytest.mark.parametrize("text", ["1" * 401, "1," * 400, "1,234" * 100_000, " " * 500 + "1"])
def test_a_text_too_long_for_a_number_is_refused_without_being_read(text):
    with pytest.raises(ValueError, match="is too long for a number: give a number such as 5"):
        read_number(text, expect)


@pytest.mark.parametrize("raw", [10**400, -(10**400), 10**5_000], ids=["large", "negative", "beyond text"])
def test_an_integer_beyond_float64_is_refused(raw):
    with pytest.raises(ValueError, match="is too large for a number here: give a number such as 5"):
        read_number(raw, expect)


@pytest.mark.parametrize(
    ("text", "known", "found"),
    [
        ("3.0", ["3"], "3"),
        ("3", ["3.0"], "3.0"),
        ("3.0", ["3", "3.0"], "3.0"),
        ("3", ["3.0", "3"], "3"),
        ("-1.0", ["-1"], "-1"),
        ("3.00", ["3"], None),
        ("3.5", ["3"], None),
        ("3,0", ["3"], None),
        ("a.0", ["a"], None),
        (".0", [""], None),
    ],
)
def test_a_whole_number_is_found_in_its_other_form_after_its_own(text, known, found):
    assert find_written(text, known) == found
