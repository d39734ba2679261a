"""What a recipe's `[output]` says of a model's output: how it is shown, and by what it is limited."""

import sys
from typing import Annotated

import msgspec

from predictor.schema.values import Label

Finite = Annotated[float, msgspec.Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
# Databases store no NUL.
Text = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]*\Z", max_length=200)]


class Band(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A range of outputs with its words: those below `below`, in the target's own unit, and above the former band.

    The last band of all may have no upper end.
    """

    label: Annotated[Text, msgspec.Meta(min_length=1)]
    below: Finite | None = None


class Output(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How outputs are shown and limited; it is stored and signed with the schema, without what is not set.

    All numbers but `decimals` are in the target's own unit: what people see is `scale` times that, in `unit`. Outputs
    are at least `minimum` and at most `maximum`. Of two classes, `positive` is the answer from the probability
    `threshold` on, and the other one below.
    """

    decimals: Annotated[int, msgspec.Meta(ge=-12, le=10)] | None = None
    scale: Annotated[float, msgspec.Meta(gt=0, le=1e12)] = 1.0
    unit: Text | None = None
    bands: tuple[Band, ...] = ()
    threshold: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    positive: Label | None = None
    minimum: Finite | None = None
    maximum: Finite | None = None

    def find_band(self, number: float) -> str:
        """The words of the band that contains a number; empty where none does."""
        return next((each.label for each in self.bands if each.below is None or number < each.below), "")
