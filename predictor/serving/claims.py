"""What is stored with predictions in their commit, and of which each is unique: references, and idempotency keys.

So of several requests with the same one, in whichever process, one is stored, and the others get its answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from predictor.models import IdempotencyKey, Prediction, Version

# A model, and a reference of one of its predictions.
Name = tuple[str, str]


@dataclass(kw_only=True, eq=False)
class Attempt:
    """A request with an idempotency key: `id` is that of the key, and `body` the hash of what was sent.

    `write` makes the answer of predictions; `answer` is that of the request once it has finished.
    """

    id: UUID
    body: UUID
    ends_at: float
    write: Callable[[Version, list[Prediction]], str]
    answer: str = ""


@dataclass(frozen=True, kw_only=True)
class Claims:
    """Each name with the id of its prediction, and attempts with their answers.

    Both are in an order, so that batches of several processes never wait for each other.
    """

    references: Sequence[tuple[Name, UUID]] = ()
    attempts: Sequence[Attempt] = ()

    def __bool__(self) -> bool:
        return bool(self.references or self.attempts)


NO_CLAIMS = Claims()


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is stored of claims: predictions by their names, with their versions, and the answers to former attempts."""

    predictions: Mapping[Name, Prediction] = field(default_factory=dict)
    answers: Mapping[UUID, IdempotencyKey] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.predictions or self.answers)
