"""Tables as MLflow's scoring protocol sends them, in four forms of JSON, as CSV or as Parquet, read as rows of inputs.

A row without names has the schema's order. Columns that the schema does not know are left out where it knows all of its
own among them, as MLflow does: an index, say. Otherwise one of them may be misspelt, and all are named.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from predictor.api.bodies import MOST_BYTES, MOST_ROWS, UNREADABLE, Inputs, Refused
from predictor.api.large import MOST_PARTS, ROWS_A_TURN, check_envelope, count_other_keys, decode_row, let_others_run
from predictor.api.parquet import convert_parquet
from predictor.api.repeated_keys import refuse_repeated
from predictor.api.unreadable import explain
from predictor.schema.schema import Schema
from predictor.tables.missing import MISSING
from predictor.texts import list_names, quote

MOST_COLUMNS = 20_000
# Whether one of them is there twice takes long to say.
MOST_OTHER_KEYS = 1_000
TEXT_OR_NAN = re.compile(rb'"(?:[^"\\]|\\.)*+"|NaN')
FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
EXAMPLE = f"a JSON object with exactly one of {', '.join(FORMS)}"
Raw = msgspec.Raw
Rows = Sequence[Sequence[Any]]


class Envelope(msgspec.Struct):
    """A body with its table still encoded. Other keys, such as `params`, are ignored, as by MLflow for such models."""

    dataframe_split: Raw = Raw()
    dataframe_records: Raw = Raw()
    instances: Raw = Raw()
    inputs: Raw = Raw()


class Split(msgspec.Struct, forbid_unknown_fields=True):
    """What pandas writes as `to_dict(orient="split")`."""

    data: Raw
    columns: Raw = Raw()
    index: Raw = Raw()


def read_json(sent: bytes, schema: Schema) -> Inputs:
    """Read one of the four forms; raise Refused with what is wrong."""
    try:
        if sent.count(b"{") + sent.count(b"[") > MOST_PARTS:
            raise msgspec.ValidationError(f"it has more than {MOST_PARTS:,} objects and lists")
        try:
            return _read_forms(sent, schema)
        except msgspec.DecodeError:
            if b"NaN" not in sent:
                raise
            return _read_forms(replace_nan(sent), schema)
    except UNREADABLE as error:
        why = explain(replace_nan(sent), error)
        raise malformed(f"The body cannot be read ({why}): send {EXAMPLE}.") from error


def replace_nan(sent: bytes) -> bytes:
    """Write null for NaN outside of texts, as Python's json writes a missing value of pandas."""
    return TEXT_OR_NAN.sub(lambda found: b"null" if found[0] == b"NaN" else found[0], sent)


def _read_forms(sent: bytes, schema: Schema) -> Inputs:
    if sent.lstrip()[:1] == b"[":
        # Not a form any more, but MLflow's documentation still shows it.
        return read_records(msgspec.Raw(sent), schema)
    body = msgspec.json.decode(sent, type=Envelope)
    given = list_parts(body)
    if count_other_keys(sent, given) > MOST_OTHER_KEYS:
        raise malformed(f"The body has too many other keys: send {EXAMPLE}.")
    if count_other_keys(sent, given):
        refuse_repeated(sent)
    if len(given) != 1:
        raise malformed(f"The body must be {EXAMPLE}, and has {list_names(list(given)) or 'none'}.")
    [(name, raw)] = given.items()
    return READERS[name](raw, schema)


def list_parts(body: msgspec.Struct) -> dict[str, Raw]:
    """The parts of a body that were sent, still encoded."""
    return {name: raw for name in body.__struct_fields__ if len(memoryview(raw := getattr(body, name)))}


def read_split(raw: Raw, schema: Schema) -> Inputs:
    split = msgspec.json.decode(raw, type=Split)
    check_envelope(bytes(raw), list_parts(split))
    data = msgspec.json.decode(split.data, type=list[Raw])
    check_rows(len(data))
    rows = _decode_all(data)
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise malformed(f"Row {number} of data must be a list of values.")
    names = msgspec.json.decode(bytes(split.columns) or b"null", type=list[str | int] | None)
    is_numbered = names is None or names == list(range(len(names)))
    return name_columns(schema, None if is_numbered else [str(name) for name in names or ()], rows)


def read_records(raw: Raw, schema: Schema) -> Inputs:
    records = msgspec.json.decode(raw, type=list[Raw])
    check_rows(len(records))
    rows = _decode_all(records)
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise malformed(f"Row {number} must be an object with a value for each name.")
    known = set(schema.names)
    return make_inputs([{name: row[name] for name in schema.names} if known < row.keys() else row for row in rows])


