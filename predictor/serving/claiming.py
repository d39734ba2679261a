"""Writes claims into the database, next to the predictions of the same commit, and finds what is stored of them."""

import time
from collections.abc import Collection, Iterable
from uuid import UUID

from predictor.history.references import find_kept
from predictor.models import IdempotencyKey, Reference
from predictor.serving.claims import Claims, Found, Name

REFERENCES, KEYS = Reference._meta.db_table, IdempotencyKey._meta.db_table
INSERT_KEYS = (
    f"INSERT INTO {KEYS} (id, body, answer, ends_at)"  # noqa: S608  # Our own.
    " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::float8[]); "
)
INSERT_REFERENCES = (
    f"INSERT INTO {REFERENCES} (prediction_id, model, reference)"  # noqa: S608  # Our own.
    " SELECT * FROM unnest(%s::uuid[], %s::varchar[], %s::varchar[]); "
)


def find_claims(names: Collection[Name], attempts: Collection[UUID]) -> Found:
    return Found(predictions=find_kept(names) if names else {}, answers=find_answers(attempts) if attempts else {})


def find_answers(attempts: Collection[UUID]) -> dict[UUID, IdempotencyKey]:
    """The answers to former requests by the ids of their keys; those that are over are removed."""
    now = time.time()
    found = IdempotencyKey.objects.in_bulk(list(attempts))
    if over := [id for id, each in found.items() if each.ends_at <= now]:
        IdempotencyKey.objects.filter(id__in=over, ends_at__lte=now).delete()
    return {id: each for id, each in found.items() if each.ends_at > now}


def insert_claims(claims: Claims) -> None:
    """Insert them by Django, within a transaction. Raises IntegrityError where another request has one."""
    IdempotencyKey.objects.bulk_create(
        IdempotencyKey(id=each.id, body=each.body, answer=each.answer, ends_at=each.ends_at) for each in claims.attempts
    )
    Reference.objects.bulk_create(
        Reference(prediction_id=id, model=model, reference=reference) for (model, reference), id in claims.references
    )


def write_claims(claims: Claims) -> tuple[str, list[str]]:
    """PostgreSQL's statements that insert claims, and their parameters.

    Sent with the INSERT of predictions that follows them, they are one transaction. They go before it, so that where
    another request has a claim, no prediction was written that would have to be removed.
    """
    sql, parameters = "", []
    if claims.attempts:
        sql += INSERT_KEYS
        parameters += [
            write_texts(str(each.id) for each in claims.attempts),
            write_texts(str(each.body) for each in claims.attempts),
            write_texts(each.answer for each in claims.attempts),
            write_texts(str(each.ends_at) for each in claims.attempts),
        ]
    if claims.references:
        sql += INSERT_REFERENCES
        parameters += [
            write_texts(str(id) for _, id in claims.references),
            write_texts(model for (model, _), _ in claims.references),
            write_texts(reference for (_, reference), _ in claims.references),
        ]
    return sql, parameters


def write_texts(texts: Iterable[str]) -> str:
    """An array of PostgreSQL's; a text may contain any character but NUL."""
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"
