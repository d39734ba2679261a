"""The queue: one prediction without an outcome after another, whose outcomes are typed by keyboard."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.access.rights import limit
from predictor.admin.cells import judge_outcome
from predictor.admin.entry import EntryForm
from predictor.admin.reading import WORDS, read_prediction
from predictor.models import Outcome, Prediction, Version
from predictor.outcomes.queue import find_next

Queue = Outcome.Queue
# As many ids as an address has room for: gunicorn reads 4094 bytes of a request's first line.
MOST_SKIPPED = 80
EXPLANATIONS = {
    Queue.RANDOM: _("Each prediction is equally likely to be asked for: what these outcomes show holds for all."),
    Queue.UNCERTAIN: _(
        "The newest predictions with the lowest probability or the widest interval. They are not like all others."
    ),
    Queue.UNUSUAL: _("The newest predictions with the most warnings. They are not like all others."),
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a reviewer is: in which queue of which model, and what they skipped there."""

    model: str
    queue: Outcome.Queue
    skipped: tuple[UUID, ...] = ()

    @property
    def address(self) -> str:
        skipped = "".join(each.hex for each in self.skipped[-MOST_SKIPPED:])
        query = {"model": self.model, "queue": self.queue.value} | ({"skipped": skipped} if skipped else {})
        return f"{reverse('admin:predictor_prediction_queue')}?{urlencode(query)}"

    def skip(self, id: UUID) -> "Place":
        return Place(model=self.model, queue=self.queue, skipped=(*self.skipped, id))


def show_queue(request: HttpRequest) -> HttpResponse:
    """Show the next prediction without an outcome; record what is typed for it, and go on to the next."""
    if not request.user.has_perms(["predictor.add_outcome", "predictor.view_prediction"]):
        raise PermissionDenied
    models = limit(Version.objects.all(), request.user).list_models()
    place = read_place(request.GET, models)
    if request.method != "POST":
        prediction = find_next(place.queue, place.model, place.skipped)
        form = EntryForm(prediction, has_focus=True) if prediction else None
        return render_queue(request, place, models, prediction, form)
    prediction = get_object_or_404(
        limit(Prediction.objects.select_related("version"), request.user, "version__model"), id=read_id(request.POST)
    )
    form = EntryForm(prediction, request.POST, has_focus=True)
    outcome = form.record(request, place.queue)
    if outcome is None:
        return render_queue(request, place, models, prediction, form, status=422)
    messages.success(request, describe_recorded(prediction, outcome))
    return HttpResponseRedirect(place.address)


def read_place(given: Any, models: list[str]) -> Place:
    """The place that an address names; where it names none, the first model and the queue at random."""
    model = given.get("model", "")
    queue = given.get("queue", "")
    hexadecimal = given.get("skipped", "")[: MOST_SKIPPED * 32]
    return Place(
        model=model if model in models else next(iter(models), ""),
        queue=Queue(queue) if queue in Queue.values else Queue.RANDOM,
        skipped=tuple(read_ids(hexadecimal[start : start + 32] for start in range(0, len(hexadecimal), 32))),
    )


def read_ids(texts: Iterable[str]) -> Iterable[UUID]:
    for text in texts:
        try:
            yield UUID(text)
        except ValueError:
            return


def read_id(given: Any) -> UUID | None:
    return next(iter(read_ids([given.get("prediction", "")])), None)


def render_queue(
    request: HttpRequest,
    place: Place,
    models: list[str],
    prediction: Prediction | None,
    form: EntryForm | None,
    *,
    status: int = 200,
) -> HttpResponse:
    may_see_version = request.user.has_perm("predictor.view_version")
    context = {
        **admin.site.each_context(request),
        "title": gettext("Next without an outcome"),
        "opts": Prediction._meta,
        "words": {
            **WORDS,
            "send": gettext("Record and next"),
            "skip": gettext("Skip"),
            "choose": gettext("Show"),
            "model": gettext("Model"),
            "order": gettext("Order"),
            "none": gettext("No prediction without an outcome was found."),
        },
        "models": models,
        "queues": Queue.choices,
        "place": place,
        "explanation": EXPLANATIONS[place.queue],
        "prediction": prediction,
        "reading": read_prediction(prediction, may_see_version=may_see_version) if prediction else None,
        "form": form,
        "skip_address": place.skip(prediction.pk).address if prediction else "",
    }
    return TemplateResponse(request, "admin/predictor/prediction/queue.html", context, status=status)


def describe_recorded(prediction: Prediction, outcome: Outcome) -> str:
    """What was recorded, and how far off the prediction was, with a link by which a slip is corrected."""
    sentence = gettext("Recorded: {value}. Predicted: {answer}; {judgement}").format(
        value=prediction.version.target.write(outcome.value),
        answer=prediction.written_output,
        judgement=judge_outcome(prediction, outcome.value).sentence,
    )
    address = reverse("admin:predictor_prediction_change", args=[prediction.pk])
    return format_html('{} <a href="{}">{}</a>', sentence, address, gettext("Correct it"))
