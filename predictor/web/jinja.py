"""The template engine of our pages: Jinja2, which compiles templates to Python. The admin uses Django's own.

Each language has an environment of its own: its sentences are translated when a template is compiled, and cost a page
nothing.
"""

import re
from collections.abc import MutableMapping
from functools import cache, lru_cache, partial
from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from django.utils.text import capfirst
from django_htmx.jinja import htmx_script
from jinja2 import Environment, Template, nodes
from jinja2.ext import InternationalizationExtension
from markupsafe import Markup, escape

from predictor.formats import Written, format_number
from predictor.languages import Language, find_catalogue, get_language
from predictor.moments import write_moment
from predictor.web.brand import find_brand
from predictor.web.switcher import show_switcher

PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class Environments:
    """What Django takes for one environment: the current language's, which is made when it is first needed."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._made: dict[str, Environment] = {}

    def get_template(self, name: str) -> Template:
        return self._find().get_template(name)

    def from_string(self, source: str) -> Template:
        return self._find().from_string(source)

    def _find(self) -> Environment:
        language = get_language()
        if language.tag not in self._made:
            self._made[language.tag] = make_environment(language, **self._options)
        return self._made[language.tag]


# Checked with Jinja2 3.1.6 (tests/test_insides.py).
class TranslationExtension(InternationalizationExtension):
    """Compiles `{% trans %}` to the sentence in the environment's language, with the values in their places.

    Values are escaped, as anywhere; the sentence itself is markup. Only where the number of things decides is anything
    looked up when a page is rendered.
    """

    def _make_node(
        self,
        singular: str,
        plural: str | None,
        context: str | None,
        variables: dict[str, nodes.Expr],
        plural_expr: nodes.Expr | None,
        vars_referenced: bool,
        num_called_num: bool,
    ) -> nodes.Output:
        if plural_expr is not None:
            return super()._make_node(
                singular, plural, context, variables, plural_expr, vars_referenced, num_called_num
            )
        catalogue = self.environment.catalogue  # type: ignore[attr-defined]
        message = singular if vars_referenced else singular.replace("%%", "%")
        sentence = catalogue.pgettext(context, message) if context else catalogue.gettext(message)
        if not vars_referenced:
            return nodes.Output([nodes.TemplateData(sentence)])
        # Texts and names of placeholders take turns.
        parts: list[nodes.Expr] = [
            variables[part] if position % 2 else nodes.TemplateData(part.replace("%%", "%"))
            for position, part in enumerate(PLACEHOLDER.split(sentence))
        ]
        return nodes.Output(parts)


class PageEnvironment(Environment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """One dict instead of Jinja2's ChainMap: each page copies it, and a ChainMap takes seven times as long."""
        return {**self.globals, **(d or {})}


def make_environment(language: Language, **options: Any) -> Environment:
    environment = PageEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[TranslationExtension], **options)
    catalogue = find_catalogue(language.tag)
    environment.extend(catalogue=catalogue)
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals.update(
        language=language, _=catalogue.gettext, gettext=catalogue.gettext, ngettext=catalogue.ngettext
    )
    environment.globals.update(static=cache(static), url=make_url, htmx_script=cache(htmx_script))
    environment.globals.update(find_brand=find_brand, switcher=show_switcher)
    # All moments are in UTC.
    environment.filters.update(
        to_the_second=partial(write_moment, precision="second"),
        to_the_minute=write_moment,
        briefly=partial(write_moment, short=True),
        capfirst=capfirst,
        number=format_number,
        with_unit=write_with_unit,
    )
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
