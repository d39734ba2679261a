"""The filters that no index knows, as conditions that PostgreSQL checks row by row: those of `matching`."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from predictor.history.filters import Filters, InputFilter
from predictor.history.matching import find_number, list_values
from predictor.schema.limits import INSTANT, count_instant
from predictor.schema.target import Target

# Which change case as Python does, the best first; without any, the database's own.
COLLATIONS = ("pg_unicode_fast", "und-x-icu", "pg_c_utf8")
INPUT = "predictor_prediction.inputs -> %s"
TEXT = f"({INPUT}) #>> '{{}}'"
OUTPUT, INTERVAL = "predictor_prediction.output", "predictor_prediction.interval"
IS_NUMBER = f"jsonb_typeof({OUTPUT}) = 'number'"
CURRENT_OUTCOME = (
    "EXISTS (SELECT 1 FROM predictor_outcome o WHERE o.prediction_id = predictor_prediction.id"
    " AND NOT EXISTS (SELECT 1 FROM predictor_outcome r WHERE r.replaces_id = o.id) AND {})"
)
# The seconds since 1970 of a text that fits INSTANT. Its day is counted from the first of the month, so that not even
# a row that was changed by hand has a day that PostgreSQL refuses.
SECONDS = (
    f"extract(epoch FROM (left({TEXT}, 8) || '01')::timestamp + make_interval(days => substr({TEXT}, 9, 2)::int - 1)"
    f" + substring({TEXT} FROM 'T([0-9:.]+)')::interval - substring({TEXT} FROM 'T[0-9:.]+(.*)')::interval)"
)
ANY_INPUT = (
    "EXISTS (SELECT 1 FROM jsonb_each(predictor_prediction.inputs) each (name, value)"
    " WHERE each.value = ANY(%s::jsonb[]))"
)

Written = tuple[str, list[Any]]


def write_conditions(filters: Filters, targets: Mapping[int, Target]) -> list[RawSQL]:
    """Conditions on a query of `predictor_prediction`; `targets` are those of the versions, by their ids."""
    written = [*_judge(filters, targets), *_bound_output(filters, targets), *map(_ask_input, filters.inputs)]
    if filters.value:
        values = write_values(filters.value)
        written.append((f"({OUTPUT} = ANY(%s::jsonb[]) OR {ANY_INPUT})", [values, values]))
    return [RawSQL(sql, parameters, output_field=BooleanField()) for sql, parameters in written]  # noqa: S611  # Our own.


def _judge(filters: Filters, targets: Mapping[int, Target]) -> Iterator[Written]:
    if filters.right is not None:
        classes = [id for id, target in targets.items() if target.task != "regression"]
        sign = "=" if filters.right else "<>"
        judged = CURRENT_OUTCOME.format(f"o.value {sign} {OUTPUT} AND {OUTPUT} <> 'null'")
        yield f"(predictor_prediction.version_id = ANY(%s) AND {judged})", [classes]
    if filters.error_above is not None:
        error = f"abs(o.value::float8 - {OUTPUT}::float8) > %s"
        judged = CURRENT_OUTCOME.format(f"CASE WHEN jsonb_typeof(o.value) = 'number' AND {IS_NUMBER} THEN {error} END")
        yield _each_scale(judged, [filters.error_above], targets)
    if filters.inside is not None:
        within = f"o.value::float8 BETWEEN ({INTERVAL} -> 0)::float8 AND ({INTERVAL} -> 1)::float8"
        known = f"jsonb_typeof(o.value) = 'number' AND jsonb_typeof({INTERVAL}) = 'array'"
        yield CURRENT_OUTCOME.format(f"CASE WHEN {known} THEN ({within}) = %s END"), [filters.inside]


def _bound_output(filters: Filters, targets: Mapping[int, Target]) -> Iterator[Written]:
    for sign, limit in ((">=", filters.output_from), ("<=", filters.output_to)):
        if limit is not None:
            yield _each_scale(f"CASE WHEN {IS_NUMBER} THEN {OUTPUT}::float8 {sign} %s END", [limit], targets)


def _each_scale(condition: str, limits: Sequence[float], targets: Mapping[int, Target]) -> Written:
    """A condition on numbers in the unit that people see, which versions may show in different ones."""
    versions: dict[float, list[int]] = defaultdict(list)
    shown_by: dict[float, Target] = {}
    for id, target in targets.items():
        if target.task == "regression":
            versions[target.output.scale].append(id)
            shown_by[target.output.scale] = target
    parts = [f"(predictor_prediction.version_id = ANY(%s) AND {condition})" for _ in versions]
    parameters: list[Any] = []
    for scale, ids in versions.items():
        parameters += [ids, *(shown_by[scale].from_shown(limit) for limit in limits)]
    return f"({' OR '.join(parts) or 'FALSE'})", parameters


def _ask_input(asked: InputFilter) -> Written:
    name, limit = asked.feature, find_number(asked.value)
    if asked.test == "is":
        return _ask_value(asked)
    if asked.test == "words":
        words = asked.value.lower().split()
        has_word = f"strpos(lower({TEXT}{_find_collation()}), %s) > 0"
        sql = " AND ".join([f"jsonb_typeof({INPUT}) = 'string'", *[has_word for _ in words]])
        return sql, [name, *(each for word in words for each in (name, word))]
    sign = ">=" if asked.test == "from" else "<="
    if limit is not None:
        sql = f"CASE WHEN jsonb_typeof({INPUT}) = 'number' THEN ({INPUT})::float8 {sign} %s END"
        return sql, [name, name, limit]
    instant = count_instant(asked.value)
    if instant is not None:
        sql = f"CASE WHEN {TEXT} ~ %s THEN {SECONDS} {sign} %s END"
        return sql, [name, f"^(?:{INSTANT.pattern})$", *[name] * SECONDS.count("%s"), instant]
    # By code points, as Python compares.
    start = TEXT if asked.test == "from" else f"left({TEXT}, {len(asked.value)})"
    sql = f"CASE WHEN jsonb_typeof({INPUT}) = 'string' THEN {start} COLLATE \"C\" {sign} %s END"
    return sql, [name, name, asked.value]


def _ask_value(asked: InputFilter) -> Written:
    """That an input is a value, or a choice for which the prediction's version has this value as words."""
    sql = f"({INPUT}) = ANY(%s::jsonb[])"
    parameters: list[Any] = [asked.feature, write_values(asked.value)]
    for code, versions in asked.choices.items():
        sql += f" OR (predictor_prediction.version_id = ANY(%s) AND ({INPUT}) = %s::jsonb)"
        parameters += [list(versions), asked.feature, json.dumps(code)]
    return f"({sql})", parameters


def write_values(text: str) -> list[str]:
    """The JSON of each value that a text is."""
    return [json.dumps(value) for value in list_values(text)]


@cache
def _find_collation() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT collname FROM pg_collation WHERE collname = ANY(%s)", [list(COLLATIONS)])
        known = {name for (name,) in cursor.fetchall()}
    return next((f' COLLATE "{name}"' for name in COLLATIONS if name in known), "")
