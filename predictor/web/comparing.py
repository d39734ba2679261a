"""The page on which two versions of a model are side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from predictor.formats import MISSING, format_number
from predictor.languages import gettext as _
from predictor.metrics.names import LABELS, name_metric
from predictor.models import Replay, Version
from predictor.moments import write_moment
from predictor.record.estimator import name_estimator
from predictor.record.provenance import count_outcomes
from predictor.record.written_replay import write_replay
from predictor.schema.differences import find_differences
from predictor.serving.service import service
from predictor.web.pages import render_page

MOST_IMPORTANCES = 20
MOST_OFFERED = 200


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One thing of both versions."""

    label: str
    old: str
    new: str

    @property
    def differs(self) -> bool:
        return self.old != self.new


@dataclass(frozen=True, kw_only=True)
class PairedScore:
    """A metric of both versions, each with its interval and its baseline."""

    label: str
    old: str
    old_interval: str
    old_baseline: str
    new: str
    new_interval: str
    new_baseline: str


@require_safe
def show_comparison(request: HttpRequest, slug: str) -> HttpResponse:
    """Show two versions side by side: by default the live one and the newest other one."""
    numbers = list(Version.objects.filter(model=slug).order_by("-number").values_list("number", flat=True))
    if not numbers:
        raise Http404(f"There is no model {slug!r}.")
    live = Version.objects.only("number").find_live(slug)
    typed_old, typed_new = (request.GET.get(name) for name in ("old", "new"))
    old = _find(slug, typed_old, _choose(live, numbers, typed_new))
    new = _find(slug, typed_new, next((number for number in numbers if number != old.number), old.number))
    context = {
        "models": service.list_live(),
        "slug": slug,
        "numbers": _offer(numbers, old, new),
        "live_number": live and live.number,
        "old": old,
        "new": new,
        **(_describe(old, new) if old.id != new.id else {}),
    }
    return render_page(request, "predictor/compare.html", context)


def _choose(live: Version | None, numbers: list[int], other: str | None) -> int:
    """The live version, or the newest, unless that is the other one of the two."""
    preferred = [live.number, *numbers] if live else numbers
    return next((number for number in preferred if str(number) != other), preferred[0])


def _find(slug: str, typed: str | None, default: int) -> Version:
    number = default if typed is None else int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 0
    version = Version.objects.filter(model=slug, number=number).first()
    if version is None:
        raise Http404(f"There is no version {typed!r} of {slug}.")
    return version


def _offer(numbers: list[int], *chosen: Version) -> list[int]:
    """The newest numbers, with those that were chosen."""
    return sorted({*numbers[:MOST_OFFERED], *(version.number for version in chosen)}, reverse=True)


def _describe(old: Version, new: Version) -> dict[str, Any]:
    replayed = Replay.objects.filter(version=new).first()
    return {
        "title": new.title,
        "verdicts": [(version, version.verdict) for version in (old, new)],
        "scores": list(_pair_scores(old, new)),
        "decisions": [(version, version.comparison) for version in (new, old)],
        "compared": _find_compared(old, new),
        "importances": _pair_importances(old, new),
        "facts": _pair_facts(old, new),
        "differences": find_differences(old.parsed_schema, new.parsed_schema),
        "replay": replayed,
        "written_replay": replayed and write_replay(replayed.parsed_result, new.parsed_schema),
    }


def _find_compared(old: Version, new: Version) -> Version | None:
    """The one of two that was decided on against the other, on the same rows; None where neither was."""
    for challenger, champion in ((new, old), (old, new)):
        if challenger.parsed_decision.champion == champion.number and challenger.parsed_decision.rows:
            return challenger
    return None


def _pair_scores(old: Version, new: Version) -> Iterator[PairedScore]:
    before, after = ({each.label: each for each in version.written_scores} for version in (old, new))
    for label in (name for name in map(name_metric, LABELS) if name in before or name in after):
        a, b = before.get(label), after.get(label)
        yield PairedScore(
            label=label,
            old=a.score if a else MISSING,
            old_interval=a.interval if a else MISSING,
            old_baseline=a.baseline if a else MISSING,
            new=b.score if b else MISSING,
            new_interval=b.interval if b else MISSING,
            new_baseline=b.baseline if b else MISSING,
        )


def _pair_importances(old: Version, new: Version) -> list[Pair]:
    """The inputs that are most important for the newer version, then the others; by their labels there."""
    before, after = (
        {label: str(version.importance_scale.write_spread(mean, sd)) for label, mean, sd in version.importances}
        for version in (old, new)
    )
    labels = list(dict.fromkeys([*after, *before]))[:MOST_IMPORTANCES]
    return [Pair(label=label, old=before.get(label, MISSING), new=after.get(label, MISSING)) for label in labels]


def _pair_facts(old: Version, new: Version) -> list[Pair]:
    before, after = _list_facts(old), _list_facts(new)
    return [Pair(label=label, old=before[label], new=text) for label, text in after.items()]


def _list_facts(version: Version) -> dict[str, str]:
    data, (words, name) = version.parsed_data, name_estimator(version.estimator)
    rows = data.training_rows
    held_out = getattr(data, "held_out_rows", None)
    return {
        _("Made on (UTC)"): write_moment(version.created_at, short=True),
        _("Model"): f"{words} ({name})" if words else name,
        _("Data file"): data.file,
        _("SHA-256 of the data"): data.sha256[:12],
        _("Rows trained on"): _("unknown") if rows is None else format_number(rows),
        _("Rows held out"): _("unknown") if held_out is None else format_number(held_out),
        _("Outcomes among them"): format_number(count_outcomes(data)),
    }
