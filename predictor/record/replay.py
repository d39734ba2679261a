"""What a version answers to stored predictions, compared with the answers that were given, as stored with it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from predictor.record.input_group import InputGroup
from predictor.schema.values import Label


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """How many answers change from one class to another."""

    old: Label
    new: Label
    rows: int


class Group(InputGroup, frozen=True, kw_only=True):
    """The predictions with similar values of one input, and how their answers change."""

    # How many answers change.
    changed: int
    # Of a regression, the mean of new minus old, and of its absolute value, in the target's own unit.
    mean_change: float | None = None
    mean_size: float | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Stored inputs that the version's schema refuses, all for the same reason."""

    # The feature's name, and the code of what is wrong with it.
    feature: str
    code: str
    # What is wrong as a sentence, without the value that somebody gave.
    problem: str
    rows: int


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """How the answers to the newest predictions of a model change when this version gives them."""

    # How many predictions were asked for, and how many this version answered.
    asked: int
    rows: int
    # When the first and the last of them were made, as ISO 8601 has it.
    since: str
    until: str
    # How many of them each version had answered, by its number.
    versions: dict[str, int]
    # How many answers change: another class, or a number that differs by more than rounding does.
    changed: int
    # Of a regression, how many answers had an interval, and how many of the new ones are outside of it.
    with_interval: int = 0
    outside: int = 0
    # Of a regression, new minus old in the target's own unit: each share of the answers with its quantile.
    quantiles: tuple[tuple[float, float], ...] = ()
    # Of a classification, the most frequent first.
    moves: tuple[Move, ...] = ()
    # Those whose answers change most, first.
    groups: tuple[Group, ...] = ()
    # Stored inputs that the version refuses: how many, and the reasons, the most frequent first.
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()
    # How many it accepts, but has no finite answer for.
    unanswered: int = 0
    # How many predictions had a warning, and how many would have one now.
    warned: int = 0
    warned_now: int = 0
    # The numbers of versions whose predictions were left out, since they predict something else.
    left_out: tuple[int, ...] = ()
    # How many were left out because one of their inputs is sensitive, and not kept.
    hidden: int = 0


def read_replay(stored: Mapping[str, Any]) -> Replay:
    """Read a stored replay."""
    return msgspec.convert(stored, Replay)
