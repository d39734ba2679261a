"""The target of a model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Self

from predictor.exceptions import InvalidValue
from predictor.formats import Quantity, Written, format_label
from predictor.numbers import WHOLE, find_written, is_whole, read_number
from predictor.problems import Code, Problem
from predictor.schema.kinds import Task
from predictor.schema.values import Label, find_longest, read_boolean, take_scalar, write_value
from predictor.schema.words import Words
from predictor.texts import normalise_text


@dataclass(frozen=True, kw_only=True)
class Target:
    """The predicted value: a number with its unit, or one of `classes`, in the order of their codes.

    `labels` are the words for some or all of the classes, by the class as `write_value` writes it.
    """

    name: str
    label: str
    task: Task
    unit: str = ""
    classes: tuple[Label, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)

    def parse(self, raw: object, *, new_classes: bool = False) -> float | Label:
        """Parse an outcome into a number or the label of a class; `write_value` is the inverse.

        With `new_classes`, a class that the model does not have is accepted, in the type of those that it has.
        Raises InvalidValue.
        """
        given = take_scalar(raw, self._longest, self.expected)
        if given is None or (
            isinstance(given, str) and not given.strip() and normalise_text(given) not in self.classes
        ):
            raise self._refuse("missing", given)
        if self.task == "regression":
            # Adding 0.0 turns −0.0 into 0.0, as for a feature.
            return read_number(given, self.expected) + 0.0
        label = self._read_label(given)
        known = [each for each in self.classes if each == label]
        if label is None or not (known or new_classes):
            raise self._refuse("not_a_class", raw)
        return known[0] if known else label

    def _refuse(self, code: Code, given: object) -> InvalidValue:
        return InvalidValue(Problem(code=code, given=given, expected=self.expected))

    @cached_property
    def _longest(self) -> int:
        return find_longest(self.classes)

    def write(self, stored: Any, *, decimals: int | None = None) -> Written:
        """Format an outcome or a prediction, as stored in JSON: a number with its unit, or the label of a class."""
        if self.task == "regression":
            return Quantity(unit=self.unit, decimals=decimals).write(float(stored))
        return Written(text=self.name_class(stored))

    def name_class(self, label: Label) -> str:
        """The words for a class; without any, the class itself."""
        return self.labels.get(write_value(label)) or format_label(label)

    @property
    def listed(self) -> list[str]:
        """Each class for people, with its code in brackets where that is another text."""
        codes = ((self.name_class(label), write_value(label)) for label in self.classes)
        return [f"{words} ({code})" if code in self.labels else words for words, code in codes]

    @cached_property
    def words(self) -> Words:
        return Words([write_value(label) for label in self.classes], self.labels)

    def restore(self, stored: Any) -> float | Label:
        """Restore a parsed value from JSON, where a database may have turned 1e22 into an integer."""
        return float(stored) if self.task == "regression" else stored

    @cached_property
    def expected(self) -> str:
        """A valid value, described so that it fits after “give”."""
        return "a number" if self.task == "regression" else self.words.expected

    def _read_label(self, raw: str | float) -> Label | None:
        """The given label in the type of this target's classes; None where it cannot be."""
        text = write_value(raw + 0.0 if isinstance(raw, float) else raw)
        code = None if text in self.words.codes else self.words.find_code(text)
        text = text if code is None else code
        if isinstance(self.classes[0], bool):
            return read_boolean(text)
        if isinstance(self.classes[0], int):
            return _read_integer(text, self.classes)
        return self._read_text(normalise_text(text))

    def _read_text(self, text: str) -> str | None:
        """Match a class, which may begin or end with a space; a new one is stripped, and an integer where all are."""
        known = [str(label) for label in self.classes]
        for spelling in (text, text.strip()):
            found = find_written(spelling, known)
            if found is not None:
                return found
        is_whole_number = WHOLE.fullmatch(text.strip()) and all(map(str.isdigit, known))
        new = text.strip().removesuffix(".0") if is_whole_number else text.strip()
        return new if "\x00" not in new else None

    def to_json(self) -> dict[str, Any]:
        """Its JSON without what the schema stores elsewhere, where builds that know no labels do not look."""
        return {key: value for key, value in asdict(self).items() if key != "labels"}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], labels: Mapping[str, str] | None = None) -> Self:
        return cls(**{**stored, "classes": tuple(stored["classes"])}, labels=dict(labels or {}))


def _read_integer(raw: str, known: tuple[Label, ...]) -> int | None:
    """Read an integer, also one written "2.0"; one beyond 2⁵³ must be `known`."""
    for label in known:
        if raw.strip() == str(label):
            return int(label)
    try:
        number = read_number(raw, "")
    except InvalidValue:
        return None
    return int(number) if is_whole(number) else None
