"""Composes what a model's newest predictions say about it: observed quality, estimated quality, and drift."""

from datetime import datetime, timedelta

import msgspec
from django.db import transaction

from predictor.exceptions import MlsiteError
from predictor.models import Kept, Monitoring, Version
from predictor.monitoring.drift import drift
from predictor.monitoring.estimation import estimate
from predictor.monitoring.reading import read_window
from predictor.monitoring.window import Window
from predictor.record.drift import Drift, DriftUnknown
from predictor.record.estimate import Estimate
from predictor.record.loss_model import LOSS_MODEL, read_loss_model
from predictor.record.monitoring import Monitoring as Result
from predictor.record.reference import REFERENCE, read_reference

# Rows that are kept of each model, without those at which the state changed.
KEPT = 30


class NothingToMonitor(MlsiteError):
    """A model without a live version."""


def watch(model: str, length: timedelta, now: datetime) -> Result:
    """What the predictions of the last `length` say about a model's live version; stores nothing.

    Raises NothingToMonitor.
    """
    live = Version.objects.find_live(model)
    if live is None:
        raise NothingToMonitor(f"there is no live version of {model!r}")
    window = read_window(live, now - length, now)
    return compose(live, window)


def compose(live: Version, window: Window) -> Result:
    """The state of a live version; what there is to say of estimate and drift joins here."""
    return Result(
        version=live.number,
        since=window.since.isoformat(timespec="seconds"),
        until=window.until.isoformat(timespec="seconds"),
        predictions=window.total,
        read=len(window),
        estimate=estimate_quality(live, window),
        drift=measure_drift(live, window),
    )


def estimate_quality(live: Version, window: Window) -> Estimate:
    """What the predictions of the live version alone are expected to be worth."""
    content = Kept.objects.find_content(live.id, LOSS_MODEL)
    own = window.choose((window.versions == live.number) & window.fits)
    former = Monitoring.objects.find_newest(live.model)
    result = former.parsed_result if former else None
    is_alarmed = bool(result and result.version == live.number and result.estimate and result.estimate.state == "alarm")
    return estimate(read_loss_model(content) if content else None, own, is_alarmed=is_alarmed)


def measure_drift(live: Version, window: Window) -> Drift | DriftUnknown:
    """How far the window is from what the live version keeps of its training data; earlier builds kept nothing."""
    content = Kept.objects.find_content(live.id, REFERENCE)
    return drift(read_reference(content) if content else None, window, version=live.number)


def store(model: str, result: Result) -> Monitoring:
    """Add a row with the result, whose `is_change` says whether the state is another one than before."""
    with transaction.atomic(durable=True):
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
    """Keep the newest rows of a model, and those at which its state changed."""
    rows = Monitoring.objects.filter(model=model)
    kept = list(rows.order_by("-id").values_list("id", flat=True)[:KEPT])
    changes = Monitoring.objects.changes(model).values_list("id", flat=True)
    rows.exclude(id__in=kept).exclude(id__in=list(changes)).delete()
