"""The rows with similar values of one input."""

import msgspec


class InputGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A range of numbers, a category, or missing values of one input."""

    # The feature's name.
    feature: str
    # A range as encoded, from `low` on to below `high`; None where it has no such end.
    low: float | None = None
    high: float | None = None
    # Of a category or a boolean, the value as text; or any text that is not a choice.
    value: str | None = None
    is_other: bool = False
    rows: int

    @property
    def is_missing(self) -> bool:
        return self.low is None and self.high is None and self.value is None and not self.is_other
