"""The form that a schema asks for. What is typed goes through the schema, and nothing else decides."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict

from predictor.exceptions import InvalidInput
from predictor.formats import format_label
from predictor.schema import RESERVED_NAMES, Feature, Row, Schema, Target, write_value


class FeatureBoundField(BoundField):
    field: "FeatureField"

    @property
    def auto_id(self) -> str:
        """An id of our own: a feature's name may hold spaces and signs, which an id may not."""
        return f"feature-{self.field.position}"


class FeatureField(forms.Field):
    """Shows a feature, the first of a schema at position 1; the schema, not this field, parses it."""

    def __init__(self, feature: Feature, position: int) -> None:
        super().__init__(
            required=False, label=feature.label, help_text=describe_feature(feature), widget=make_widget(feature)
        )
        self.feature, self.position = feature, position

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> BoundField:
        return FeatureBoundField(form, self, field_name)


def parse_typed(schema: Schema, data: QueryDict) -> Row:
    """Parse what a browser has sent. Raises InvalidInput, also for a field that was sent twice."""
    typed: dict[str, object] = {name: text for name, text in data.items() if name not in RESERVED_NAMES}
    doubled = [name for name in typed if len(data.getlist(name)) > 1]
    if doubled:
        raise InvalidInput(dict.fromkeys(doubled, "This field was sent more than once: send it once."))
    for feature in schema.features:
        if feature.kind == "boolean" and feature.required:
            typed.setdefault(feature.name, "false")  # A browser says nothing of an empty checkbox.
    return schema.parse(typed)


class PredictionForm(forms.Form):
    """Shows what was typed, or `initial` values, and what is wrong with it; it parses nothing."""

    def __init__(self, schema: Schema, data: QueryDict | None = None, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial, label_suffix="")
        self.schema = schema
        for position, feature in enumerate(schema.features, start=1):
            self.fields[feature.name] = FeatureField(feature, position)

    def add_errors(self, messages: Mapping[str, str]) -> None:
        """Tie each message to the field of that name, or to the form where it has no such field."""
        for name, message in messages.items():
            self.add_error(name if name in self.fields else None, message)


class OutcomeForm(forms.Form):
    """Asks what really happened; whoever records it parses it. `seen` is the outcome that this form was shown with."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, target: Target, data: QueryDict | None = None) -> None:
        super().__init__(data, label_suffix="")
        widget = make_outcome_widget(target)
        self.fields["outcome"] = forms.CharField(required=False, label=target.label, widget=widget)


def make_outcome_widget(target: Target) -> forms.Widget:
    if target.task == "regression":
        return forms.NumberInput(attrs={"step": "any", "autocomplete": "off", "required": True})
    choices = [("", "choose…"), *((write_value(label), format_label(label)) for label in target.classes)]
    return forms.Select(choices=choices, attrs={"required": True})


def make_widget(feature: Feature) -> forms.Widget:
    required = {"required": True} if feature.required else {}
    if feature.kind == "boolean":
        if feature.required:
            return forms.CheckboxInput(check_test=lambda value: value == "true", attrs={"value": "true"})
        return forms.Select(choices=[("", "unknown"), ("true", "yes"), ("false", "no")])
    if feature.kind == "category":
        empty = "choose…" if feature.required else "unknown"
        return forms.Select(choices=[("", empty), *((c, c) for c in feature.choices)], attrs=required)
    limits = {"min": feature.minimum, "max": feature.maximum}
    written = {name: f"{limit:.17g}" for name, limit in limits.items() if limit is not None}
    step = "1" if feature.kind == "integer" else "any"
    return forms.NumberInput(attrs={"step": step, "autocomplete": "off", **written, **required})


def describe_feature(feature: Feature) -> str:
    seen = f"Seen in training: {feature.seen_range}." if feature.seen_range else ""
    parts = [feature.help, seen, "" if feature.required else "May be left empty."]
    return " ".join(part for part in parts if part)
