"""A drawing of a version's report, made when it was trained, and the width of its texts."""

import unicodedata
from dataclasses import dataclass

# The size in pixels of each of them.
DRAWING_WIDTH, DRAWING_HEIGHT = 360, 320

# Of the size of a text, in DejaVu Sans, which is wider than the other fonts of our pages.
DIGIT_WIDTH, POINT_WIDTH, CAPITAL_WIDTH, WIDE_WIDTH = 0.64, 0.32, 0.79, 1.0
NARROW_CHARACTERS, WIDE_CHARACTERS = ",.- ", "MWmw@%…"


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A finished drawing, as SVG; `name` is a slug that is unique within its version."""

    name: str
    title: str
    svg: str


def measure_text(text: str, size: float) -> float:
    """The largest width of a text in a font of this size: exact for numbers, an estimate for other texts."""
    return size * sum(map(_measure_character, text))


def _measure_character(character: str) -> float:
    if character in NARROW_CHARACTERS:
        return POINT_WIDTH
    if character in WIDE_CHARACTERS or unicodedata.east_asian_width(character) in "WF":
        return WIDE_WIDTH
    return CAPITAL_WIDTH if character.isupper() else DIGIT_WIDTH
