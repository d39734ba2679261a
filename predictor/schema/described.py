"""What every kind of input has, and how its values are parsed."""

import math
from functools import cached_property
from typing import ClassVar, Literal

import msgspec

from predictor.exceptions import InvalidValue
from predictor.formats import Quantity, Written
from predictor.languages import gettext as _
from predictor.problems import Code, Problem
from predictor.schema.values import Value, find_longest, means_missing, take_scalar
from predictor.schema.warning import InputWarning
from predictor.texts import normalise_text


class Described(msgspec.Struct, frozen=True, kw_only=True, dict=True, tag_field="kind"):
    """What every kind of input has.

    Values beyond `minimum` and `maximum` are refused; those outside `seen`, the range of the numbers or the
    categories of the training rows, only get a warning. It is empty where no training row had a value. `missing` are
    the texts, numbers among them, that mean missing. A `sensitive` value is stored as a keyed hash or not at all.
    """

    kind: ClassVar[str]
    # What a column of this kind must contain, described so that it fits after “means”.
    fitting: ClassVar[str]
    # Whether its columns are texts that are read one by one, and have no other form in a table.
    reads_texts: ClassVar[bool] = False

    name: str
    label: str
    unit: str = ""
    help: str = ""
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    sensitive: Literal["", "hash", "drop"] = ""

    def parse(self, raw: object) -> Value:
        """Parse what was typed or sent; None where it is missing. Raises InvalidValue."""
        given = take_scalar(raw, self._longest, self._expect)
        if (
            given is None
            or (isinstance(given, str) and not given.strip() and normalise_text(given) not in self.choices)
            or (self.missing and means_missing(given, self.missing))
        ):
            if self.required:
                raise self._refuse("missing", given)
            return None
        return self._read(given)

    def convert(self, value: Value) -> Value:
        """Convert a stored value to this kind; the feature may have been of another kind in its version.

        Limits are not checked. Raises InvalidValue where the value does not fit this kind.
        """
        return None if value is None else self._convert(value)

    def encode(self, value: Value) -> float:
        """Encode a value as float64 for scikit-learn: numbers as they are, categories as codes, missing as NaN."""
        return math.nan if value is None else float(value)

    def find_warning(self, value: Value) -> InputWarning | None:
        """The warning for a valid value that was not seen in training, or None."""
        return None

    def write_warning(self, warning: InputWarning) -> str:
        """The sentence for one of its warnings, in the current language."""
        raise NotImplementedError

    def list_extremes(self) -> list[float]:
        """Encoded values at which a compiled model would most likely differ."""
        return []

    @property
    def seen_range(self) -> Written | None:
        """The range seen in training: “0.1 to 9.9 mm”; None where there is none."""
        return None

    def describe_json(self) -> dict[str, str]:
        """The type and the form of its values, as JSON Schema has them."""
        return {"type": "string"}

    def write(self, value: Value) -> Written:
        """Format one of its values for people, a number with its unit."""
        if self.sensitive and value is None:
            return Written(text=_("not kept"))
        return self._quantity.write(value)

    @property
    def expected(self) -> str:
        """A valid value, described in the current language so that it fits after “give”."""
        raise NotImplementedError

    def _expect(self) -> str:
        return self.expected

    def _read(self, given: str | float) -> Value:
        raise NotImplementedError

    def _convert(self, value: str | float) -> Value:
        return self._read(value)

    @cached_property
    def _longest(self) -> int:
        return find_longest(self.choices)

    @cached_property
    def _quantity(self) -> Quantity:
        return Quantity(unit=self.unit)

    def make_problem(self, code: Code, given: object = None) -> Problem:
        """What is wrong with a value, or with all that are refused for this reason, in the current language."""
        return Problem(code=code, given=given, expected=self.expected, limit=self._find_limit(code))

    def _find_limit(self, code: Code) -> float | str | None:
        return None

    def _refuse(self, code: Code, given: object) -> InvalidValue:
        return InvalidValue(self.make_problem(code, given))
