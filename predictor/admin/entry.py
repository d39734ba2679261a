"""Where a reviewer types what really happened, next to the prediction."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.exceptions import InvalidInput, OutcomeChanged
from predictor.models import Outcome, Prediction
from predictor.outcomes.recording import find_outcome, record_outcome
from predictor.schema.target import Target
from predictor.schema.values import write_value

# More classes are typed, and suggested while one types.
MOST_BUTTONS = 12
SUGGESTIONS = "classes"


class EntryForm(forms.Form):
    """Takes one outcome: a number, or a class. `seen` is the id of the outcome that the page showed.

    The field has the focus, and Enter sends the form, so that a queue is answered by keyboard alone.
    """

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, prediction: Prediction, data: Any = None, *, has_focus: bool = False) -> None:
        current = find_outcome(prediction)
        super().__init__(data, initial={"seen": current and current.id}, label_suffix="")
        self.target, self.prediction = prediction.version.target, prediction
        widget = make_widget(self.target, prediction)
        if has_focus:
            widget.attrs["autofocus"] = True
        expected = gettext("Give {expected}.").format(expected=self.target.expected_of_people)
        self.fields["value"] = forms.CharField(
            required=False,
            strip=False,
            label=_("What really happened"),
            help_text="" if isinstance(widget, forms.RadioSelect) else expected,
            widget=widget,
        )

    @property
    def suggestions(self) -> list[tuple[str, str]]:
        """The classes with their words, for a field in which they are typed."""
        return list_classes(self.target) if len(self.target.classes) > MOST_BUTTONS else []

    @property
    def unit(self) -> str:
        return self.target.shown_unit

    def record(self, request: HttpRequest, queue: Outcome.Queue | None = None) -> Outcome | None:
        """Record it in the name of the user; None where it is refused, which the form then says."""
        if not self.is_valid():
            return None
        by, seen = request.user.get_username(), self.cleaned_data["seen"]
        try:
            outcome, _is_new = record_outcome(self.prediction, self.data.get("value"), by=by, seen=seen, queue=queue)
        except InvalidInput as error:
            self.add_error("value", error.fields["outcome"])
        except OutcomeChanged as error:
            self.add_error(None, str(error))
            self.show_current()
        else:
            return outcome
        return None

    def show_current(self) -> None:
        """Let the same value, sent once more, replace the outcome that somebody else has recorded."""
        current = find_outcome(self.prediction)
        self.data = {**self.data, "value": self.data.get("value"), "seen": current.id if current else ""}


def make_widget(target: Target, prediction: Prediction) -> forms.Widget:
    if target.task == "regression":
        # The numeric keyboard of some phones has no minus sign.
        may_be_negative = min([prediction.output, *(prediction.interval or ())]) < 0
        return forms.TextInput(
            attrs={"inputmode": "text" if may_be_negative else "decimal", "autocomplete": "off", "required": True}
        )
    if len(target.classes) > MOST_BUTTONS:
        return forms.TextInput(attrs={"list": SUGGESTIONS, "autocomplete": "off", "required": True})
    return forms.RadioSelect(choices=list_classes(target), attrs={"required": True})


def list_classes(target: Target) -> list[tuple[str, str]]:
    return [(write_value(label), target.name_class(label)) for label in target.classes]
