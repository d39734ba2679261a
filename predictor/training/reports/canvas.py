"""The style of a report's drawings: matplotlib in the site's colours, as one SVG for light and dark pages."""

import io
import logging
import warnings
from collections.abc import Callable
from typing import Any

from predictor.record.drawing import DRAWING_HEIGHT, DRAWING_WIDTH

# Light and dark, as in static/site.css: an image does not see the page's own style sheet.
COLOURS = {
    "paper": ("#fffefb", "#16171a"),
    "ink": ("#1d1d1f", "#e8e6e1"),
    "faint": ("#5c5f66", "#a5a7ad"),
    "rule": ("#d9d6cd", "#36383e"),
    "class-0": ("#3b6fb6", "#7fa9e6"),
    "class-1": ("#c26a00", "#eba550"),
    "class-2": ("#2d8659", "#6cc79a"),
    "class-3": ("#8a4fa0", "#c79bdb"),
    "class-4": ("#a83a4f", "#f08f9f"),
    "class-5": ("#6b6a1e", "#cfcd6a"),
}
PAPER, INK, FAINT, RULE = (COLOURS[name][0] for name in ("paper", "ink", "faint", "rule"))
CURVES = [light for name, (light, dark) in COLOURS.items() if name.startswith("class-")]
POINTS_AN_INCH = 72
# In pixels: how far from the drawing's edges the titles of the axes end.
TITLE_EDGE = 16
STYLE = {
    "figure.figsize": (DRAWING_WIDTH / POINTS_AN_INCH, DRAWING_HEIGHT / POINTS_AN_INCH),
    "figure.facecolor": PAPER,
    "figure.subplot.left": 0.17,
    "figure.subplot.right": 0.97,
    "figure.subplot.bottom": 0.15,
    "figure.subplot.top": 0.96,
    "axes.facecolor": PAPER,
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "path.simplify_threshold": 0.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "mlsite",
}
FONTS = 'text{font-family:system-ui,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",Arial,sans-serif!important}'


def draw_svg(draw: Callable[[Any], None]) -> str:
    """Let `draw` fill a matplotlib Axes, and write it as SVG; the same drawing gives the same bytes."""
    matplotlib = import_matplotlib()
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        # matplotlib warns only of appearance: a character missing in its font, an axis without extent.
        warnings.simplefilter("ignore")
        figure = Figure()
        draw(axes := figure.add_subplot())
        _place_axis_titles(axes)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _theme_svg(written.getvalue())


def import_matplotlib() -> Any:
    """Import what drawings need of matplotlib, which takes a quarter of a second. Raises RuntimeError."""
    # It warns once a process where it cannot write to the home folder, and works.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        import matplotlib.pyplot
        import matplotlib.style
    except OSError as error:
        # Where its home folder cannot be written, it takes a temporary one, and needs one of the two.
        raise RuntimeError(
            "matplotlib can write its cache neither to the home folder nor to a temporary one"
        ) from error
    return matplotlib


def _place_axis_titles(axes: Any) -> None:
    """Put the axes' titles at the edges: matplotlib puts them next to the numbers, as wide as those are in its font."""
    from matplotlib.transforms import blended_transform_factory as blend

    across, along = axes.transAxes, axes.figure.transFigure
    axes.xaxis.set_label_coords(0.5, TITLE_EDGE / DRAWING_HEIGHT, transform=blend(across, along))
    axes.yaxis.set_label_coords(TITLE_EDGE / DRAWING_WIDTH, 0.5, transform=blend(along, across))


def _theme_svg(svg: str) -> str:
    """Turn each colour into a variable that follows the visitor's scheme, and use the fonts that pages have."""
    light, dark = (";".join(f"--{name}:{pair[i]}" for name, pair in COLOURS.items()) for i in (0, 1))
    sheet = f"<style>svg{{{light}}}@media (prefers-color-scheme:dark){{svg{{{dark}}}}}{FONTS}</style>"
    for name, (colour, _) in COLOURS.items():
        svg = svg.replace(colour, f"var(--{name})")
    opening, bracket, rest = svg[svg.index("<svg") :].partition(">")
    return f"{opening}{bracket}{sheet}{rest}"
