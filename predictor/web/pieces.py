"""Parts of pages that are rendered once for each version; what differs between visitors is inserted."""

from collections.abc import Mapping
from itertools import chain
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from markupsafe import escape

from predictor.exceptions import InvalidValue
from predictor.models import Version
from predictor.schema.kinds import Boolean, Category, Feature, Numeric
from predictor.schema.schema import Schema
from predictor.schema.text import Text
from predictor.schema.values import Value
from predictor.serving.runtime import Runtime, cache_per_runtime
from predictor.texts import shorten
from predictor.web.arrangement import arrange, find_importances
from predictor.web.chart_figures import tabulate_chart
from predictor.web.charts import Chart, Point, draw_base_chart
from predictor.web.choices import is_searched
from predictor.web.examples import list_examples
from predictor.web.forms import PredictionForm, is_checkbox, write_typed
from predictor.web.jinja import make_url

# Stands where a value is inserted, and nowhere else.
PLACEHOLDER = token_hex(16)
# gunicorn reads 4094 bytes of a request's first line.
LONGEST_LINK = 4_000
# Of one value in a link. gunicorn reads no longer links; other servers may.
MOST_CHARACTERS = 5_000


def render_backdrop(chart: Chart) -> SafeString:
    """All of a chart except a visitor's own point."""
    return mark_safe(render_to_string("predictor/_backdrop.html", {"chart": chart}))  # noqa: S308  # Our template.


def render_keys(chart: Chart) -> SafeString:
    """What its marks and its curve stand for."""
    return mark_safe(render_to_string("predictor/_chart_keys.html", {"chart": chart}))  # noqa: S308  # Our template.


def render_figures(version: Version, chart: Chart) -> SafeString:
    """The figures of a version's chart as a table."""
    context = {"figures": tabulate_chart(version.parsed_schema, version.parsed_profile), "title": chart.title}
    return mark_safe(render_to_string("predictor/_chart_figures.html", context))  # noqa: S308  # Our template.


def leave_room(version: Version) -> list[Point]:
    """The ends of the intervals along the curve, so that a visitor's own interval seldom needs wider axes."""
    measured = version.parsed_interval
    return [
        (x, end) for x, y in version.parsed_profile.curve for end in (measured and measured.place_around(y)) or (y,)
    ]


class ChartPieces:
    """A version's chart: the hundreds of points, which are slow to render, are rendered once for all visitors."""

    def __init__(self, version: Version) -> None:
        self.base = draw_base_chart(version.parsed_schema, version.parsed_profile, leave_room(version))
        self._backdrop = render_backdrop(self.base) if self.base else ""
        self.keys = render_keys(self.base) if self.base else ""
        self.figures = render_figures(version, self.base) if self.base else ""

    def get_backdrop(self, chart: Chart | None) -> str:
        """The backdrop of this version's chart, on its own axes or on wider ones."""
        if chart is None or self.base is None:
            return ""
        is_on_base = chart.x is self.base.x and chart.y is self.base.y
        return self._backdrop if is_on_base else render_backdrop(chart)


