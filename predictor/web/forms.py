"""The form of a schema. It shows what was typed; only the schema parses and validates it."""

from collections.abc import Mapping
from typing import Any, assert_never

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import Jinja2
from django.http import QueryDict

from predictor.exceptions import InvalidInput, NoAnswer
from predictor.formats import format_exact, is_before
from predictor.languages import get_language
from predictor.languages import gettext as _
from predictor.problems import Problem
from predictor.schema.kinds import Boolean, Category, Feature, Integer, Number
from predictor.schema.schema import RESERVED_NAMES, Row, Schema
from predictor.schema.target import Target
from predictor.schema.temporal import Date, Datetime, Time
from predictor.schema.text import Text
from predictor.schema.values import Label, Value, write_value
from predictor.texts import normalise_text
from predictor.web.choices import MOST_LISTED, find_choice, is_searched, list_choices, list_suggestions, show_choice
from predictor.web.ranges import find_range


class FeatureBoundField(BoundField):
    field: "FeatureField"

    @property
    def auto_id(self) -> str:
        """An id made of the position: a feature's name may contain spaces and other characters that an id may not."""
        return f"feature-{self.field.position}"


class TypedField(forms.Field):
    """Shows what was typed, with line ends normalised as in the options of a select."""

    def prepare_value(self, value: Any) -> Any:
        return normalise_text(value) if isinstance(value, str) else value


class FeatureField(TypedField):
    """Shows a feature; positions in the schema start at 1. The schema, not this field, parses it."""

    def __init__(self, feature: Feature, position: int) -> None:
        widget = make_widget(feature, position)
        super().__init__(required=False, label=feature.label, help_text=describe_feature(feature), widget=widget)
        self.feature, self.position = feature, position
        # What is shown inside the field, and below it.
        self.unit = feature.zone if isinstance(feature, Datetime) else feature.unit
        self.is_unit_first = is_before(self.unit) and get_language().is_currency_first
        self.look = "check" if is_checkbox(feature) else "words" if isinstance(feature, Text) else ""
        self.range = find_range(feature)
        self.seen_range = feature.seen_range
        self.suggestions = list_suggestions(feature) if isinstance(feature, Category) and is_searched(feature) else []

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> BoundField:
        return FeatureBoundField(form, self, field_name)


def parse_typed(schema: Schema, data: QueryDict) -> Row:
    """Parse what a browser has sent; raise InvalidInput, also for a field that was sent twice."""
    typed = read_typed(schema, data)
    for feature in schema.features:
        if len(feature.choices) > MOST_LISTED and feature.name in typed and is_searched(feature):
            typed[feature.name] = find_choice(feature, str(typed[feature.name]))
    repeated = [name for name in schema.names if len(data.getlist(name)) > 1]
    if repeated:
        raise InvalidInput(dict.fromkeys(repeated, Problem(code="repeated_field")))
    # A browser does not send an unticked checkbox.
    unticked = {feature.name: "false" for feature in schema.features if is_checkbox(feature)}
    return schema.parse(unticked | typed)


def read_typed(schema: Schema, data: QueryDict) -> dict[str, object]:
    """What was typed, by field name; browsers send each line end in a name as CRLF."""
    names = {normalise_text(name): name for name in schema.names}
    return {names.get(normalise_text(name), name): text for name, text in data.items() if name not in RESERVED_NAMES}


def show_typed(schema: Schema, data: QueryDict) -> dict[str, object]:
    """What was typed, by field name, as the form shows it: a value that is none of the options as other."""
    typed = read_typed(schema, data)
    options = {
        each.name: each
        for each in schema.features
        if isinstance(each, Category) and each.unseen and not is_searched(each)
    }
    return typed | {name: options[name].find_option(str(typed[name])) for name in options.keys() & typed.keys()}


def name_problems(error: InvalidInput | NoAnswer) -> Mapping[str, str]:
    """What is wrong, by the name of the field; with none where the model gives no answer."""
    return error.fields if isinstance(error, InvalidInput) else {"": str(error)}


