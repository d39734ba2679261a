import math
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from predictor.formats import (
    MOST_DIGITS,
    Quantity,
    find_decimals,
    find_interval_decimals,
    format_label,
    format_number,
    format_plain,
    format_share,
    format_size,
    format_value,
    write_count,
)

ordinary = st.floats(-1e9, 1e9, exclude_min=True, exclude_max=True)


def read(text):
    return Decimal(text.replace(",", ""))


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (159600.7843, "159,600.7843"),
        (5.0, "5"),
        (0.1 + 0.2, "0.3"),
        (2009, "2009"),
        (2009.0, "2009"),
        (9999.5, "9999.5"),
        (10_000, "10,000"),
        (-12_345.678, "-12,345.678"),
        (123_456_789.25, "123,456,789.2"),
        (12_345_678_901, "12,345,678,901"),
        (2**53 - 1, "9,007,199,254,740,991"),
        (1_234_500_000_000.0, "1,234,500,000,000"),
        (0.00001234, "0.00001234"),
        (-0.00001234, "-0.00001234"),
        (1e-9, "0.000000001"),
        (2.2e-16, "2.2e-16"),
        (1e15, "1e15"),
        (1e22, "1e22"),
        (10**22, "1e22"),
        (-1.5e300, "-1.5e300"),
        (0.0, "0"),
        (-0.0, "0"),
        (math.nan, "–"),
        (math.inf, "–"),
        (None, "–"),
    ],
)
def test_a_number_is_written_as_typed_in_groups_of_three_digits(number, written):
    assert format_number(number) == written


@pytest.mark.parametrize(
    ("number", "decimals", "written"),
    [
        (159600.7843, -3, "160,000"),
        (159600.7843, 2, "159,600.78"),
        (8.0312, 1, "8.0"),
        (9.9999, 2, "10.00"),
        (9999.6, 0, "10,000"),
        (-0.004, 2, "0.00"),
        (400.0, -3, "0"),
        (0.0, 1, "0.0"),
        (1e-300, 2, "0.00"),
        # More digits than a float64 can be trusted with say nothing.
        (10.000000000000002, 15, "10"),
        (0.0, 400, "0"),
        (1.26e22, -20, "1.26e22"),
        (1e-12, 13, "1e-12"),
        (1.79769e308, -305, "1.798e308"),
    ],
)
def test_a_number_is_rounded_to_decimals_that_are_all_written(number, decimals, written):
    assert format_number(number, decimals=decimals) == written


@pytest.mark.parametrize(
    ("number", "digits", "written"),
    [
        (18_813.2, 4, "18,810"),
        (1_234_567, 4, "1,235,000"),
        (0.96357, 4, "0.9636"),
        (-0.11755, 4, "-0.1176"),
        (9.9999, 4, "10"),
        (9_999.7, 4, "10,000"),
        (3.221e7, 2, "32,000,000"),
    ],
)
def test_a_number_is_rounded_to_significant_digits(number, digits, written):
    assert format_number(number, digits=digits) == written


@given(ordinary, st.integers(-9, 9))
def test_what_is_written_is_within_half_a_step_of_the_number(number, decimals):
    assume(number == 0 or decimals + math.log10(abs(number)) < MOST_DIGITS - 1)
    written = format_number(number, decimals=decimals)
    assert abs(read(written) - Decimal(number)) <= Decimal(10) ** -decimals / 2
    assert len(written.partition(".")[2]) == max(decimals, 0)


@given(st.floats(-1e300, 1e300))
def test_what_is_written_without_decimals_is_the_number_within_ten_digits(number):
    assert math.isclose(read(format_number(number)), number, rel_tol=5.1e-10, abs_tol=1e-320)
    assert math.isclose(Decimal(format_plain(number)), number, rel_tol=5.1e-10, abs_tol=1e-320)


@given(st.integers(-(2**53), 2**53))
def test_a_whole_number_keeps_all_of_its_digits(number):
    assert int(format_number(number).replace(",", "")) == int(format_plain(number)) == number


@given(ordinary.filter(lambda number: abs(number) >= 1e-9 or not number), st.none() | st.integers(-9, 9))
def test_no_exponent_is_written_below_1e9(number, decimals):
    assert "e" not in format_number(number, decimals=decimals)


@given(st.floats(-1e14, 1e14), st.none() | st.integers(-9, 9))
def test_groups_have_three_digits(number, decimals):
    whole = format_number(number, decimals=decimals).removeprefix("-").partition(".")[0]
    first, *others = whole.split(",")
    assert all(len(group) == 3 for group in others)
    assert 1 <= len(first) <= (3 if others else 4)
    assert bool(others) == (abs(read(whole)) >= 10_000)


@given(ordinary, st.none() | st.integers(-9, 9))
def test_nothing_is_written_as_minus_zero(number, decimals):
    written = format_number(number, decimals=decimals)
    assert read(written) != 0 or not written.startswith("-")


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (120_312.0, 199_034.0, "120,000 to 199,000"),
        (8.0312, 11.934, "8.0 to 11.9"),
        (1_234_567.81, 1_234_571.84, "1,234,567.8 to 1,234,571.8"),
        (-0.00123, 0.00117, "-0.0012 to 0.0012"),
        (5.0, 5.0, "5 to 5"),
        (-0.04, 250_000.0, "0 to 250,000"),
        (10**22, 2 * 10**22, "1e22 to 2e22"),
        (-1e308, 1e308, "-1e308 to 1e308"),
    ],
)
def test_an_interval_is_written_with_two_digits_of_its_half_width(low, high, written):
    assert str(Quantity(decimals=find_interval_decimals(low, high)).write_range(low, high)) == written


