"""Composes what a model's newest predictions say about it: observed quality, estimated quality, and drift."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from django.db import transaction

from predictor.exceptions import MlsiteError
from predictor.models import Kept, Monitoring, Version
from predictor.monitoring.drift import drift
from predictor.monitoring.estimation import estimate
from predictor.monitoring.quality import find_start, measure_quality
from predictor.monitoring.reading import Archives, list_no_archives, list_versions, read_window
from predictor.monitoring.window import Window
from predictor.record.drift import Drift, DriftUnknown
from predictor.record.estimate import Estimate
from predictor.record.loss_model import LOSS_MODEL, read_loss_model
from predictor.record.monitoring import Monitoring as Result
from predictor.record.quality import Quality, State
from predictor.record.reference import REFERENCE, read_reference

# Rows that are kept of each model, without those at which the state changed.
KEPT = 30


class NothingToMonitor(MlsiteError):
    """A model without a live version."""


def watch(model: str, length: timedelta, now: datetime, archives: Archives = list_no_archives) -> Result:
    """What the predictions of the last `length` say about a model's live version; stores nothing.

    Those that are only archived are read from `archives`.

    Raises NothingToMonitor.
    """
    live = Version.objects.find_live(model)
    if live is None:
        raise NothingToMonitor(f"there is no live version of {model!r}: train one with `manage.py retrain {model}`")
    since = now - length
    former = find_former(live)
    quality = watch_quality(live, since, now, former, archives)
    window = read_window(live, since, now, archives=archives)
    estimated = estimate_quality(live, window, former)
    states: dict[str, State] = {"quality": quality.judged.state, "estimate": estimated.state}
    state, decided_by = decide(states, is_new=quality.judged.is_window)
    return Result(
        version=live.number,
        since=since.isoformat(timespec="seconds"),
        until=now.isoformat(timespec="seconds"),
        predictions=window.total,
        read=len(window),
        state=state,
        decided_by=decided_by,
        quality=quality,
        estimate=estimated,
        drift=measure_drift(live, window),
    )


def find_former(live: Version) -> Result | None:
    """What was found the last time; None where that was of another version."""
    former = Monitoring.objects.find_newest(live.model)
    result = former.parsed_result if former else None
    return result if result and result.version == live.number else None


def watch_quality(live: Version, since: datetime, now: datetime, former: Result | None, archives: Archives) -> Quality:
    is_alarmed = bool(former and former.quality and former.quality.judged.state == "alarm")
    with_outcome = read_window(live, find_start(since, now), now, is_judged=True, archives=archives)
    return measure_quality(live, list_versions(live), with_outcome, since, is_alarmed=is_alarmed)


def estimate_quality(live: Version, window: Window, former: Result | None) -> Estimate:
    """What the predictions of the live version alone are expected to be worth."""
    content = Kept.objects.find_content(live.id, LOSS_MODEL)
    own = window.choose((window.versions == live.number) & window.fits)
    is_alarmed = bool(former and former.estimate and former.estimate.state == "alarm")
    return estimate(read_loss_model(content) if content else None, own, is_alarmed=is_alarmed)


def measure_drift(live: Version, window: Window) -> Drift | DriftUnknown:
    """How far the window is from what the live version keeps of its training data; earlier builds kept nothing."""
    content = Kept.objects.find_content(live.id, REFERENCE)
    return drift(read_reference(content) if content else None, window, version=live.number)


def decide(states: Mapping[str, State], *, is_new: bool) -> tuple[State, tuple[str, ...]]:
    """The state of a model, and by which of `states`, observed "quality" and "estimate", it was decided.

    What outcomes of the window itself say, `is_new`, holds alone. Otherwise both count: either can raise an alarm, and
    either can say that all is well where the other cannot say.
    """
    quality = states.get("quality", "cannot say")
    if is_new and quality != "cannot say":
        return quality, ("quality",)
    order: tuple[State, ...] = ("alarm", "well", "cannot say")
    found = next(each for each in order if each in states.values())
    return found, tuple(name for name, state in states.items() if state == found and found != "cannot say")


def store(model: str, result: Result) -> Monitoring:
    """Add a row with the result, whose `is_change` says whether the state is another one than before."""
    with transaction.atomic(durable=True):
        return add(model, result)


def add(model: str, result: Result) -> Monitoring:
    """The same within a transaction of the caller."""
    former = Monitoring.objects.find_newest(model)
    stored = Monitoring.objects.create(
        model=model,
        state=result.state,
        former_state=former.state if former else "",
        result=msgspec.to_builtins(result),
    )
    drop_old(model)
    return stored


def drop_old(model: str) -> None:
    """Keep the newest rows of a model, and those at which its state changed, or was announced."""
    rows = Monitoring.objects.filter(model=model)
    kept = list(rows.order_by("-id").values_list("id", flat=True)[:KEPT])
    changes = Monitoring.objects.changes(model).values_list("id", flat=True)
    rows.filter(announced_at=None).exclude(id__in=kept).exclude(id__in=list(changes)).delete()
