"""Two answers side by side."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from predictor.formats import MISSING, Written, format_share
from predictor.languages import gettext as _
from predictor.models import Prediction
from predictor.schema.kinds import Feature
from predictor.schema.values import write_value
from predictor.serving.service import service
from predictor.texts import quote
from predictor.web.answers import find_prediction
from predictor.web.own_answers import list_own_answers
from predictor.web.pages import render_page

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
NOT_GIVEN = Written(text=MISSING)


class ComparedValue(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a comparison: an input of the one and of the other answer."""

    label: str
    values: tuple[Written, Written]
    differs: bool


@never_cache
@require_safe
def choose_other(request: HttpRequest, id: UUID) -> HttpResponse:
    """Offer the browser's last answers of this model to compare with, and a field for the link of any other."""
    prediction = find_prediction(request, id)
    typed = request.GET.get("with", "")
    found = ID.findall(typed)
    if found:
        return redirect("two_answers", id, UUID(found[-1]))
    own = [each for each in list_own_answers(request) if each.version.model == prediction.version.model]
    context = {
        **_describe_page(prediction),
        "prediction": prediction,
        "answers": [each for each in own if each.id != id],
        "typed": typed,
        "error": _("{typed} is not the link of an answer: paste its address.").format(typed=quote(typed))
        if typed
        else "",
    }
    return render_page(request, "predictor/choose_answer.html", context)


@require_safe
def compare_answers(request: HttpRequest, id: UUID, other: UUID) -> HttpResponse:
    """Two answers with their versions and inputs, those that differ marked."""
    pair = (find_prediction(request, id), find_prediction(request, other))
    context = {
        **_describe_page(pair[0]),
        "answers": pair,
        "likely": [describe_likely(each) for each in pair],
        "inputs": compare_inputs(*pair),
        "same_version": pair[0].version_id == pair[1].version_id,
    }
    return render_page(request, "predictor/two_answers.html", context)


def compare_inputs(one: Prediction, other: Prediction) -> list[ComparedValue]:
    """The inputs of both answers, in the order of the first one's schema; then those that only the second one has."""
    described = [answer.version.parsed_schema.by_name for answer in (one, other)]
    names = [*described[0], *(name for name in described[1] if name not in described[0])]
    return [
        ComparedValue(
            label=(described[0].get(name) or described[1][name]).label,
            values=(
                write_input(described[0].get(name), one.inputs.get(name)),
                write_input(described[1].get(name), other.inputs.get(name)),
            ),
            differs=write_value(one.inputs.get(name)) != write_value(other.inputs.get(name)),
        )
        for name in names
    ]


def write_input(feature: Feature | None, value: Any) -> Written:
    return NOT_GIVEN if feature is None else feature.write(value)


def describe_likely(prediction: Prediction) -> str:
    """The probability of the class that is the answer; empty for a number."""
    share = (prediction.probabilities or {}).get(write_value(prediction.output))
    return "" if share is None else format_share(share)


def _describe_page(prediction: Prediction) -> dict[str, Any]:
    version = prediction.version
    models: Sequence[Any] = service.list_live()
    return {"models": models, "slug": version.model, "version": version}