class FormPieces:
    """A model's form, into which a visitor's token and values are inserted; never a form with errors.

    `is_embedded` is the one for frames of other sites, which is sent to an address of its own.
    """

    def __init__(self, version: Version, schema: Schema, *, is_embedded: bool = False) -> None:
        self._schema = schema
        self.action = make_url("embed" if is_embedded else "model", version.model)
        self._groups = arrange(schema, version.shown_layout, find_importances(version))
        context: dict[str, Any] = {
            "action": self.action,
            "is_embedded": is_embedded,
            "csrf_token": PLACEHOLDER,
            "form": None,
            "placeholder": PLACEHOLDER,
        }
        context |= {
            "groups": self.group(PredictionForm(schema)),
            "fillings": list_fillings(self.action, version, schema),
        }
        # What is before the token, before each field, and after the last one.
        self._start, *self._between = render_to_string("predictor/_form.html", context).split(PLACEHOLDER)
        # Two forms for all fields: one form for each field would take quadratic time.
        filled, checked = (
            PredictionForm(schema, initial=dict.fromkeys(schema.names, written)) for written in (PLACEHOLDER, "true")
        )
        self._fields = [
            FieldPieces(
                feature=feature,
                fillable=render_field(filled, feature.name),
                checked=render_field(checked, feature.name) if is_checkbox(feature) else "",
            )
            for group in self._groups
            for feature in group.features
        ]

    def fill(self, token: str, inputs: Mapping[str, Value]) -> SafeString:
        """The form filled with a prediction's inputs, as far as the schema has them; other fields stay empty."""
        return self._join(token, [field.fill(inputs.get(field.name)) for field in self._fields])

    def fill_typed(self, token: str, typed: Mapping[str, str]) -> tuple[SafeString, list[tuple[str, str]]]:
        """The form filled with texts as they are, right or wrong; and those that a field cannot show, by its label."""
        texts = {field.name: typed[field.name] for field in self._fields if typed.get(field.name)}
        filled = {field.name: field.fill_typed(texts.get(field.name, "")) for field in self._fields}
        labels = {feature.name: feature.label for feature in self._schema.features}
        not_taken = [(labels[name], shorten(text)) for name, text in texts.items() if filled[name] is None]
        form = self._join(token, [filled[field.name] or field.fill(None) for field in self._fields])
        return form, not_taken

    def group(self, form: PredictionForm) -> list[dict[str, Any]]:
        """The fields of a form in the same groups and order."""
        return [
            {"title": group.title, "fields": [form[feature.name] for feature in group.features]}
            for group in self._groups
        ]

    def _join(self, token: str, fields: list[str]) -> SafeString:
        rest = "".join(chain.from_iterable(zip([str(escape(token)), *fields], self._between, strict=True)))
        return mark_safe(f"{self._start}{rest}")  # noqa: S308  # All of it is escaped.


class FieldPieces:
    """One field of a form: `fillable` has the placeholder as its value, and `checked` is a ticked checkbox."""

    def __init__(self, *, feature: Feature, fillable: str, checked: str) -> None:
        self.name = feature.name
        self._feature, self._fillable, self._checked = feature, fillable, checked
        # The markup of inputs and, below, of options. Checked with Django 5.2.19 (tests/test_insides.py).
        self._empty = fillable.replace(f' value="{PLACEHOLDER}"', "")

    def fill(self, value: Value) -> str:
        """The field with a value, or empty where it is from a version in which the feature was of another kind."""
        try:
            written = write_typed(self._feature, self._feature.convert(value))
        except InvalidValue:
            written = ""
        match self._feature:
            case Category() as feature if is_searched(feature):
                return self._insert(feature.words.write(written))
            case Text():
                return self._fillable.replace(PLACEHOLDER, str(escape(written)))
            case Boolean() if self._checked:
                return self._checked if written == "true" else self._empty
            case Category() | Boolean() as feature:
                written = feature.find_option(written) if isinstance(feature, Category) else written
                option = f'<option value="{escape(written)}"'
                return self._fillable.replace(f"{option}>", f"{option} selected>", 1)
            case _:
                return self._insert(written)

    def fill_typed(self, text: str) -> str | None:
        """The field with a text as it was typed; None where it is too long, or where the field cannot show it."""
        if len(text) > MOST_CHARACTERS:
            return None
        if is_searched(self._feature):
            return self._insert(self._feature.words.write(text))
        if isinstance(self._feature, Numeric | Text):
            return self._insert(text)
        try:
            return self.fill(self._feature.parse(text) if text else None)
        except InvalidValue:
            return None

    def _insert(self, text: str) -> str:
        is_area = isinstance(self._feature, Text)
        return self._fillable.replace(PLACEHOLDER, str(escape(text))) if text or is_area else self._empty


def list_fillings(address: str, version: Version, schema: Schema) -> list[tuple[str, str]]:
    """What the form at an address can be filled in with: titles, and links, unless a server would not read them."""
    links = (
        (title, f"{address}?{urlencode(list_typed(schema, inputs))}")
        for title, inputs in list_examples(version.shown_layout, schema)
    )
    return [(title, link) for title, link in links if len(link) <= LONGEST_LINK]


def list_typed(schema: Schema, inputs: Mapping[str, Value]) -> list[tuple[str, str]]:
    """Inputs as they are typed, without those that are missing, or of another kind by now."""
    typed = []
    for feature in schema.features:
        try:
            typed.append((feature.name, write_typed(feature, feature.convert(inputs.get(feature.name)))))
        except InvalidValue:
            continue
    return [(name, text) for name, text in typed if text]


def render_field(form: PredictionForm, name: str) -> str:
    return render_to_string("predictor/_field.html", {"field": form[name]})


@cache_per_runtime
def get_form_pieces(runtime: Runtime) -> FormPieces:
    return FormPieces(runtime.version, runtime.schema.translated)
