"""The kind of input that is a text in words of one's own."""

import math
from functools import cached_property
from typing import ClassVar, Literal

from predictor.formats import format_number
from predictor.languages import gettext as _
from predictor.schema.described import Described
from predictor.schema.values import Value, write_given, write_value
from predictor.texts import is_storable, normalise_text

FEWEST_CHARACTERS = 1_000


class Text(Described, frozen=True, kw_only=True, tag="text"):
    """A text, kept as it is typed; its line ends are those of other inputs.

    It has no number: an encoded row has it next to the matrix (`schema.table`). Nothing of the training texts is kept.
    """

    kind: ClassVar[Literal["text"]] = "text"
    fitting: ClassVar[str] = "any text"

    seen: tuple[str, ...] = ()
    typical: str | None = None
    maximum_length: int = FEWEST_CHARACTERS

    @property
    def expected(self) -> str:
        return _("a text of at most {count} characters").format(count=format_number(self.maximum_length))

    def encode(self, value: Value) -> float:
        """NaN: its place in the matrix is empty."""
        return math.nan

    @cached_property
    def _longest(self) -> int:
        # Browsers send two characters for each line end.
        return 2 * self.maximum_length

    def _read(self, given: str | float) -> str:
        text = normalise_text(write_given(given))
        if len(text) > self.maximum_length:
            raise self._refuse("too_long", given)
        return self._convert(text)

    def _convert(self, value: str | float) -> str:
        text = write_value(value)
        if not is_storable(text):
            raise self._refuse("not_storable", value)
        return text
