"""The site's own name, logo, colours and links, from settings that predictor.checks.brand has checked."""

import re
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import msgspec
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from predictor.colours import choose_ink, lighten
from predictor.languages import gettext_noop as _
from predictor.web.caching import never_changes

ADDRESS = re.compile("https?://|/")


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """What every page shows of the site itself. `style` is the address of its style sheet."""

    name: str
    logo: str
    footer: str
    links: tuple[tuple[str, str], ...]
    style: str


def find_brand() -> Brand:
    """The brand by the settings."""
    return make_brand(
        settings.SITE_NAME,
        settings.LOGO,
        settings.ACCENT_COLOR,
        settings.FOOTER_TEXT,
        settings.IMPRINT_URL,
        settings.PRIVACY_URL,
    )


@lru_cache
def make_brand(name: str, logo: str, accent: str, footer: str, imprint: str, privacy: str) -> Brand:
    links = ((_("Imprint"), imprint), (_("Privacy"), privacy))
    return Brand(
        name=name,
        logo=logo if not logo or ADDRESS.match(logo) else static(logo),
        footer=footer,
        links=tuple((title, address) for title, address in links if address),
        style=reverse("style", args=[hash_style(accent)]) if accent else static("site.css"),
    )


@lru_cache
def write_style(accent: str) -> str:
    """The site's style sheet with the accent colour: one file, since each takes the browser a request.

    `accent` is a colour, whose brighter form is used in the dark theme, or one for each theme.
    """
    light, dark = (*accent.split(","), lighten(accent.partition(",")[0].strip()))[:2]
    light, dark = light.strip(), dark.strip()
    inks = f"--on-accent: light-dark({choose_ink(light)}, {choose_ink(dark)});"
    own = f":root {{ --accent: light-dark({light}, {dark}); {inks} }}\n"
    return Path(str(finders.find("site.css"))).read_text(encoding="utf-8") + own


@lru_cache
def hash_style(accent: str) -> str:
    return sha256(write_style(accent).encode()).hexdigest()[:12]


@require_safe
@gzip_page
@never_changes
def show_style(request: HttpRequest, digest: str) -> HttpResponse:
    """The style sheet with the accent colour, at an address of its own for each content."""
    if not settings.ACCENT_COLOR or digest != hash_style(settings.ACCENT_COLOR):
        raise Http404("This style sheet is not the site's any more.")
    return HttpResponse(write_style(settings.ACCENT_COLOR), content_type="text/css; charset=utf-8")
