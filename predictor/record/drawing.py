"""A drawing of a version's report, made when it was trained, and the width of its texts."""

from dataclasses import dataclass

# The size in pixels of each of them.
DRAWING_WIDTH, DRAWING_HEIGHT = 360, 320

# Of the size of a text, in most fonts.
DIGIT_WIDTH, POINT_WIDTH = 0.62, 0.31


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A finished drawing, as SVG; `name` is a slug that is unique within its version."""

    name: str
    title: str
    svg: str


def measure_text(number: str, size: float) -> float:
    """The largest width of a number's text in a font of this size."""
    points = sum(number.count(sign) for sign in ",.-")
    return size * (points * POINT_WIDTH + (len(number) - points) * DIGIT_WIDTH)
