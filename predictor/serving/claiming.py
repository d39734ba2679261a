"""Writes claims into the database, next to the predictions of the same commit, and finds what is stored of them."""

import time
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from django.db import IntegrityError, connection

from predictor.history.references import find_kept
from predictor.models import IdempotencyKey, Reference
from predictor.serving.claims import Claims, Found, Name

REFERENCES, KEYS = Reference._meta.db_table, IdempotencyKey._meta.db_table
UNLESS_TAKEN = "WHERE NOT EXISTS (SELECT FROM taken)"
INSERT_KEYS = (
    f"keys AS (INSERT INTO {KEYS} (id, body, answer, ends_at)"  # noqa: S608  # Our own.
    f" SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::float8[]) {UNLESS_TAKEN})"
)
INSERT_REFERENCES = (
    f"names AS (INSERT INTO {REFERENCES} (prediction_id, model, reference)"  # noqa: S608  # Our own.
    f" SELECT * FROM unnest(%s::uuid[], %s::varchar[], %s::varchar[]) {UNLESS_TAKEN})"
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


def insert_with_claims(insert: str, parameters: Sequence[str], claims: Claims, conflict: str) -> None:
    """Run PostgreSQL's INSERT of predictions and insert their claims in one statement; or nothing of it.

    What is taken already is found by the same statement, so that such a request is no error in the database's log.
    Raises IntegrityError for it, and where another request claims the same at this moment.
    """
    found, names = find_taken(claims)
    parts = [f"taken AS MATERIALIZED ({' UNION ALL '.join(found)})"]
    if claims.attempts:
        parts.append(INSERT_KEYS)
        names += [
            write_texts(str(each.id) for each in claims.attempts),
            write_texts(str(each.body) for each in claims.attempts),
            write_texts(each.answer for each in claims.attempts),
            write_texts(str(each.ends_at) for each in claims.attempts),
        ]
    if claims.references:
        parts.append(INSERT_REFERENCES)
        names += [
            write_texts(str(id) for _, id in claims.references),
            write_texts(model for (model, _), _ in claims.references),
            write_texts(reference for (_, reference), _ in claims.references),
        ]
    parts.append(f"made AS ({insert} {UNLESS_TAKEN}{conflict})")
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} SELECT EXISTS (SELECT FROM taken)", [*names, *parameters])  # noqa: S608  # Our own.
        [is_taken] = cursor.fetchone()
    if is_taken:
        raise IntegrityError("another request has claimed the same")


def find_taken(claims: Claims) -> tuple[list[str], list[str]]:
    """Queries that find which of the claims are stored, and their parameters."""
    queries, parameters = [], []
    if claims.attempts:
        queries.append(f"SELECT FROM {KEYS} WHERE id = ANY(%s::uuid[])")  # Our own.
        parameters.append(write_texts(str(each.id) for each in claims.attempts))
    for model in sorted({model for (model, _), _ in claims.references}):
        queries.append(f"SELECT FROM {REFERENCES} WHERE model = %s AND reference = ANY(%s::varchar[])")
        parameters += [model, write_texts(name for (each, name), _ in claims.references if each == model)]
    return queries, parameters


def write_texts(texts: Iterable[str]) -> str:
    """An array of PostgreSQL's; a text may contain any character but NUL."""
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"
