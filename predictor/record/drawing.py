"""A picture of a version's report, drawn when it was trained, and how much room its texts take."""

from dataclasses import dataclass

# The size in pixels of each of them.
DRAWING_WIDTH, DRAWING_HEIGHT = 360, 320

# Of the size of a text, in most fonts.
DIGIT_WIDTH, POINT_WIDTH = 0.62, 0.31


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A finished picture, as SVG; `name` is a slug that no other picture of its version has."""

    name: str
    title: str
    svg: str


def measure_text(number: str, size: float) -> float:
    """How wide a number's text is at most, set in a font of this size."""
    points = sum(number.count(sign) for sign in ",.-")
    return size * (points * POINT_WIDTH + (len(number) - points) * DIGIT_WIDTH)
