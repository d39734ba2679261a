"""What the pages of one version have in common, rendered once; what differs for each visitor is put in."""

from collections.abc import Mapping
from secrets import token_hex
from weakref import WeakKeyDictionary

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from markupsafe import escape

from predictor.models import Version
from predictor.schema.features import Feature
from predictor.schema.schema import Schema
from predictor.schema.values import Value, convert_value, write_value
from predictor.serving.runtime import Runtime
from predictor.web.charts import Chart, Point, draw_resting_chart
from predictor.web.forms import PredictionForm, is_checkbox

# Stands where something is put in, and nowhere else.
MARK = token_hex(16)


def render_backdrop(chart: Chart) -> SafeString:
    """All of a picture but a visitor's own point."""
    return mark_safe(render_to_string("predictor/_backdrop.html", {"chart": chart}))  # noqa: S308  # Our template.


def leave_room(version: Version) -> list[Point]:
    """The ends of the intervals along the curve, so that a visitor's own seldom needs wider axes."""
    measured = version.parsed_interval
    radius = measured.radius if measured else 0.0
    return [(x, y + sign * radius) for x, y in version.parsed_profile.curve for sign in (-1, 1)]


class ChartPieces:
    """A version's picture: the part that hundreds of points make slow is drawn once for everybody."""

    def __init__(self, version: Version) -> None:
        self.resting = draw_resting_chart(version.parsed_schema, version.parsed_profile, leave_room(version))
        self._backdrop = render_backdrop(self.resting) if self.resting else ""

    def get_backdrop(self, chart: Chart | None) -> str:
        """The backdrop of this version's picture, on its own axes or on wider ones."""
        if chart is None or self.resting is None:
            return ""
        is_resting = chart.x is self.resting.x and chart.y is self.resting.y
        return self._backdrop if is_resting else render_backdrop(chart)


class FormPieces:
    """A model's form, into which a visitor's token and values are put; never one with errors."""

    def __init__(self, slug: str, schema: Schema) -> None:
        marked = {"slug": slug, "csrf_token": MARK, "form": None, "fields": MARK}
        shell = render_to_string("predictor/_form.html", marked)
        self._start, self._middle, self._end = shell.split(MARK)
        # Two forms for all fields: where each field had its own, the time grew with the square of their number.
        filled, checked = (
            PredictionForm(schema, initial=dict.fromkeys(schema.names, written)) for written in (MARK, "true")
        )
        self._fields = [
            FieldPieces(
                feature=feature,
                marked=render_field(filled, feature.name),
                checked=render_field(checked, feature.name) if is_checkbox(feature) else "",
            )
            for feature in schema.features
        ]

    def fill(self, token: str, inputs: Mapping[str, Value]) -> SafeString:
        """The form with a prediction's inputs, as far as the schema still has them; what it has more is empty."""
        fields = "".join(field.fill(inputs.get(field.name)) for field in self._fields)
        return mark_safe(f"{self._start}{escape(token)}{self._middle}{fields}{self._end}")  # noqa: S308  # All is escaped.


class FieldPieces:
    """One field of a form: `marked` where a value is put in, and for a checkbox as it is `checked`."""

    def __init__(self, *, feature: Feature, marked: str, checked: str) -> None:
        self.name = feature.name
        self._feature, self._marked, self._checked = feature, marked, checked
        self._empty = marked.replace(f' value="{MARK}"', "")

    def fill(self, value: Value) -> str:
        """The field with a value, or empty where that comes from a version in which it was of another kind."""
        try:
            written = write_value(convert_value(value, self._feature.kind, self._feature.choices))
        except ValueError:
            written = ""
        if self._feature.kind in ("number", "integer"):
            return self._marked.replace(MARK, str(escape(written))) if written else self._empty
        if self._checked:
            return self._checked if written == "true" else self._empty
        option = f'<option value="{escape(written)}"'
        return self._marked.replace(f"{option}>", f"{option} selected>", 1)


def render_field(form: PredictionForm, name: str) -> str:
    return render_to_string("predictor/_field.html", {"field": form[name]})


# A version that is served no more takes its pieces along.
_charts: WeakKeyDictionary[Runtime, ChartPieces] = WeakKeyDictionary()
_forms: WeakKeyDictionary[Runtime, FormPieces] = WeakKeyDictionary()


def get_chart_pieces(runtime: Runtime) -> ChartPieces:
    if runtime not in _charts:
        _charts[runtime] = ChartPieces(runtime.version)
    return _charts[runtime]


def get_form_pieces(runtime: Runtime) -> FormPieces:
    if runtime not in _forms:
        _forms[runtime] = FormPieces(runtime.version.model, runtime.schema)
    return _forms[runtime]
