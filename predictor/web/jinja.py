"""The template engine of our pages: Jinja2, which compiles templates to Python. The admin uses Django's own."""

from collections.abc import MutableMapping
from datetime import datetime
from functools import cache, lru_cache, partial
from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from django.utils.text import capfirst
from django_htmx.jinja import htmx_script
from jinja2 import Environment
from markupsafe import Markup, escape

from predictor.formats import Written, format_number

# Formats of dates and times, all in UTC.
MOMENTS = {
    "to_the_second": "%-d %B %Y, %H:%M:%S",
    "to_the_minute": "%-d %B %Y, %H:%M",
    "briefly": "%-d %b %Y, %H:%M",
}


# Checked with Jinja2 3.1.6 (tests/test_insides.py).
class PageEnvironment(Environment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """One dict instead of Jinja2's ChainMap: each page copies it, and a ChainMap takes seven times as long."""
        return {**self.globals, **(d or {})}


def make_environment(**options: Any) -> Environment:
    environment = PageEnvironment(trim_blocks=True, lstrip_blocks=True, **options)
    environment.globals.update(static=cache(static), url=make_url, htmx_script=cache(htmx_script))
    environment.filters.update({name: partial(write_moment, f) for name, f in MOMENTS.items()}, capfirst=capfirst)
    environment.filters.update(number=format_number, with_unit=write_with_unit)
    return environment


@lru_cache(maxsize=1000)
def make_url(name: str, *arguments: Any) -> str:
    return reverse(name, args=arguments)


def write_with_unit(written: Written) -> str | Markup:
    """A number with its unit after a no-break space and the words of its band, each in a style of its own."""
    if not written.unit and not written.band:
        return written.text
    unit = f'&nbsp;<span class="unit">{escape(written.unit)}</span>' if written.unit else ""
    band = f' <span class="band">({escape(written.band)})</span>' if written.band else ""
    return Markup(f"{escape(written.text)}{unit}{band}")  # noqa: S704  # Escaped.


def write_moment(form: str, moment: datetime) -> str:
    return moment.strftime(form)
