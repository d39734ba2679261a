import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from predictor.record.drawing import DIGIT_WIDTH, measure_text
from predictor.record.profile import read_profile
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.web import charts
from predictor.web.chart_figures import tabulate_chart
from predictor.web.charts import MARKS, TEXT_SIZE, TICK_MARGIN, WIDTH, Axis

X = make_feature(name="x", kind="number", label="Width", unit="mm", seen=(0.0, 10.0))
N = make_feature(name="n", kind="integer", label="Count", required=False, seen=(1.0, 9.0))
LINE = Schema(features=(X,), target=Target(name="y", label="Height", task="regression"))
BIRDS = Schema(
    features=(X, N), target=Target(name="kind", label="Kind", task="classification", classes=("Adelie", "Gentoo"))
)
LINE_PROFILE = {"axes": ["x", "y"], "points": [[0.0, 0.0, None], [10.0, 20.0, None]], "curve": [[0.0, 1.0], [10.0, 19]]}
BIRDS_PROFILE = {"axes": ["x", "n"], "points": [[0.0, 1.0, "Adelie"], [10.0, 9.0, "Gentoo"]], "curve": []}

values = st.floats(-1e300, 1e300, allow_subnormal=False)


def draw_chart(schema, profile, *given, **named):
    return charts.draw_chart(schema, read_profile(profile), *given, **named)


def read_places(chart):
    curve = [tuple(map(float, pair.split(","))) for pair in chart.curve.split()]
    return [(x, y) for x, y, *_ in chart.points] + curve + ([chart.own] if chart.own else [])


def test_points_curve_and_own_point_share_one_scale():
    chart = draw_chart(LINE, LINE_PROFILE, {"x": 5.0}, 10.0)
    (left, bottom, *_), (right, top, *_) = chart.points
    assert chart.own == pytest.approx(((left + right) / 2, (bottom + top) / 2), abs=0.1)
    assert len(chart.curve.split()) == 2


@given(st.lists(st.tuples(values, values), min_size=1, max_size=5), values, values)
@example([(9.999999999998751e299, 0.001953125)], 9.999999999998734e299, 0.0)
def test_everything_lies_inside_the_picture_and_larger_is_further_right_and_up(points, x, y):
    profile = {"axes": ["x", "y"], "points": [[*point, None] for point in points], "curve": []}
    chart = draw_chart(LINE, profile, {"x": x}, y)
    for px, py in read_places(chart):
        assert chart.left <= px <= chart.right
        assert chart.top <= py <= chart.bottom
    own_x, own_y = chart.own
    for (px, py, *_), (value_x, value_y) in zip(chart.points, points, strict=True):
        assert (px - own_x) * math.copysign(1, value_x - x) >= 0
        assert (py - own_y) * math.copysign(1, value_y - y) <= 0


@given(st.floats(-1e6, 1e6), st.floats(1e-2, 1e6))
def test_ticks_are_few_round_numbers_that_differ_and_lie_on_the_axis(low, length):
    axis = Axis(label="x", low=low, high=low + length, start=0, length=100)
    places, texts = zip(*axis.ticks, strict=True)
    assert 3 <= len(texts) == len(set(texts)) <= 9
    assert list(places) == sorted(places)
    assert places[0] >= -0.1
    assert places[-1] <= 100.1
    assert [axis.place(float(text.replace(",", ""))) for text in texts] == pytest.approx(places, abs=0.1)


def test_ticks_step_by_one_two_or_five():
    ticks = {high: [text for _, text in Axis(label="", low=0, high=high, start=0, length=1).ticks] for high in (4, 8)}
    assert ticks == {4: ["0", "0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4"], 8: [str(i) for i in range(9)]}


wide = st.floats(-1e9, 1e9).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(wide, wide), min_size=2, max_size=4))
def test_the_numbers_at_the_axes_neither_meet_nor_leave_the_picture_on_a_phone(points):
    chart = draw_chart(LINE, {"axes": ["x", "y"], "points": [[*point, None] for point in points], "curve": []}, {}, 0.0)
    halves = [(place, measure_text(text, TEXT_SIZE) / 2) for place, text in chart.x.ticks]
    ends = [end for place, half in halves for end in (place - half, place + half)]
    assert ends == sorted(ends)
    # Places are rounded to a tenth of a pixel.
    assert all(-0.05 <= round(end, 6) <= WIDTH + 0.05 for end in ends)
    assert all(round(chart.left - TICK_MARGIN - measure_text(text, TEXT_SIZE), 6) >= 0 for _, text in chart.y.ticks)
    assert chart.right - chart.left > WIDTH / 2


def test_numbers_of_seven_digits_have_ticks_and_room():
    points = [[900_000.0, 50_000.0, None], [5_900_000.0, 2_300_000.0, None]]
    chart = draw_chart(LINE, {"axes": ["x", "y"], "points": points, "curve": []}, {}, 0.0)
    assert [text for _, text in chart.x.ticks] == ["2,000,000", "4,000,000", "6,000,000"]
    assert [text for _, text in chart.y.ticks] == ["0", "500,000", "1,000,000", "1,500,000", "2,000,000"]


def test_numbers_at_an_axis_with_a_unit_are_grouped_as_numbers_with_it_are():
    axis = {"label": "", "low": 0, "high": 4000, "start": 0, "length": 1, "most_ticks": 2}
    assert [text for _, text in Axis(**axis).ticks] == ["0", "2000", "4000"]
    assert [text for _, text in Axis(**axis, unit="$").ticks] == ["0", "2,000", "4,000"]


