"""What the pages of one prediction show of it, written for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.admin.cells import Judgement, judge_outcome, show_moment
from predictor.formats import Quantity, Written, format_number, format_share
from predictor.models import Outcome, Prediction

MOST_CLASSES = 10
# The words of the template, which are found for translation only here.
WORDS = {
    "predicted": _("Predicted"),
    "happened": _("What really happened"),
    "interval": _("90 % interval"),
    "warnings": _("Warnings"),
    "warned": _("unlike the training data"),
    "inputs": _("Inputs"),
    "record": _("Record"),
    "earlier": _("All that was recorded, newest first"),
    "nothing": _("Nothing is recorded yet."),
    "value": _("Value"),
    "recorded": _("Recorded"),
    "by": _("By"),
    "asked": _("Asked for"),
}


@dataclass(frozen=True, kw_only=True)
class ShownInput:
    name: str
    label: str
    value: Written
    is_warned: bool


@dataclass(frozen=True, kw_only=True)
class ShownShare:
    label: str
    share: float
    written: str


@dataclass(frozen=True, kw_only=True)
class ShownOutcome:
    """A row of the log of a prediction's outcomes."""

    id: int
    value: Written
    moment: SafeString
    by: str
    asked: str
    judgement: Judgement


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A prediction on its page; `outcomes` are the newest first, of which the first is the current one."""

    title: str
    target: str
    answer: Written
    interval: Written | None
    shares: list[ShownShare]
    more_classes: str
    warnings: list[str]
    inputs: list[ShownInput]
    facts: list[tuple[str, SafeString | str]]
    outcomes: list[ShownOutcome]


def read_prediction(
    prediction: Prediction, *, may_see_version: bool, archived: Sequence[Outcome] | None = None
) -> Reading:
    """What a page shows of a prediction; of an archived one, which has no other page, with these outcomes."""
    target = prediction.version.target
    shares = list_shares(prediction)
    more = len(shares) - MOST_CLASSES
    return Reading(
        title=f"{target.label}: {prediction.written_output}",
        target=target.label,
        answer=prediction.written_output,
        interval=prediction.written_interval,
        shares=shares[:MOST_CLASSES],
        more_classes=gettext("and {count} more").format(count=format_number(more)) if more > 0 else "",
        warnings=prediction.written_warnings,
        inputs=list_inputs(prediction),
        facts=list_facts(prediction, may_see_version=may_see_version, has_page=archived is None),
        outcomes=list_outcomes(prediction, archived),
    )


def list_inputs(prediction: Prediction) -> list[ShownInput]:
    if prediction.is_forgotten:
        return []
    warned = {each.get("field") for each in prediction.warning_codes or []}
    hidden = dict(prediction.write_inputs()) if prediction.hidden_inputs else {}
    return [
        ShownInput(
            name=feature.name,
            label=feature.label,
            value=hidden[feature.name] if feature.sensitive else feature.write(prediction.inputs.get(feature.name)),
            is_warned=feature.name in warned,
        )
        for feature in prediction.version.parsed_schema.features
    ]


def list_shares(prediction: Prediction) -> list[ShownShare]:
    """The classes with their probabilities, the most probable first."""
    words = prediction.version.target.words
    ranked = sorted((prediction.probabilities or {}).items(), key=lambda item: -item[1])
    return [ShownShare(label=words.write(code), share=share, written=format_share(share)) for code, share in ranked]


def list_facts(prediction: Prediction, *, may_see_version: bool, has_page: bool) -> list[tuple[str, SafeString | str]]:
    """How the prediction was made."""
    version: Any = prediction.version
    name: SafeString | str = str(version)
    if may_see_version:
        name = format_html('<a href="{}">{}</a>', reverse("admin:predictor_version_change", args=[version.pk]), version)
    page = format_html('<a href="{}">{}</a>', prediction.get_absolute_url(), gettext("As the visitor sees it"))
    return [
        (gettext("Made"), show_moment(prediction.created_at)),
        (gettext("Version"), name),
        (gettext("Source"), str(prediction.get_source_display())),
        (gettext("Duration"), str(Quantity(unit="ms", decimals=2).write(prediction.duration_ms))),
        ("Id", format_html("<code>{}</code>", prediction.pk)),
        *([(gettext("Page"), page)] if has_page else []),
    ]


def list_outcomes(prediction: Prediction, archived: Sequence[Outcome] | None) -> list[ShownOutcome]:
    """All that was recorded, the newest first: what is stored, or else what is archived."""
    target = prediction.version.target
    stored = Outcome.objects.filter(prediction=prediction).order_by("-id") if archived is None else archived
    return [
        ShownOutcome(
            id=outcome.id,
            value=target.write(outcome.value),
            moment=show_moment(outcome.recorded_at),
            by=outcome.recorded_by,
            asked=str(outcome.get_queue_display() or ""),
            judgement=judge_outcome(prediction, outcome.value),
        )
        for outcome in stored
    ]
