"""Whether the site's own name, logo, colours and links can be shown."""

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import SuspiciousFileOperation

from mlsite.brand import find_image_origin
from predictor.colours import COLOUR, DARK_PAPERS, LEAST_CONTRAST, LIGHT_PAPERS, measure_least_contrast

MOST_CHARACTERS = {"SITE_NAME": 60, "FOOTER_TEXT": 500}
ADDRESS = re.compile(r"(https?://[^\s/]+|/(?!/))\S*")


@register()
def check_texts(**kwargs: Any) -> Iterable[CheckMessage]:
    """SITE_NAME and FOOTER_TEXT are short enough for every page."""
    for name, most in MOST_CHARACTERS.items():
        length = len(getattr(settings, name))
        if length > most:
            hint = f"Write at most {most} characters, or leave it out."
            yield Error(f"{name} has {length} characters.", hint=hint, id="predictor.E030")


@register()
def check_logo(**kwargs: Any) -> Iterable[CheckMessage]:
    """LOGO is an image on another host, or a file of static/."""
    logo = settings.LOGO
    if logo and not find_image_origin(logo) and not is_static_file(logo):
        problem = f"LOGO is {logo!r}, which is neither an https:// address nor a file in static/."
        yield Error(
            problem, hint="Write https://example.com/logo.svg, or logo.svg for static/logo.svg.", id="predictor.E031"
        )


def is_static_file(path: str) -> bool:
    try:
        return bool(finders.find(path))
    except SuspiciousFileOperation:
        return False


@register()
def check_accent_color(**kwargs: Any) -> Iterable[CheckMessage]:
    """ACCENT_COLOR can be read in both themes: a colour for the light one, and maybe one for the dark one."""
    colours = [each.strip() for each in settings.ACCENT_COLOR.split(",")] if settings.ACCENT_COLOR else []
    if len(colours) > 2 or not all(COLOUR.fullmatch(each) for each in colours):
        problem = f"ACCENT_COLOR is {settings.ACCENT_COLOR!r}, which is not a colour such as #23408e."
        hint = "Write one such colour, or two separated by a comma: for the light and for the dark theme."
        yield Error(problem, hint=hint, id="predictor.E032")
        return
    themes = [("light", LIGHT_PAPERS, "darker"), ("dark", DARK_PAPERS, "lighter")]
    for colour, (theme, papers, better) in zip(colours, themes, strict=False):
        contrast = measure_least_contrast(colour, papers)
        if contrast < LEAST_CONTRAST:
            problem = f"ACCENT_COLOR is {colour} for the {theme} theme, where its contrast is {contrast:.1f} to 1."
            hint = f"Text needs at least {LEAST_CONTRAST} to 1: write a {better} colour."
            yield Error(problem, hint=hint, id="predictor.E033")


@register()
def check_links(**kwargs: Any) -> Iterable[CheckMessage]:
    """IMPRINT_URL and PRIVACY_URL can be followed."""
    for name in ("IMPRINT_URL", "PRIVACY_URL"):
        address = getattr(settings, name)
        if address and not ADDRESS.fullmatch(address):
            problem = f"{name} is {address!r}, which is neither an https:// address nor a path of this host."
            yield Error(problem, hint="Write https://example.com/imprint or /imprint.", id="predictor.E034")