class PredictionForm(forms.Form):
    """Shows what was typed, or `initial` values, with its errors; it parses nothing."""

    # Jinja2, as for our pages, renders the widgets in half the time of Django's own templates.
    default_renderer = Jinja2()

    def __init__(self, schema: Schema, data: QueryDict | None = None, initial: dict[str, Any] | None = None) -> None:
        super().__init__(None if data is None else show_typed(schema, data), initial=initial, label_suffix="")
        self.schema = schema
        for position, feature in enumerate(schema.features, start=1):
            self.fields[feature.name] = FeatureField(feature, position)

    def add_errors(self, messages: Mapping[str, str]) -> None:
        """Attach each message to the field of that name, or to the form where there is no such field."""
        for name, message in messages.items():
            self.add_error(name if name in self.fields else None, message)


class OutcomeForm(forms.Form):
    """Asks for the outcome, which is parsed when it is recorded. `seen` is the id of the outcome that was shown."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, target: Target, predicted: float | Label, data: QueryDict | None = None, *, typed: str = ""
    ) -> None:
        super().__init__(data, label_suffix="", initial={"outcome": typed})
        widget = make_outcome_widget(target, predicted)
        self.fields["outcome"] = TypedField(required=False, label=target.label, widget=widget)


def make_outcome_widget(target: Target, predicted: float | Label) -> forms.Widget:
    if target.task == "regression":
        return make_number_widget(lowest=float(predicted), required=True)
    choices = [
        ("", _("choose…")),
        *((write_value(label), show_choice(target.name_class(label))) for label in target.classes),
    ]
    return forms.Select(choices=choices, attrs={"required": True})


class YesInput(forms.CheckboxInput):
    """A checkbox that sends "true" once it is ticked, whatever it showed before."""

    def __init__(self) -> None:
        super().__init__(check_test=lambda value: value in (True, "true"))

    def format_value(self, value: Any) -> str:
        return "true"


def is_checkbox(feature: Feature) -> bool:
    return isinstance(feature, Boolean) and feature.required


def make_widget(feature: Feature, position: int) -> forms.Widget:
    required = {"required": True} if feature.required else {}
    match feature:
        case Boolean():
            unknown = forms.Select(choices=[("", _("unknown")), ("true", _("yes")), ("false", _("no"))])
            return YesInput() if feature.required else unknown
        case Category() if is_searched(feature):
            hint = _("Type to search {count} choices").format(count=len(feature.choices))
            searched = {"list": f"feature-{position}_list", "placeholder": hint, "dir": "auto"}
            return forms.TextInput(attrs={**searched, **required})
        case Category():
            return forms.Select(choices=list_choices(feature), attrs=required)
        case Number() | Integer():
            lowest = feature.minimum if feature.minimum is not None else min(feature.seen[:1], default=0.0)
            return make_number_widget(lowest=lowest, required=feature.required)
        case Date() | Datetime() | Time():
            return make_temporal_widget(feature)
        case Text():
            return forms.Textarea(attrs={"rows": 5, "cols": None, "dir": "auto", **required})
        case _:
            assert_never(feature)


def make_temporal_widget(feature: Date | Datetime | Time) -> forms.Widget:
    """The browser's own input, in which seconds may be typed too."""
    attributes: dict[str, Any] = {"required": True} if feature.required else {}
    input_type = "datetime-local" if isinstance(feature, Datetime) else feature.kind
    if input_type != "date":
        attributes["step"] = "any"
    widget = forms.TextInput(attrs=attributes)
    widget.input_type = input_type
    return widget


def write_typed(feature: Feature, value: Value) -> str:
    """Write a value as the feature's field takes it."""
    if isinstance(feature, Date | Datetime | Time):
        return feature.write_typed(value)
    return format_exact(value) if isinstance(value, float) else write_value(value)


def make_number_widget(*, lowest: float, required: bool = False) -> forms.TextInput:
    """A text input, since browsers drop a decimal comma from type="number" before it is sent.

    The numeric keyboard of some phones has no minus sign: where `lowest` is negative, they show the full keyboard.
    """
    keyboard = "text" if lowest < 0 else "decimal"
    return forms.TextInput(attrs={"inputmode": keyboard, **({"required": True} if required else {})})


def describe_feature(feature: Feature) -> str:
    """Empty where nothing is said below the field: the template writes it, and Django ties it to the field."""
    return feature.help or str(feature.seen_range or "")
