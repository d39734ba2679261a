"""Colours as #rrggbb, and whether one can be read on another."""

import re

# As in static/site.css: --paper and --panel, and the inks of buttons, for the light and for the dark theme.
LIGHT_PAPERS, DARK_PAPERS = ("#fffefb", "#f7f4ec"), ("#16171a", "#1e2024")
LIGHT_INK, DARK_INK = "#ffffff", "#10131c"
# For text of normal size (WCAG 2.2, success criterion 1.4.3).
LEAST_CONTRAST = 4.5
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
STEPS = 40


def measure_contrast(colour: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2, “contrast ratio”)."""
    lower, higher = sorted((measure_luminance(colour), measure_luminance(other)))
    return (higher + 0.05) / (lower + 0.05)


def measure_luminance(colour: str) -> float:
    """The relative luminance of a colour, from 0 to 1 (WCAG 2.2, “relative luminance”)."""
    red, green, blue = (_linearise(part / 255) for part in split_colour(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linearise(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def split_colour(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, each from 0 to 255."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def measure_least_contrast(colour: str, papers: tuple[str, ...]) -> float:
    """The contrast of a colour on that of the papers on which it is least."""
    return min(measure_contrast(colour, paper) for paper in papers)


def lighten(colour: str) -> str:
    """The colour, mixed with as little white as lets it be read on the dark papers."""
    for step in range(STEPS + 1):
        parts = (round(part + (255 - part) * step / STEPS) for part in split_colour(colour))
        mixed = "#" + bytes(parts).hex()
        if measure_least_contrast(mixed, DARK_PAPERS) >= LEAST_CONTRAST:
            break
    return mixed


def choose_ink(colour: str) -> str:
    """The ink that is read best on a button of this colour."""
    return max((LIGHT_INK, DARK_INK), key=lambda ink: measure_contrast(ink, colour))
