"""The language of our pages: Jinja2, which compiles templates to Python. The admin's own are Django's."""

from functools import cache
from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.text import capfirst
from django_htmx.jinja import htmx_script
from jinja2 import Environment


def make_environment(**options: Any) -> Environment:
    environment = Environment(trim_blocks=True, lstrip_blocks=True, **options)  # noqa: S701  # Django sets autoescape.
    environment.globals.update(static=cache(static), url=make_url, htmx_script=htmx_script)
    environment.filters.update(date=format_date, capfirst=capfirst)
    return environment


def make_url(name: str, *arguments: Any) -> str:
    return reverse(name, args=arguments)