@pytest.mark.parametrize(
    ("low", "inside", "high", "written"),
    [
        (0.0011, 0.0212, 0.41, "0.001 to 0.410"),
        (12_345.6, 13_345.6, 99_999.9, "12,300 to 100,000"),
        (0.0, 0.0, 9.31, "0.0 to 9.3"),
        (8.0312, 9.9826, 11.934, "8.0 to 11.9"),
    ],
)
def test_a_lopsided_interval_is_written_with_two_digits_of_its_narrower_half(low, inside, high, written):
    assert str(Quantity(decimals=find_interval_decimals(low, high, inside=inside)).write_range(low, high)) == written


@pytest.mark.parametrize(
    ("size", "digits", "decimals"),
    [(79_000.0, 4, -1), (6.598, 4, 3), (0.002, 2, 4), (999.0, 2, -1), (0.0, 4, None), (math.inf, 4, None)],
)
def test_a_size_gives_the_decimals_of_its_digits(size, digits, decimals):
    assert find_decimals(size, digits) == decimals


@pytest.mark.parametrize(
    ("unit", "written", "seen"),
    [
        ("$", "-$160,000", "$5 to $12,000"),
        ("€", "-€160,000", "€5 to €12,000"),
        ("¥", "-¥160,000", "¥5 to ¥12,000"),
        ("US$", "-US$160,000", "US$5 to US$12,000"),
        ("USD", "-160,000\u00a0USD", "5 to 12,000\u00a0USD"),
        ("k$", "-160,000\u00a0k$", "5 to 12,000\u00a0k$"),
        ("M€", "-160,000\u00a0M€", "5 to 12,000\u00a0M€"),
        ("¢", "-160,000\u00a0¢", "5 to 12,000\u00a0¢"),
        ("$/m²", "-160,000\u00a0$/m²", "5 to 12,000\u00a0$/m²"),
        ("m²", "-160,000\u00a0m²", "5 to 12,000\u00a0m²"),
        ("cups a day", "-160,000\u00a0cups a day", "5 to 12,000\u00a0cups a day"),
        ("%", "-160,000\u00a0%", "5 to 12,000\u00a0%"),
        ("°", "-160,000°", "5° to 12,000°"),
        ("°C", "-160,000\u00a0°C", "5 to 12,000\u00a0°C"),
        ("", "-160,000", "5 to 12,000"),
    ],
)
def test_a_currencys_sign_stands_before_its_number_and_any_other_unit_follows(unit, written, seen):
    assert str(Quantity(unit=unit, decimals=-3).write(-159_600.7843)) == written
    assert str(Quantity(unit=unit).write_range(5.0, 12_000.0)) == seen


@pytest.mark.parametrize(
    ("unit", "number", "written"),
    [
        ("$", 1000, "$1,000"),
        ("mm", 2009.5, "2,009.5\u00a0mm"),
        ("", 2009, "2009"),
        ("", 9999.9, "9999.9"),
        ("", 10_000, "10,000"),
        ("€", 999.9, "€999.9"),
    ],
)
def test_only_a_bare_number_may_be_a_year_and_has_no_groups_below_10_000(unit, number, written):
    assert str(Quantity(unit=unit).write(number)) == written


@pytest.mark.parametrize(
    ("mean", "deviation", "written"),
    [
        (12_341.2, 561.2, "$12,340 ± $560"),
        (-0.012345, 0.0021, "-$0.0123 ± $0.0021"),
        (7.5, 0.0, "$7.5 ± $0"),
    ],
)
def test_a_mean_is_as_precise_as_its_deviation(mean, deviation, written):
    assert str(Quantity(unit="$", digits=4).write_spread(mean, deviation)) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "–"), (math.nan, "–"), (True, "yes"), (False, "no"), ("a", "a"), ("12345", "12345"), (12_345.0, "$12,345")],
)
def test_only_a_number_has_a_unit(value, written):
    assert str(Quantity(unit="$").write(value)) == written


@pytest.mark.parametrize(("value", "plain"), [(12_500.5, "12500.5"), (1e-7, "0.0000001"), (True, "yes"), (None, "–")])
def test_what_is_to_be_copied_has_no_groups(value, plain):
    assert format_plain(value) == plain


@pytest.mark.parametrize(("label", "written"), [(10115, "10115"), (True, "yes"), ("a", "a"), ("1000000", "1000000")])
def test_the_digits_of_a_label_are_a_name(label, written):
    assert format_label(label) == written


def test_values_of_all_kinds_are_written():
    assert [format_value(value) for value in (None, True, "a", 12_345.5)] == ["–", "yes", "a", "12,345.5"]


@pytest.mark.parametrize(("share", "written"), [(0.9936, "99.4\u00a0%"), (0.0, "0.0\u00a0%"), (1.0, "100.0\u00a0%")])
def test_a_share_is_written_as_a_percentage(share, written):
    assert format_share(share) == written


@pytest.mark.parametrize(
    ("size", "written"),
    [(0, "0 B"), (940, "940 B"), (36_200, "36.2 kB"), (999_999, "1000 kB"), (50_000_000, "50.0 MB")],
)
def test_a_size_is_in_the_unit_in_which_it_has_few_digits(size, written):
    assert format_size(size) == written


def test_a_count_of_one_has_a_singular():
    assert [write_count(number, "row") for number in (0, 1, 2, 12_345)] == ["0 rows", "1 row", "2 rows", "12,345 rows"]
    assert [write_count(number, "row is", "rows are") for number in (1, 2)] == ["1 row is", "2 rows are"]
