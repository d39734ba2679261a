"""The bodies of requests and responses, as JSON: no cookie, no page, no redirect."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from predictor.api.large import MOST_SMALL_BYTES, ROWS_A_TURN, decode_envelope, decode_row, let_others_run
from predictor.api.repeated_keys import decode
from predictor.api.unreadable import explain
from predictor.content import check_charset, check_text, decompress
from predictor.exceptions import ContentTooLarge, InvalidInput, MlsiteError
from predictor.models import Prediction, Version
from predictor.problems import ParameterProblem, Problem
from predictor.schema.schema import Row, Schema
from predictor.serving.outages import SECONDS_TO_WAIT
from predictor.texts import quote

MOST_ROWS = 1_000
MOST_BYTES = 4_000_000
# Fields that one error names, at most about.
MOST_NAMED = 100
# Headers of errors, by status.
HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    410: {"Cache-Control": "no-cache"},  # Caches may keep this status by themselves, but a model may come back.
    415: {"Accept-Encoding": "gzip"},
    503: {"Retry-After": SECONDS_TO_WAIT},
}
NO_ADDRESS = "No resource has this address: /api/docs shows all that there are."
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
EXAMPLE = '{"inputs": {…}} or {"inputs": [{…}, …]}'
WITH_REFERENCES = f'{EXAMPLE}; next to them, "reference": "…" for one row, or "references": ["…", …] for a list'


class Refused(MlsiteError):
    """A request gets an error: a status, a code for programs, a message for people, and what is wrong by field."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        problems: Mapping[str, Problem | ParameterProblem] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.code, self.message, self.problems = status, code, message, dict(problems or {})
        self.headers = {**HEADERS.get(status, {}), **(headers or {})}
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The rows that were sent; `is_list` where they came as a list, whose errors name fields with the row's number.

    `references` is what was sent as those of the rows (predictor.api.references), or None.
    """

    rows: list[Any]
    is_list: bool
    references: Any = None


def read_inputs(request: HttpRequest) -> Inputs:
    """Read the body of a request for predictions; raise Refused with what is wrong with it."""
    return decode_inputs(read_json(request))


def read_json(request: HttpRequest) -> bytes:
    """The body, which must be sent as JSON; raises what `read_text` raises."""
    if request.content_type != "application/json":
        given = f"not {quote(request.content_type)}" if request.content_type else "and say so in Content-Type"
        raise Refused(415, "unsupported_media_type", f"Send application/json, {given}.")
    return read_text(request)


def decode_inputs(sent: bytes) -> Inputs:
    """The rows of a body; raises Refused with what is wrong with it."""
    try:
        body = decode_envelope(sent) if len(sent) > MOST_SMALL_BYTES else decode(sent)
    except UNREADABLE as error:
        raise make_unreadable(sent, error) from error
    inputs = body.get("inputs") if isinstance(body, dict) else None
    is_list = isinstance(inputs, list)
    name = "references" if is_list else "reference"
    if not isinstance(inputs, dict | list) or not body.keys() <= {"inputs", name}:
        others = [each for each in body if each not in ("inputs", name)] if isinstance(body, dict) else []
        given = f", without {quote(others[0])}" if others else ""
        raise Refused(400, "malformed", f"The body must be {WITH_REFERENCES}{given}.")
    rows = inputs if isinstance(inputs, list) else [inputs]
    if len(rows) > MOST_ROWS:
        raise Refused(413, "too_many_rows", f"A request may have at most {MOST_ROWS:,} rows, not {len(rows):,}.")
    if not rows:
        raise Refused(400, "malformed", "The list of inputs is empty: send at least one row.")
    return Inputs(rows=rows, is_list=is_list, references=body.get(name))


def read_text(request: HttpRequest) -> bytes:
    """The body as UTF-8, decompressed and without a byte order mark.

    Raises Refused, UnreadablePostError, and what predictor.content raises.
    """
    if "HTTP_TRANSFER_ENCODING" in request.META:
        problem = "Send the body with a Content-Length, or in chunks without any other Transfer-Encoding."
        raise Refused(411, "length_required", problem)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MOST_BYTES:
        raise ContentTooLarge(MOST_BYTES)
    check_charset((request.content_params or {}).get("charset", "utf-8"))
    sent = decompress(request.read(), request.META.get("HTTP_CONTENT_ENCODING", ""), MOST_BYTES)
    check_text(sent)
    return sent.removeprefix(codecs.BOM_UTF8)


def parse_rows(schema: Schema, inputs: Inputs) -> list[Row]:
    """Parse all rows, or raise Refused that names the invalid fields: `x`, or `3.x` in the fourth row of a list.

    It stops after the row with which more than 100 of them are found.
    """
    rows: list[Row] = []
    problems: dict[str, Problem] = {}
    for number, raw in enumerate(inputs.rows):
        if len(problems) > MOST_NAMED:
            break
        if number % ROWS_A_TURN == ROWS_A_TURN - 1:
            let_others_run()
        if isinstance(raw, msgspec.Raw):
            try:
                raw = decode_row(raw)
            except UNREADABLE as error:
                raise make_unreadable(bytes(raw), error, f"inputs.{number}") from error
        place = f"{number}." if inputs.is_list else ""
        if not isinstance(raw, dict):
            # A list is not quoted: writing a large one would take long, and a nested one could nest too deeply.
            given = "a list" if isinstance(raw, list) else quote(raw)
            problems[place.rstrip(".")] = Problem(code="not_a_row", given=given)
            continue
        try:
            rows.append(schema.parse(raw))
        except InvalidInput as error:
            problems |= {f"{place}{name}": problem for name, problem in error.problems.items()}
    if problems:
        rest = f" Rows after number {number - 1} were not checked." if len(problems) > MOST_NAMED else ""
        message = f"Some inputs are invalid; nothing was predicted or stored.{rest}"
        raise Refused(422, "invalid_input", message, problems)
    return rows


def make_unreadable(sent: bytes, error: Exception, place: str = "") -> Refused:
    return Refused(400, "malformed", f"The body cannot be read ({explain(sent, error, place)}): send {EXAMPLE}.")


def write_predictions(version: Version, predictions: list[Prediction]) -> HttpResponse:
    """Write predictions as JSON; where pages show something else than the stored value, that too.

    A prediction that another version had made before, under the same reference, names that version.
    """
    others = [each for each in predictions if each.version_id != version.id]
    if others and len({each.version_id for each in predictions}) == 1:
        version = predictions[0].version
    shown = [
        {
            "id": str(prediction.id),
            "output": prediction.output,
            "interval": prediction.interval,
            "probabilities": prediction.probabilities,
            "warnings": prediction.warnings,
        }
        for prediction in predictions
    ]
    named: dict[str, Any] = {"model": version.model, "version": version.number}
    if version.target.has_words:
        # Only then, since formatting a number takes longer than all else here.
        named["unit"] = version.target.unit
        for each, prediction in zip(shown, predictions, strict=True):
            each |= write_words(prediction)
    if others:
        for each, prediction in zip(shown, predictions, strict=True):
            if prediction.version_id != version.id:
                each |= write_version(prediction)
    return write_json({**named, "predictions": shown})


def write_words(prediction: Prediction) -> dict[str, Any]:
    label = prediction.version.target.find_label(prediction.output)
    return {"label": label, "text": str(prediction.written_output)}


def write_version(prediction: Prediction) -> dict[str, Any]:
    """What another version than that of the answer says of its own prediction."""
    version = prediction.version
    words = {"unit": version.target.unit, **write_words(prediction)} if version.target.has_words else {}
    return {"version": version.number, **words}


def write_refusal(refused: Refused) -> HttpResponse:
    content: dict[str, Any] = {"code": refused.code, "message": refused.message}
    if refused.problems:
        content["fields"] = {name: str(problem) for name, problem in refused.problems.items()}
        content["codes"] = {name: problem.code for name, problem in refused.problems.items()}
    response = write_json({"error": content}, refused.status, refused.headers)
    response.error_code = refused.code  # type: ignore[attr-defined]  # For /metrics.
    return response


def write_json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return write_body(msgspec.json.encode(content), status, headers)


def write_body(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An answer of encoded JSON."""
    # Without a length it would be sent in chunks, the last of which takes a packet of its own.
    headers = {"Content-Length": str(len(body)), **(headers or {})}
    return HttpResponse(body, content_type="application/json", status=status, headers=headers)
