"""What is stored of warnings."""

from collections.abc import Sequence
from typing import Any

import msgspec

from predictor.languages import ENGLISH, use_language
from predictor.schema.schema import Schema
from predictor.schema.warning import InputWarning


def hide_warnings(schema: Schema, warnings: Sequence[InputWarning]) -> Sequence[InputWarning]:
    """Warnings without the values of sensitive inputs."""
    if not schema.sensitive or not warnings:
        return warnings
    return [
        InputWarning(code=each.code, field=each.field) if each.field in schema.sensitive else each for each in warnings
    ]


def describe_warnings(schema: Schema, warnings: Sequence[InputWarning]) -> dict[str, Any]:
    """The stored columns of a row's warnings: sentences, for programs and builds without codes, and the codes."""
    if not warnings:
        return {"warnings": [], "warning_codes": None}
    with use_language(ENGLISH):
        return {"warnings": schema.write_warnings(warnings), "warning_codes": msgspec.to_builtins(warnings)}