def read_tensor(raw: Raw, schema: Schema) -> Inputs:
    """Rows as a list of lists or of objects, columns by name, or the values of the only input."""
    start = bytes(memoryview(raw)[:1])
    if start == b"{":
        columns = msgspec.json.decode(raw, type=dict[str, Raw])
        check_columns(len(columns))
        check_envelope(bytes(raw), columns)
        return _read_columns(columns, schema)
    items = msgspec.json.decode(raw, type=list[Raw]) if start == b"[" else [raw]
    check_rows(len(items))
    kinds = {bytes(memoryview(item)[:1]) for item in items}
    if kinds == {b"{"}:
        return read_records(raw, schema)
    rows = _decode_all(items)
    if kinds == {b"["}:
        return name_columns(schema, None, rows)
    if kinds & {b"[", b"{"}:
        raise malformed("All rows must be lists, or all must be objects.")
    return name_columns(schema, None, [[value] for value in rows])


def _read_columns(columns: dict[str, Raw], schema: Schema) -> Inputs:
    if all(memoryview(column)[:1] != b"[" for column in columns.values()):
        return name_columns(schema, list(columns), [_decode_all(list(columns.values()))])
    cells: list[list[Raw]] = [msgspec.json.decode(column, type=list[Raw]) for column in columns.values()]
    counts = {name: len(column) for name, column in zip(columns, cells, strict=True)}
    if len(set(counts.values())) > 1:
        told = list_names([f"{name} ({count})" for name, count in counts.items()])
        raise malformed(f"All columns must have the same number of values: {told}.")
    check_rows(len(cells[0]))
    # A value in a list of its own is what numpy writes for a column of a matrix.
    decoded = [[_unwrap(value) for value in _decode_all(column)] for column in cells]
    return name_columns(schema, list(columns), list(zip(*decoded, strict=True)))


def _unwrap(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


READERS: dict[str, Callable[[Raw, Schema], Inputs]] = {
    "dataframe_split": read_split,
    "dataframe_records": read_records,
    "instances": read_tensor,
    "inputs": read_tensor,
}


def read_csv(sent: bytes, schema: Schema) -> Inputs:
    """Read rows below a header, divided by commas. A single line that names no input is one row without a header."""
    try:
        reader = csv.reader(io.StringIO(sent.decode(), newline=""), strict=True)
        header = [name.strip() for name in next((row for row in reader if row), [])]
        check_columns(len(header))
        rows: list[list[str | None]] = []
        for row in reader:
            if row:
                check_width(len(row), len(header), f"Line {reader.line_num}")
                check_rows(len(rows) + 1, is_complete=False)
                rows.append([None if cell in MISSING else cell for cell in row])
    except (csv.Error, UnicodeDecodeError) as error:
        raise malformed(f"The body cannot be read as CSV ({error}).") from error
    if not rows and header and not set(header) & set(schema.names):
        return name_columns(schema, None, [[None if cell in MISSING else cell for cell in header]])
    return name_columns(schema, header, rows)


def read_parquet(sent: bytes, schema: Schema) -> Inputs:
    return read_split(msgspec.Raw(convert_parquet(sent, most_rows=MOST_ROWS, most_bytes=MOST_BYTES)), schema)


def name_columns(schema: Schema, names: list[str] | None, rows: Rows) -> Inputs:
    """Give each row's values the names of their columns, or without any, those of the schema in its order."""
    check_rows(len(rows))
    names = schema.names if names is None else names
    check_columns(len(names))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise malformed(f"Two columns have the same name: {quote(twice[0])}.")
    for number, row in enumerate(rows):
        check_width(len(row), len(names), f"Row {number}")
    known = set(schema.names)
    is_complete = known <= set(names)
    kept = [(name, place) for place, name in enumerate(names) if name in known or not is_complete]
    return make_inputs([{name: row[place] for name, place in kept} for row in rows])


def make_inputs(rows: list[Any]) -> Inputs:
    return Inputs(rows=rows, is_list=True)


def check_rows(count: int, *, is_complete: bool = True) -> None:
    """Raise Refused for no rows, and for too many; `is_complete` says that all of them were counted."""
    if not count:
        raise malformed("The table has no rows: send at least one.")
    if count > MOST_ROWS:
        sent = f"not {count:,}" if is_complete else "and this one has more"
        raise Refused(413, "too_many_rows", f"A request may have at most {MOST_ROWS:,} rows, {sent}.")


def check_columns(count: int) -> None:
    if count > MOST_COLUMNS:
        raise malformed(f"A table may have at most {MOST_COLUMNS:,} columns, not {count:,}.")


def check_width(count: int, expected: int, place: str) -> None:
    if count != expected:
        values = "1 value" if count == 1 else f"{count:,} values"
        raise malformed(f"{place} has {values}, and must have {expected:,}.")


def malformed(message: str) -> Refused:
    return Refused(400, "malformed", message)


def _decode_all(items: list[Raw]) -> list[Any]:
    decoded = []
    for number, item in enumerate(items):
        if number % ROWS_A_TURN == ROWS_A_TURN - 1:
            let_others_run()
        decoded.append(decode_row(item))
    return decoded
