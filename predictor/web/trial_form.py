"""The form of a trial: an answer's inputs, the numbers with a slider over the range seen in training."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from django import forms
from django.forms.boundfield import BoundField
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from markupsafe import escape

from predictor.models import Prediction
from predictor.schema.kinds import Feature, Integer, Number
from predictor.schema.schema import Schema
from predictor.schema.values import Value
from predictor.serving.runtime import Runtime, cache_per_runtime
from predictor.web.forms import FeatureBoundField, FeatureField, PredictionForm, is_checkbox
from predictor.web.pieces import PLACEHOLDER, FieldPieces

# About so many steps lead from one end of a slider to the other.
STEPS = 100
# Each stands where a value is inserted, and nowhere else.
TRIAL, FIELDS, TOKEN, ORIGIN = (f"{PLACEHOLDER}-{name}" for name in ("trial", "fields", "token", "origin"))


class Slider(msgspec.Struct, frozen=True, kw_only=True):
    """The ends and the step of a slider, as numbers that a browser reads; both ends are multiples of the step."""

    low: str
    high: str
    step: str


def find_slider(feature: Feature) -> Slider | None:
    """The slider over the range seen in training; None where that is no range of numbers."""
    if not isinstance(feature, Number | Integer) or not feature.seen:
        return None
    low, high = feature.seen[0], feature.seen[-1]
    if not (low < high and math.isfinite(high - low)):
        return None
    step = 10.0 ** math.floor(math.log10((high - low) / STEPS * 2))
    step = max(1.0, step) if isinstance(feature, Integer) else step
    first, last = math.ceil(low / step), math.floor(high / step)
    if last <= first:
        return None
    return Slider(low=f"{first * step:.10g}", high=f"{last * step:.10g}", step=f"{step:.10g}")


class TrialBoundField(FeatureBoundField):
    @property
    def auto_id(self) -> str:
        """Not the id of the same field in the form, which may be on the same page."""
        return f"try-{self.field.position}"


class TrialField(FeatureField):
    def __init__(self, feature: Feature, position: int) -> None:
        super().__init__(feature, position)
        self.help_text = ""
        if "list" in self.widget.attrs:  # Of suggestions, which have an id of their own, too.
            self.widget.attrs["list"] = f"try-{position}_list"
        self.slider = find_slider(feature)

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> BoundField:
        return TrialBoundField(form, self, field_name)


class TrialForm(PredictionForm):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields = {
            feature.name: TrialField(feature, position)
            for position, feature in enumerate(self.schema.features, start=1)
        }


class TrialPieces:
    """A model's form of trials, into which a visitor's token, the answer's id, the inputs and a trial are inserted."""

    def __init__(self, runtime: Runtime) -> None:
        context = {"slug": runtime.version.model, "csrf_token": TOKEN, "origin": ORIGIN}
        shell = render_to_string("predictor/_try.html", {**context, "trial": TRIAL, "fields": FIELDS})
        self._start, rest = shell.split(TRIAL)
        self._middle, self._end = rest.split(FIELDS)
        self._fields = make_field_pieces(runtime.schema.translated)

    def fill(self, token: str, origin: Prediction | None, inputs: Mapping[str, Value], trial: str = "") -> SafeString:
        """The form filled with inputs, as far as the schema has them; `trial` is the markup of their answer."""
        id = str(origin.pk) if origin else ""
        fields = "".join(field.fill(inputs.get(field.name)) for field in self._fields)
        start, end = (each.replace(TOKEN, str(escape(token))).replace(ORIGIN, id) for each in (self._start, self._end))
        return mark_safe(f"{start}{trial}{self._middle}{fields}{end}")  # noqa: S308  # All of it is escaped.


def make_field_pieces(schema: Schema) -> list[FieldPieces]:
    filled, checked = (TrialForm(schema, initial=dict.fromkeys(schema.names, each)) for each in (PLACEHOLDER, "true"))
    return [
        FieldPieces(
            feature=feature,
            fillable=render_field(filled, feature.name),
            checked=render_field(checked, feature.name) if is_checkbox(feature) else "",
        )
        for feature in schema.features
    ]


def render_field(form: TrialForm, name: str) -> str:
    return render_to_string("predictor/_try_field.html", {"field": form[name]})


@cache_per_runtime
def get_trial_pieces(runtime: Runtime) -> TrialPieces:
    return TrialPieces(runtime)
