"""Warnings about valid inputs, as values that are stored with a prediction."""

from typing import Literal

import msgspec

from predictor.schema.values import Value


class InputWarning(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is unlike the training data: a code, the feature's name and the value.

    `seen` are the ends of the range seen in training, as values of the feature; empty for a choice. A text is not
    repeated as the value.
    """

    code: Literal["outside_seen", "not_seen", "no_word_seen"]
    field: str
    value: Value = None
    seen: tuple[Value, ...] = ()
