"""Draws a model's predictions for the rows that it was measured on, with scikit-learn's own displays, as SVG."""

from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import ConfusionMatrixDisplay, PredictionErrorDisplay, RocCurveDisplay

from predictor.formats import Quantity
from predictor.record.calibration import MOST_BINS, MOST_CURVES, ROWS_A_BIN
from predictor.record.drawing import DRAWING_WIDTH, Drawing, measure_text
from predictor.schema.target import Target
from predictor.schema.values import Matrix, Vector
from predictor.training.evaluation import HOLD_OUT, SAMPLE_METHOD, Evaluation
from predictor.training.reports.canvas import CURVES, INK, draw_svg
from predictor.training.reports.profile import choose_rows

MOST_POINTS = 1_000
MOST_CURVE_ROWS = 10_000
MOST_CLASSES_CROSSED = 20
# The counts of more rows do not fit their cells; shares always do.
MOST_COUNTED = 10_000
DASHES = ("-", "--")
# In pixels: the size of the numbers at the axes, the space between two, and around those of the vertical axis.
TICK_SIZE, TICK_GAP, TICK_MARGIN = 10, 8, 28
LEFT, RIGHT = 0.17 * DRAWING_WIDTH, 0.03 * DRAWING_WIDTH
# The largest width of a label, in multiples of its size: with it and a unit, the title of an axis is no longer than the
# axis, and it fits the margins of a confusion matrix, which are shares of the drawing.
LONGEST_LABEL = 8.7
LEFT_OF_MATRIX, BELOW_MATRIX, BELOW_VERTICAL_LABELS = 0.3, 0.15, 0.34
MOST_STEPS = 5
# In a confusion matrix, by the largest number of classes.
FONT_SIZES = {6: 9.0, 10: 8.0, MOST_CLASSES_CROSSED: 6.0}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The drawings, and a sentence with the cause for each that was left out."""

    drawings: tuple[Drawing, ...]
    left_out: tuple[str, ...]


class NotDrawn(Exception):  # Caught in this module, which keeps the reason.
    """A figure is left out; the message says why."""


def draw_figures(target: Target, evaluation: Evaluation, *, show_data: bool, seed: int) -> Figures:
    """Draw actual against predicted values and residuals, or a confusion matrix with ROC and calibration curves.

    At most 1,000 rows become points, and curves are drawn from at most 10,000 rows, both chosen by the seed. Training
    rows are shown only with `show_data`. The same arguments give the same bytes.
    """
    draw = _draw_regression if target.task == "regression" else _draw_classification
    titles = {
        "regression": {"predictions": "Actual against predicted", "residuals": "Residuals"},
        "classification": {"confusion": "Confusion matrix", "roc": "ROC curves", "calibration": "Calibration"},
    }
    drawings, left_out = [], []
    for name, title in titles[target.task].items():
        try:
            svg = draw_svg(partial(draw, name, target, evaluation, show_data, seed))
            drawings.append(Drawing(name=name, title=title, svg=svg))
        # Odd predictions must not fail a training: the report says what is missing.
        except (NotDrawn, ArithmeticError, RuntimeError, TypeError, ValueError) as error:
            left_out.append(f"{title}: {error}")
    return Figures(drawings=tuple(drawings), left_out=tuple(left_out))


def explain_hidden_rows(evaluation: Evaluation, *, show_data: bool) -> str:
    """Why the measured rows may not be shown one by one; empty where they may."""
    if evaluation.method == HOLD_OUT or show_data:
        return ""
    if evaluation.method == SAMPLE_METHOD:
        return "its points may be rows that the model was trained on; importmodel --show-data draws them"
    return "its points would be training rows; hold some out, or set show_data = true in the recipe"


def _draw_regression(name: str, target: Target, evaluation: Evaluation, show_data: bool, seed: int, axes: Any) -> None:
    hidden = explain_hidden_rows(evaluation, show_data=show_data)
    if hidden:
        raise NotDrawn(hidden)
    rows = choose_rows(evaluation.rows, MOST_POINTS, seed)
    scale, unit = target.output.scale, target.shown_unit
    actual, predicted = evaluation.actual[rows] * scale, evaluation.predictions.predicted[rows] * scale
    kind = "actual_vs_predicted" if name == "predictions" else "residual_vs_predicted"
    PredictionErrorDisplay(y_true=actual, y_pred=predicted).plot(
        axes,
        kind=kind,
        scatter_kwargs={"color": CURVES[0], "alpha": 0.6, "s": 14, "linewidths": 0},
        line_kwargs={"color": INK, "alpha": 1, "linestyle": "-", "linewidth": 1},
    )
    named = _shorten(target.label) + (f" ({_shorten(unit)})" if unit else "")
    upward = f"Actual {named}" if name == "predictions" else "Actual − predicted"
    axes.set(xlabel=f"Predicted {named}", ylabel=upward)
    _write_ticks(axes, Quantity(unit=unit))


def _draw_classification(
    name: str, target: Target, evaluation: Evaluation, show_data: bool, seed: int, axes: Any
) -> None:
    labels = _shorten_labels([target.name_class(label) for label in target.classes])
    if name == "confusion":
        return _draw_confusion(labels, evaluation, axes)
    probabilities = evaluation.predictions.probabilities
    if probabilities is None:
        raise NotDrawn("the estimator gives no probabilities")
    if len(labels) > MOST_CURVES:
        raise NotDrawn(f"{len(labels)} classes are too many for curves: at most {MOST_CURVES} are drawn")
    rows = choose_rows(evaluation.rows, MOST_CURVE_ROWS, seed)
    actual, probabilities = evaluation.actual[rows], probabilities[rows]
    # One class against the rest needs rows of both; for two classes, one curve is enough.
    codes = [code for code in range(len(labels)) if 0 < (actual == code).sum() < len(actual)]
    if not codes:
        raise NotDrawn("the measured rows are all of one class")
    codes = codes[-1:] if len(labels) == 2 else codes
    draw = _draw_roc if name == "roc" else _draw_calibration
    return draw(codes, labels, actual, probabilities, axes)


def _draw_confusion(labels: list[str], evaluation: Evaluation, axes: Any) -> None:
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    if len(labels) > MOST_CLASSES_CROSSED:
        raise NotDrawn(f"{len(labels)} classes are too many for a matrix: at most {MOST_CLASSES_CROSSED} are")
    counted = evaluation.rows <= MOST_COUNTED
    size = next(size for most, size in FONT_SIZES.items() if len(labels) <= most)
    cell = (DRAWING_WIDTH * (1 - LEFT_OF_MATRIX) - RIGHT) / len(labels)
    is_short = max(measure_text(label, size) for label in labels) + TICK_GAP <= cell
    # A transparent colour, so that the background may be light or dark.
    veil = LinearSegmentedColormap.from_list("veil", [(*to_rgb(CURVES[0]), share) for share in (0.0, 0.6)])
    ConfusionMatrixDisplay.from_predictions(
        evaluation.actual,
        evaluation.predictions.predicted,
        labels=range(len(labels)),
        display_labels=labels,
        normalize=None if counted else "true",
        values_format="d" if counted else ".0%",
        cmap=veil,
        colorbar=False,
        im_kw={"interpolation": "none"},
        text_kw={"color": INK, "fontsize": size},
        xticks_rotation="horizontal" if is_short else "vertical",
        ax=axes,
    )
    axes.grid(visible=False)
    axes.set(xlabel="Predicted", ylabel="Actual" if counted else "Actual (rows add up to 100 %)")
    axes.tick_params(labelsize=size)
    axes.figure.subplots_adjust(left=LEFT_OF_MATRIX, bottom=BELOW_MATRIX if is_short else BELOW_VERTICAL_LABELS)


def _draw_roc(codes: list[int], labels: list[str], actual: Vector, probabilities: Matrix, axes: Any) -> None:
    for place, code in enumerate(codes):
        RocCurveDisplay.from_predictions(
            actual == code,
            probabilities[:, code],
            name=labels[code],
            curve_kwargs=_style_curve(place),
            plot_chance_level=code == codes[-1],
            chance_level_kw={"color": INK, "linewidth": 1, "linestyle": ":", "label": None},
            ax=axes,
        )
    axes.set(xlabel="False positive rate", ylabel="True positive rate")
    axes.legend(loc="lower right")


def _draw_calibration(codes: list[int], labels: list[str], actual: Vector, probabilities: Matrix, axes: Any) -> None:
    bins = max(2, min(MOST_BINS, len(actual) // ROWS_A_BIN))
    for place, code in enumerate(codes):
        CalibrationDisplay.from_predictions(
            actual == code,
            probabilities[:, code],
            n_bins=bins,
            strategy="quantile",
            name=labels[code],
            marker="o",
            markersize=3,
            **_style_curve(place),
            ax=axes,
        )
    axes.get_lines()[0].set(color=INK, linewidth=1)  # The diagonal is black, which is invisible on a dark page.
    axes.set(xlabel="Predicted probability", ylabel="Share that was of the class")
    axes.legend(loc="upper left")


def _style_curve(place: int) -> dict[str, Any]:
    """Six colours, then the same dashed."""
    dashed, colour = divmod(place, len(CURVES))
    return {"color": CURVES[colour], "linestyle": DASHES[dashed]}


def _write_ticks(axes: Any, quantity: Quantity) -> None:
    """Format the numbers of both axes as pages do, with as many ticks as fit, and margins for the longest number."""
    from matplotlib.ticker import MaxNLocator

    def measure(axis: Any) -> float:
        low, high = sorted(axis.get_view_interval())
        texts = [quantity.write_alone(tick) for tick in axis.get_majorticklocs() if low <= tick <= high]
        return max((measure_text(text, TICK_SIZE) for text in texts), default=0.0)

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(MOST_STEPS))
        axis.set_major_formatter(lambda tick, _: quantity.write_alone(tick))
    left, right = max(LEFT, measure(axes.yaxis) + TICK_MARGIN), max(RIGHT, measure(axes.xaxis) / 2)
    room = DRAWING_WIDTH - left - right
    axes.figure.subplots_adjust(left=left / DRAWING_WIDTH, right=1 - right / DRAWING_WIDTH)
    axes.xaxis.set_major_locator(MaxNLocator(max(1, min(MOST_STEPS, int(room / (measure(axes.xaxis) + TICK_GAP))))))


def _shorten_labels(labels: list[str]) -> list[str]:
    """Labels that fit, numbered where they would otherwise be the same."""
    short = [_shorten(label) for label in labels]
    if len(set(short)) == len(short):
        return short
    return [_shorten(f"{number}. {label}") for number, label in enumerate(labels, start=1)]


def _shorten(text: str) -> str:
    """A label that fits, without characters that XML does not allow."""
    readable = "".join(sign if sign.isprintable() else " " for sign in text)
    if measure_text(readable, 1) <= LONGEST_LABEL:
        return readable
    ends = accumulate(measure_text(sign, 1) for sign in readable)
    return readable[: sum(end + measure_text("…", 1) <= LONGEST_LABEL for end in ends)] + "…"
