"""Parts of pages that are rendered once for each version; what differs between visitors is inserted."""

from collections.abc import Mapping
from secrets import token_hex

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from markupsafe import escape

from predictor.exceptions import InvalidValue
from predictor.models import Version
from predictor.schema.kinds import Boolean, Category, Feature
from predictor.schema.schema import Schema
from predictor.schema.text import Text
from predictor.schema.values import Value
from predictor.serving.runtime import Runtime, cache_per_runtime
from predictor.web.charts import Chart, Point, draw_base_chart
from predictor.web.forms import PredictionForm, is_checkbox, write_typed

# Stands where a value is inserted, and nowhere else.
PLACEHOLDER = token_hex(16)


def render_backdrop(chart: Chart) -> SafeString:
    """All of a chart except a visitor's own point."""
    return mark_safe(render_to_string("predictor/_backdrop.html", {"chart": chart}))  # noqa: S308  # Our template.


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

    def get_backdrop(self, chart: Chart | None) -> str:
        """The backdrop of this version's chart, on its own axes or on wider ones."""
        if chart is None or self.base is None:
            return ""
        is_on_base = chart.x is self.base.x and chart.y is self.base.y
        return self._backdrop if is_on_base else render_backdrop(chart)


class FormPieces:
    """A model's form, into which a visitor's token and values are inserted; never a form with errors."""

    def __init__(self, slug: str, schema: Schema) -> None:
        context = {"slug": slug, "csrf_token": PLACEHOLDER, "form": None, "fields": PLACEHOLDER}
        shell = render_to_string("predictor/_form.html", context)
        self._start, self._middle, self._end = shell.split(PLACEHOLDER)
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
            for feature in schema.features
        ]

    def fill(self, token: str, inputs: Mapping[str, Value]) -> SafeString:
        """The form filled with a prediction's inputs, as far as the schema has them; other fields stay empty."""
        fields = "".join(field.fill(inputs.get(field.name)) for field in self._fields)
        return mark_safe(f"{self._start}{escape(token)}{self._middle}{fields}{self._end}")  # noqa: S308  # All of it is escaped.


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
            case Text():
                return self._fillable.replace(PLACEHOLDER, str(escape(written)))
            case Boolean() if self._checked:
                return self._checked if written == "true" else self._empty
            case Category() | Boolean() as feature:
                written = feature.find_option(written) if isinstance(feature, Category) else written
                option = f'<option value="{escape(written)}"'
                return self._fillable.replace(f"{option}>", f"{option} selected>", 1)
            case _:
                return self._fillable.replace(PLACEHOLDER, str(escape(written))) if written else self._empty


def render_field(form: PredictionForm, name: str) -> str:
    return render_to_string("predictor/_field.html", {"field": form[name]})


@cache_per_runtime
def get_chart_pieces(runtime: Runtime) -> ChartPieces:
    return ChartPieces(runtime.version)


@cache_per_runtime
def get_form_pieces(runtime: Runtime) -> FormPieces:
    return FormPieces(runtime.version.model, runtime.schema.translated)
