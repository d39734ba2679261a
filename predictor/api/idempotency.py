"""Requests with an Idempotency-Key: sent again within a day, they get the stored answer, and nothing is stored twice.

As the IETF's draft says (draft-ietf-httpapi-idempotency-key-header), except that another body under the same key is a
409, and that of two requests at the same time the second one waits for the answer of the first: the key is stored with
the predictions, in one commit, so that no process which dies can leave it behind.
"""

import hashlib
import time
from collections.abc import Collection
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from predictor.access.callers import Caller
from predictor.api.bodies import Refused, write_body, write_predictions
from predictor.exceptions import KeyReused
from predictor.history.stored_answers import KEPT
from predictor.languages import ENGLISH, use_language
from predictor.models import IdempotencyKey, Prediction, Version
from predictor.serving.claiming import find_answers
from predictor.serving.claims import Attempt
from predictor.serving.lookup import Lookup

MOST_CHARACTERS = 255
# Of expired keys, removed when a key is looked up.
MOST_REMOVED = 100
SALT = "mlsite.idempotency"


def read_attempt(request: HttpRequest, caller: Caller, sent: bytes) -> Attempt | None:
    """The attempt that a request is, None without a key; `sent` is its body. Raises Refused for a key that is none."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not (0 < len(key) <= MOST_CHARACTERS and key.isascii() and key.isprintable()):
        problem = f"Idempotency-Key must have 1 to {MOST_CHARACTERS} printable ASCII characters."
        raise Refused(400, "invalid_idempotency_key", problem)
    owner = f"key {caller.key.id}" if caller.key else f"user {caller.user.pk}" if caller.user else ""
    return Attempt(
        id=make_hash(f"{owner}\0{request.path_info}\0{key}".encode()),
        body=make_hash(sent),
        ends_at=time.time() + KEPT.total_seconds(),
        write=write_answer,
    )


def write_answer(version: Version, predictions: list[Prediction]) -> str:
    with use_language(ENGLISH):  # Another thread writes it.
        return write_predictions(version, predictions).content.decode()


def make_hash(content: bytes) -> UUID:
    """128 bits of a keyed hash: what is stored of a body must not tell sensitive inputs."""
    digest = salted_hmac(SALT, hashlib.sha256(content).digest(), algorithm="sha256").digest()
    return UUID(bytes=digest[:16])


def find_answer(attempt: Attempt) -> HttpResponse | None:
    """The answer that the request got before, None without one. Raises KeyReused where its body was another one."""
    before = lookup.find(attempt.id)
    if before is None:
        return None
    if before.body != attempt.body:
        raise KeyReused
    return write_body(before.answer.encode())


def find_and_remove(ids: Collection[UUID]) -> dict[UUID, IdempotencyKey]:
    IdempotencyKey.objects.remove_finished(time.time(), MOST_REMOVED)
    return find_answers(ids)


lookup = Lookup(find_and_remove)
