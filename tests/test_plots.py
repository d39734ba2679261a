from itertools import pairwise

import pytest

from predictor.record.charts import CalibrationCurve, CalibrationPoint
from predictor.record.drawing import measure_text
from predictor.schema.target import Target
from predictor.web.plots import TEXT_SIZE, WIDTH, is_drawable
from predictor.web.report_plots import draw_calibration, draw_scatter

PRICE = Target(name="price", label="Price", task="regression", unit="$")
CLASSES = Target(name="c", label="C", task="classification", classes=tuple("abcdefgh"))


def assert_texts_fit(plot):
    """Each number has its place: none is cut off, and none meets another."""
    across = [(place, measure_text(text, TEXT_SIZE)) for place, text in plot.x_ticks]
    assert all(width / 2 <= place <= WIDTH - width / 2 for place, width in across)
    ends = [(place - width / 2, place + width / 2) for place, width in across]
    assert all(after[0] > before[1] for before, after in pairwise(ends))
    assert all(measure_text(text, TEXT_SIZE) <= plot.left for _, text in plot.y_ticks)
    assert len(plot.y_ticks) >= 2


@pytest.mark.parametrize("scale", [1e-7, 1, 1e7, 1e13])
def test_a_scatter_has_one_scale_for_both_axes_and_room_for_long_numbers(scale):
    pairs = [(i * scale, (i + i % 3 - 1) * scale) for i in range(-40, 60)]
    plot = draw_scatter(pairs, PRICE)
    assert_texts_fit(plot)
    x1, y1, x2, y2 = plot.reference
    dots = [tuple(map(float, dot.removesuffix("h0").split())) for dot in plot.series[0].dots.split("M")[1:]]
    for (actual, predicted), (x, y) in zip(pairs, dots, strict=True):
        along = (x - x1) / (x2 - x1)
        upward = (y - y1) / (y2 - y1)
        assert (upward > along + 0.001) == (predicted > actual)
        assert x1 <= x <= x2
        assert y2 <= y <= y1


@pytest.mark.parametrize("values", [[], [1e308, -1e308], [float("nan"), 1.0], [1.0, float("inf")]])
def test_values_that_no_axis_can_have_are_not_drawn(values):
    assert not is_drawable(values)
    assert is_drawable([0.0, 1e308])


def test_the_table_of_a_scatter_has_all_rows_in_groups_by_their_true_values():
    plot = draw_scatter([(1_000_000.0 + i, 1_000_002.0 + i) for i in range(100)], PRICE)
    assert len(plot.figures.rows) == 5
    assert plot.figures.rows[0] == ("$1,000,000.0 to $1,000,019.0", "20", "$1,000,011.5", "$2.0")


def test_the_table_of_a_calibration_has_every_point_and_more_classes_than_colours_are_dashed():
    points = tuple(CalibrationPoint(predicted=i / 10, share=i / 10, rows=9) for i in range(3))
    plot = draw_calibration([CalibrationCurve(label=each, points=points) for each in CLASSES.classes], CLASSES)
    assert_texts_fit(plot)
    assert len(plot.figures.rows) == 24
    assert [each.is_dashed for each in plot.series] == [False] * 6 + [True] * 2
    assert plot.series[7].colour == plot.series[1].colour
