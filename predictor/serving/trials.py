"""Answers inputs as a trial: nothing of it is stored, and it has no id.

A trial never meets the batcher, whose every row is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from predictor.models import Version
from predictor.models.answered import Answered
from predictor.schema.schema import Row
from predictor.serving.answer import Answer, describe_answer
from predictor.serving.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class Trial(Answered):
    """What a version would answer."""

    version: Version
    inputs: Mapping[str, Any]
    output: Any
    interval: Sequence[float] | None
    probabilities: Mapping[str, float] | None
    warnings: Sequence[str]
    warning_codes: Sequence[Any] | None
    hashed_inputs: None = None


def try_rows(runtime: Runtime, rows: Sequence[Row]) -> list[Trial]:
    """Answer parsed rows in the caller's thread. Raises NoAnswer."""
    answers, _ = runtime.answer(rows)
    return [_make_trial(runtime, *each) for each in zip(rows, answers, strict=True)]


def _make_trial(runtime: Runtime, row: Row, answer: Answer) -> Trial:
    described = describe_answer(runtime.schema, row, answer)
    # Its inputs are nowhere but on the page from which they came, or with the client that sent them.
    return Trial(version=runtime.version, **described | {"inputs": row.values, "hashed_inputs": None})
