"""The chart of one number: places in percent, and as many numbers at its axis as the narrowest screen has room for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.record.drawing import measure_text
from predictor.record.profile import Distribution
from predictor.schema.output import Output
from predictor.schema.target import Target
from predictor.web.range_chart import (
    BAR_HEIGHT,
    NARROWEST,
    TEXT_SIZE,
    draw_backdrop,
    place_interval,
    write_bins,
)

PRICE = Target(name="price", label="Price", task="regression", unit="$")
PRICES = Distribution(counts=(10, 0, 400, 1), low=12_789.0, high=7_550_000.0)
numbers = st.floats(-1e12, 1e12)


@given(st.lists(st.tuples(numbers, st.floats(1e-3, 1e9)), min_size=1, max_size=1), numbers)
def test_an_answer_and_its_interval_lie_inside_the_chart(intervals, output):
    [(low, width)] = intervals
    backdrop = draw_backdrop(PRICE, PRICES, (output, low, low + width))
    begin, size = place_interval(backdrop.axis, (low, low + width))
    assert 0 <= backdrop.axis.place(output) <= 100
    assert begin >= 0
    assert size > 0
    assert begin + size <= 101


@given(numbers, st.floats(1e-6, 1e12))
def test_the_numbers_at_the_axis_neither_touch_each_other_nor_leave_the_narrowest_screen(low, width):
    backdrop = draw_backdrop(PRICE, Distribution(counts=(1, 2), low=low, high=low + width))
    texts = (
        [(place / 100 * NARROWEST, measure_text(text, TEXT_SIZE)) for place, text in backdrop.ticks] if backdrop else []
    )
    ends = [end for place, size in texts for end in (place - size / 2, place + size / 2)]
    assert ends == sorted(ends)
    assert all(-0.5 <= end <= NARROWEST + 0.5 for end in ends)


def test_prices_of_seven_digits_have_at_least_two_numbers_at_the_axis():
    ticks = [text for _, text in draw_backdrop(PRICE, PRICES).ticks]
    assert len(ticks) >= 2
    assert all(text.startswith("$") for text in ticks)


def test_the_highest_bar_is_as_high_as_the_chart_one_row_is_seen_and_none_is_not():
    bars = draw_backdrop(PRICE, PRICES).bars
    assert [bar.height for bar in bars] == [1.4, BAR_HEIGHT, 1.0]
    assert all(bar.y + bar.height == BAR_HEIGHT for bar in bars)


def test_without_a_distribution_and_an_interval_there_is_nothing_to_draw():
    assert draw_backdrop(PRICE, None, (5.0,)) is None
    assert draw_backdrop(PRICE, None, (5.0, 4.0, 6.0)).bars == []


@pytest.mark.parametrize(
    ("distribution", "target", "labels"),
    [
        (Distribution(counts=(1, 2), low=-0.5, high=1.5), Target(name="n", label="n", task="regression"), ["0", "1"]),
        (Distribution(counts=(1, 2), low=-0.5, high=9.5), PRICE, ["$0 to $4", "$5 to $9"]),
        (Distribution(counts=(1, 2), low=0.25, high=0.75), PRICE, ["$0.25 to $0.50", "$0.50 to $0.75"]),
        (
            Distribution(counts=(3, 4), low=100_000.0, high=300_000.5),
            Target(name="p", label="p", task="regression", unit="$", output=Output(scale=0.001, unit="k$")),
            ["100 to 200\u00a0k$", "200 to 300\u00a0k$"],
        ),
    ],
)
def test_the_figures_name_each_bin_as_people_write_numbers(distribution, target, labels):
    written = write_bins(target, distribution)
    assert [str(label) for label, _ in written] == labels
    assert [rows for _, rows in written] == [str(count) for count in distribution.counts]