def test_short_numbers_leave_the_axes_where_they_were():
    chart = draw_chart(LINE, LINE_PROFILE, {}, 10.0)
    assert (chart.left, chart.right) == (48, 624)
    assert len(chart.x.ticks) == 6


def test_a_digit_is_measured_wider_than_a_comma():
    assert measure_text("1,000", 10) == pytest.approx(10 * DIGIT_WIDTH * 4.5)


def test_the_own_point_is_told_as_the_page_writes_it():
    price = Target(name="y", label="Price", task="regression", unit="$")
    schema = Schema(features=(X,), target=price)
    chart = draw_chart(schema, LINE_PROFILE, {"x": 12_345.5}, 159_600.78, [120_000, 199_000], written="$160,000")
    assert chart.title.endswith("your point at 12,345.5\u00a0mm, $160,000")


def test_axes_carry_label_and_unit():
    chart = draw_chart(LINE, LINE_PROFILE, {"x": 5.0}, 10.0)
    assert (chart.x.label, chart.y.label) == ("Width (mm)", "Height")


def test_the_title_tells_what_is_to_be_seen():
    chart = draw_chart(LINE, LINE_PROFILE, {"x": 5.0}, 10.25)
    assert chart.title == "Height against Width (mm): training points, fitted curve, your point at 5\u00a0mm, 10.25"


def test_the_title_does_not_speak_of_points_that_are_not_shown():
    chart = draw_chart(LINE, {**LINE_PROFILE, "points": []}, {}, 10.0)
    assert chart.title == "Height against Width (mm): fitted curve"


def test_a_classification_marks_points_by_the_number_of_their_class():
    chart = draw_chart(BIRDS, BIRDS_PROFILE, {"x": 5.0, "n": 5}, "Adelie")
    assert [number for _, _, number in chart.points] == [0, 1]
    assert [label for label, *_ in chart.keys] == ["Adelie", "Gentoo"]
    assert [mark for *_, mark in chart.keys] == list(MARKS[:2])
    assert chart.own is not None
    assert chart.curve == ""


def test_classes_that_are_no_text_are_shown_as_text():
    target = Target(name="kind", label="Kind", task="classification", classes=(0, 1))
    profile = {**BIRDS_PROFILE, "points": [[0.0, 1.0, 1], [1.0, 2.0, 0]]}
    chart = draw_chart(Schema(features=(X, N), target=target), profile, {"x": 1.0, "n": 1}, 0)
    assert [number for _, _, number in chart.points] == [1, 0]
    assert [label for label, *_ in chart.keys] == ["0", "1"]


def test_an_own_point_with_a_missing_input_is_left_out():
    assert draw_chart(BIRDS, BIRDS_PROFILE, {"x": 5.0, "n": None}, "Adelie").own is None


@pytest.mark.parametrize("emptied", [{"axes": []}, {"points": [], "curve": []}])
def test_a_version_with_nothing_to_draw_has_no_chart(emptied):
    assert draw_chart(LINE, {**LINE_PROFILE, **emptied}, {"x": 5.0}, 10.0) is None


@pytest.mark.parametrize(("x", "y"), [(1.79e308, 1.0), (-1.79e308, 1.0), (1.0, 1.79e308)])
def test_values_too_far_apart_for_any_picture_have_no_chart(x, y):
    assert draw_chart(LINE, LINE_PROFILE, {"x": x}, y) is None


def test_more_classes_than_marks_are_not_drawn():
    names = tuple("abcdefg")
    target = Target(name="kind", label="Kind", task="classification", classes=names)
    profile = {"axes": ["x", "n"], "points": [[float(i), 1.0, name] for i, name in enumerate(names)], "curve": []}
    assert draw_chart(Schema(features=(X, N), target=target), profile, {}, None) is None


def tabulate(schema, profile):
    return tabulate_chart(schema, read_profile(profile))


def test_the_figures_of_rows_are_means_of_groups_next_to_the_prediction():
    points = [[float(x), 2.0 * x, None] for x in range(1, 201)]
    figures = tabulate(LINE, {"axes": ["x", "y"], "points": points, "curve": [[1.0, 3.0], [200.0, 401.0]]})
    assert figures.head == ("Width", "Rows", "Mean: Height", "Prediction: Height")
    assert len(figures.rows) == 8
    assert figures.rows[0] == ("1 to 25\u00a0mm", "25", "26", "27")
    assert sum(int(rows) for _, rows, *_ in figures.rows) == 200


def test_the_figures_of_a_curve_alone_are_a_few_of_its_points_with_both_ends():
    curve = [[float(x), 2.0 * x] for x in range(100)]
    figures = tabulate(LINE, {"axes": ["x", "y"], "points": [], "curve": curve})
    assert figures.head == ("Width", "Prediction: Height")
    assert len(figures.rows) == 8
    assert (figures.rows[0], figures.rows[-1]) == (("0\u00a0mm", "0"), ("99\u00a0mm", "198"))


def test_the_figures_of_classes_say_where_each_lies():
    points = [[1.0, 2.0, "Adelie"], [3.0, 4.0, "Adelie"], [8.0, 9.0, "Gentoo"]]
    figures = tabulate(BIRDS, {"axes": ["x", "n"], "points": points, "curve": []})
    assert figures.head[2:] == ("Mean ± standard deviation: Width", "Mean ± standard deviation: Count")
    assert figures.rows[0] == ("Adelie", "2", "2.0 ± 1.0\u00a0mm", "3.0 ± 1.0")
    assert [row[:2] for row in figures.rows] == [("Adelie", "2"), ("Gentoo", "1")]
