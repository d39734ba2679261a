"""The charts of a version's report: predicted against true values, and calibration."""

from collections.abc import Sequence

from predictor.formats import Quantity, find_decimals, format_number, format_share
from predictor.languages import gettext as _
from predictor.models import Version
from predictor.record.charts import CalibrationCurve
from predictor.schema.target import Target
from predictor.web.plots import (
    DASHED_FROM,
    Figures,
    Plot,
    Series,
    choose_ticks,
    draw_dots,
    draw_line,
    find_left,
    is_drawable,
    make_axis_across,
    make_axis_up,
)

# Of the rows in a scatter's table, in the order of their true values.
GROUPS = 5
DIGITS = 3


def draw_report(version: Version) -> list[Plot]:
    """The charts that a version stored figures for; none for a version of a former build."""
    charts = version.parsed_report.charts if version.parsed_report else None
    if charts is None:
        return []
    target = version.parsed_schema.target
    values = [value for pair in charts.scatter for value in pair]
    plots = [draw_scatter(charts.scatter, target)] if is_drawable(values) else []
    return [*plots, *([draw_calibration(charts.calibration, target)] if charts.calibration else [])]


def draw_scatter(pairs: Sequence[tuple[float, float]], target: Target) -> Plot:
    """Predicted against true values on the same scale, with the line on which both are equal."""
    values = [value for pair in pairs for value in pair]
    unit, scale = target.shown_unit, target.output.scale
    up = make_axis_up(values, unit=unit, scale=scale)
    left = find_left(up.ticks)
    across = make_axis_across(values, left, unit=unit, scale=scale)
    named = f"{target.label} ({unit})" if unit else target.label
    places = [(across.place(actual), up.place(predicted)) for actual, predicted in pairs]
    return Plot(
        name="scatter",
        title=_("Predicted and true values"),
        caption=_("Each point is a row; on the line, the prediction equals the true value."),
        x_label=_("True value: {target}").format(target=named),
        y_label=_("Prediction: {target}").format(target=named),
        x_ticks=choose_ticks(across),
        y_ticks=up.ticks,
        series=(Series(code=0, label=_("rows"), dots=draw_dots(places)),),
        figures=_tabulate_scatter(pairs, target),
        left=left,
        reference=(across.place(up.low), up.place(up.low), across.place(up.high), up.place(up.high)),
        reference_label=_("prediction = true value"),
    )


def _tabulate_scatter(pairs: Sequence[tuple[float, float]], target: Target) -> Figures:
    ordered = sorted(pairs)
    size = max(1, -(-len(ordered) // GROUPS))
    groups = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    spread = target.to_shown(ordered[-1][0] - ordered[0][0])
    quantity = Quantity(unit=target.shown_unit, decimals=find_decimals(spread, DIGITS))

    def write(number: float) -> str:
        return str(quantity.write(target.to_shown(number)))

    return Figures(
        head=(_("True value"), _("Rows"), _("Mean prediction"), _("Mean error")),
        rows=tuple(
            (
                str(quantity.write_range(target.to_shown(group[0][0]), target.to_shown(group[-1][0]))),
                format_number(len(group)),
                write(sum(predicted for _actual, predicted in group) / len(group)),
                write(sum(abs(predicted - actual) for actual, predicted in group) / len(group)),
            )
            for group in groups
        ),
    )


def draw_calibration(curves: Sequence[CalibrationCurve], target: Target) -> Plot:
    """How often each class occurred, against its predicted probability, with the line of perfect calibration."""
    up = make_axis_up([0.0, 100.0], unit="%")
    left = find_left(up.ticks)
    across = make_axis_across([0.0, 100.0], left, unit="%")
    series = []
    for code, curve in enumerate(curves):
        places = tuple((across.place(each.predicted * 100), up.place(each.share * 100)) for each in curve.points)
        label = target.name_class(curve.label)
        series.append(
            Series(code=code, label=label, line=draw_line(places), marks=places, is_dashed=code >= DASHED_FROM)
        )
    return Plot(
        name="calibration",
        title=_("Calibration"),
        caption=_("On the line, what is given a probability of 70 % happens 7 times in 10."),
        x_label=_("Predicted probability (%)"),
        y_label=_("How often it happened (%)"),
        x_ticks=choose_ticks(across),
        y_ticks=up.ticks,
        series=tuple(series),
        figures=Figures(
            head=(_("Class"), _("Predicted"), _("Happened"), _("Rows")),
            rows=tuple(
                (
                    target.name_class(curve.label),
                    format_share(each.predicted),
                    format_share(each.share),
                    format_number(each.rows),
                )
                for curve in curves
                for each in curve.points
            ),
        ),
        left=left,
        reference=(across.place(0), up.place(0), across.place(100), up.place(100)),
        reference_label=_("perfect calibration"),
        are_keys_shown=True,
    )
