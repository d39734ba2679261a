"""The versions of a model in the order of their numbers, each with what became of it, when and why."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from predictor.models import Promotion, Retirement, Version
from predictor.web.history_plots import Period

State = Literal["live", "retired", "rolled back", "replaced", "kept back"]
MOST_VERSIONS, MOST_EVENTS = 50, 500


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a version: it went live, or `number` took its place; `reason` may be known already."""

    kind: Literal["went live", "rolled back", "replaced"]
    moment: datetime
    number: int | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A version, what it is now, and what happened to it, the newest first."""

    version: Version
    state: State
    events: list[Event]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The newest versions, newest first, `more` that are not shown, and each retirement and return."""

    entries: list[Entry]
    more: int
    retirements: list[Retirement]


def list_timeline(model: str, live: Version, retirement: Retirement | None) -> Timeline:
    """The timeline of a model, whose live version is `live`."""
    versions = Version.objects.filter(model=model).only("model", "number", "created_at", "decision", "metrics")
    found = list(versions.order_by("-number")[: MOST_VERSIONS + 1])
    shown = found[:MOST_VERSIONS]
    events = list_events(model)
    return Timeline(
        entries=[
            Entry(
                version=each,
                events=_drop_known_reasons(each, events[each.id]),
                state=_find_state(events[each.id], is_live=each.id == live.id, is_retired=retirement is not None),
            )
            for each in shown
        ],
        more=versions.count() - len(shown) if len(found) > MOST_VERSIONS else 0,
        retirements=list(Retirement.objects.filter(model=model)[:MOST_EVENTS]),
    )


def list_events(model: str) -> dict[int, list[Event]]:
    """What the log of promotions says of each version, by its id, the newest first."""
    log = Promotion.objects.filter(version__model=model).select_related("version", "previous").order_by("-id")
    log = log.only("promoted_at", "reason", "restores_id", "version__number", "previous__number")
    events: dict[int, list[Event]] = defaultdict(list)
    for promotion in log[:MOST_EVENTS]:
        for version_id, event in _read_promotion(promotion):
            events[version_id].append(event)
    return events


def _read_promotion(promotion: Promotion) -> Iterable[tuple[int, Event]]:
    version, previous = promotion.version, promotion.previous
    common = {"moment": promotion.promoted_at, "reason": promotion.reason}
    yield version.id, Event(kind="went live", **common)  # type: ignore[arg-type]  # By name.
    if previous is not None and previous.id != version.id:
        is_back = promotion.restores_id is not None or version.number < previous.number
        kind = "rolled back" if is_back else "replaced"
        yield previous.id, Event(kind=kind, number=version.number, **common)  # type: ignore[arg-type]  # By name.


def _find_state(events: Sequence[Event], *, is_live: bool, is_retired: bool) -> State:
    if is_live:
        return "retired" if is_retired else "live"
    ended = next((each.kind for each in events if each.kind != "went live"), None)
    return "kept back" if ended is None or ended == "went live" else ended


def _drop_known_reasons(version: Version, events: Iterable[Event]) -> list[Event]:
    """Without the reasons that the page gives elsewhere: the decision's, and that of the version that replaced it."""
    known = version.parsed_decision.reason
    return [
        Event(
            kind=each.kind,
            moment=each.moment,
            number=each.number,
            reason="" if each.kind == "replaced" or each.reason == known else each.reason,
        )
        for each in events
    ]


def list_periods(model: str) -> list[Period]:
    """When each version of a model was live, and when the model was retired, the first period first."""
    log = Promotion.objects.filter(version__model=model).order_by("-id").values_list("promoted_at", "version__number")
    events = Retirement.objects.filter(model=model).order_by("-id").values_list("recorded_at", "is_retired")
    # When, the number that went live then, and whether the model was retired then.
    changes: list[tuple[datetime, int | None, bool]] = [(at, number, False) for at, number in log[:MOST_EVENTS]]
    changes += [(at, None, is_retired) for at, is_retired in events[:MOST_EVENTS]]
    changes.reverse()
    periods: list[Period] = []
    live: int | None = None
    for at, number, is_retired in sorted(changes, key=lambda change: change[0]):
        live = number or live
        if periods:
            periods[-1] = replace(periods[-1], end=at)
        if live or is_retired:
            periods.append(Period(number=None if is_retired else live, start=at, end=None))
    return periods
