"""What an input is: the one definition that forms, API, CSV files and history parse through."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from predictor.exceptions import InvalidInput
from predictor.formats import Quantity, Written, format_label, format_plain

# Those that are named twice are part of what this module offers.
from predictor.numbers import LARGEST_INTEGER as LARGEST_INTEGER
from predictor.numbers import WHOLE, find_written, is_whole, read_number
from predictor.texts import make_printable as make_printable
from predictor.texts import normalise_text as normalise_text
from predictor.texts import quote as quote
from predictor.texts import shorten, write_scalar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["number", "integer", "category", "boolean"]
Task = Literal["regression", "classification"]
Value = float | int | str | bool | None
Label = str | int | bool
# As text: every command loads this module, and only those that compute should wait for numpy.
Vector: TypeAlias = "NDArray[np.float64]"
Matrix: TypeAlias = "NDArray[np.float64]"

# A model's name, in its folder and its addresses.
SLUG = re.compile(r"[a-z][a-z0-9_]*")
TRUTHS = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}
# Longer than any text that is compared with a number, a yes or a label; a choice may be longer still.
LONGEST_TEXT = 4_000
# Django's forms send a token under this name.
RESERVED_NAMES = frozenset({"csrfmiddlewaretoken"})
SHOWN_CHOICES = 12
MOST_UNKNOWN = 20


def write_value(value: Value) -> str:
    """Write a value so that `Feature.parse` reads back exactly the same one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value).removesuffix(".0") if isinstance(value, float) else write_scalar(value)


def read_truth(raw: str | float) -> bool | None:
    """Read a yes or a no, also one written as a number; None where it is neither."""
    text = find_written(_write_given(raw).strip().lower(), TRUTHS)
    return None if text is None else TRUTHS[text]


def _find_longest(labels: Iterable["Label"]) -> int:
    """How many characters may be given where one of these is asked for: browsers make two of each line end."""
    return max([LONGEST_TEXT, *(2 * len(label) for label in labels if isinstance(label, str))])


def _take_scalar(raw: object, longest: int, expected: str) -> str | float | None:
    """What was given, which must be one value; a text of more than `longest` characters is not looked at."""
    if isinstance(raw, str):
        if len(raw) > longest:
            raise ValueError(f"{quote(raw)} is too long: give {expected}.")
        return raw
    if raw is None or isinstance(raw, (int, float)):
        return raw
    raise ValueError(f"One value is needed, not a {type(raw).__name__}: give {expected}.")


def _write_given(raw: str | float) -> str:
    """What was given as text; adding 0.0 turns −0.0 into 0.0, so that both are the same."""
    return write_scalar(raw + 0.0 if isinstance(raw, float) else raw)


def convert_value(value: Value, kind: Kind, choices: Sequence[str] = ()) -> Value:
    """Convert a stored value, of a version in which the feature may have been of another kind, to this `kind`.

    Limits are not checked. Raises ValueError where this kind has no such value.
    """
    if value is None:
        return None
    if kind == "category":
        found: Value = find_written(normalise_text(write_value(value)), choices)
    elif kind == "boolean":
        found = read_truth(value)
    else:
        number = read_number(int(value) if isinstance(value, bool) else value, "a number") + 0.0
        found = number if kind == "number" else int(number) if is_whole(number) else None
    if found is None:
        raise ValueError(f"{quote(value)} is not a {kind}.")
    return found


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One input of a model.

    `minimum` and `maximum` are hard limits and refuse; `seen` is what the training rows held and only
    warns: the lowest and the highest number, or the categories. Empty when no training row had a value.
    """

    name: str
    kind: Kind
    label: str
    unit: str = ""
    help: str = ""
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    seen: tuple[float, ...] | tuple[str, ...] = ()
    typical: Value = None

    def parse(self, raw: object) -> Value:
        """Turn what was typed or sent into this feature's value; None when it is missing.

        Raises ValueError, its message saying what was given and what would be right.
        """
        given = _take_scalar(raw, self._longest, self.expected)
        if given is None or (
            isinstance(given, str) and not given.strip() and normalise_text(given) not in self.choices
        ):
            if self.required:
                raise ValueError(f"A value is needed: give {self.expected}.")
            return None
        if self.kind == "category":
            return self._parse_category(given)
        if self.kind == "boolean":
            return self._parse_boolean(given)
        return self._parse_number(given)

    @cached_property
    def _longest(self) -> int:
        return _find_longest(self.choices)

    @cached_property
    def expected(self) -> str:
        """What a right value looks like, in words that fit after “give”."""
        if self.kind == "category":
            more = ", …" if len(self.choices) > SHOWN_CHOICES else ""
            return "one of " + ", ".join(quote(choice) for choice in self.choices[:SHOWN_CHOICES]) + more
        if self.kind == "boolean":
            return "yes or no"
        article = "a whole number" if self.kind == "integer" else "a number"
        return f"{article} such as {format_plain(float(self.typical))}" if self.typical is not None else article

    def _parse_category(self, raw: str | float) -> str:
        choice = find_written(normalise_text(_write_given(raw)), self.choices)
        if choice is None:
            raise ValueError(f"{quote(raw)} is not a choice: give {self.expected}.")
        return choice

    def _parse_boolean(self, raw: str | float) -> bool:
        truth = read_truth(raw)
        if truth is None:
            raise ValueError(f"{quote(raw)} is neither yes nor no: give {self.expected}.")
        return truth

    def _parse_number(self, raw: str | float) -> float | int:
        number = read_number(raw, self.expected)
        if self.kind == "integer" and not is_whole(number):
            raise ValueError(f"{quote(raw)} is not a whole number below 2⁵³: give {self.expected}.")
        if self.minimum is not None and number < self.minimum:
            raise ValueError(f"{quote(raw)} is too small: the least allowed is {format_plain(self.minimum)}.")
        if self.maximum is not None and number > self.maximum:
            raise ValueError(f"{quote(raw)} is too large: the most allowed is {format_plain(self.maximum)}.")
        # Adding 0.0 turns −0.0 into 0.0, so that equal inputs are one input.
        return int(number) if self.kind == "integer" else number + 0.0

    def encode(self, value: Value) -> float:
        """Give the float64 that scikit-learn sees: numbers as they are, categories as codes, missing as NaN."""
        if value is None:
            return math.nan
        return float(self.choices.index(value)) if isinstance(value, str) else float(value)

    def find_warning(self, value: Value) -> str | None:
        """Say what is unusual about a valid value, or None."""
        if value is None or not self.seen or self.kind == "boolean":
            return None
        if isinstance(value, str):
            return None if value in self.seen else f"{self.label}: {quote(value)} was never seen in training"
        if self.seen_range is None or float(self.seen[0]) <= value <= float(self.seen[-1]):
            return None
        return f"{self.label}: {self.write(value).text} is outside what the model has seen: {self.seen_range.text}"

    @cached_property
    def seen_range(self) -> Written | None:
        """The range seen in training: “0.1 to 9.9 mm”; None for what has none."""
        if not self.seen or self.kind in ("category", "boolean"):
            return None
        return self._quantity.write_range(float(self.seen[0]), float(self.seen[-1]))

    def write(self, value: Value) -> Written:
        """Write one of its values for people, a number with its unit."""
        return self._quantity.write(value)

    @cached_property
    def _quantity(self) -> Quantity:
        return Quantity(unit=self.unit)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `asdict` wrote, also after a database turned 1e22 into an integer and tuples into lists."""
        read = dict(stored)
        read["choices"] = tuple(read["choices"])
        read["seen"] = tuple(s if isinstance(s, str) else float(s) for s in read["seen"])
        for key in ("minimum", "maximum"):
            read[key] = None if read[key] is None else float(read[key])
        if read["kind"] == "number" and read["typical"] is not None:
            read["typical"] = float(read["typical"])
        return cls(**read)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is predicted: a number with its unit, or one of `classes`, in the order of their codes."""

    name: str
    label: str
    task: Task
    unit: str = ""
    classes: tuple[Label, ...] = ()

    def parse(self, raw: object, *, new_classes: bool = False) -> float | Label:
        """Turn what somebody says has happened into a number or the label of a class; `write_value` undoes it.

        With `new_classes`, a class that the model does not know is taken too, typed as those that it knows.
        Raises ValueError, its message saying what was given and what would be right.
        """
        given = _take_scalar(raw, self._longest, self.expected)
        if given is None or (
            isinstance(given, str) and not given.strip() and normalise_text(given) not in self.classes
        ):
            raise ValueError(f"A value is needed: give {self.expected}.")
        if self.task == "regression":
            # Adding 0.0 turns −0.0 into 0.0, as for a feature.
            return read_number(given, self.expected) + 0.0
        label = self._read_label(given)
        known = [each for each in self.classes if each == label]
        if label is None or not (known or new_classes):
            raise ValueError(f"{quote(raw)} is not a class of this model: give {self.expected}.")
        return known[0] if known else label

    @cached_property
    def _longest(self) -> int:
        return _find_longest(self.classes)

    def write(self, stored: Any, *, decimals: int | None = None) -> Written:
        """Write an outcome or a prediction, as JSON kept it: a number with its unit, or the label of a class."""
        if self.task == "regression":
            return Quantity(unit=self.unit, decimals=decimals).write(float(stored))
        return Written(text=format_label(stored))

    def restore(self, stored: Any) -> float | Label:
        """Read back what JSON kept of a parsed value: a database may have made an integer of 1e22."""
        return float(stored) if self.task == "regression" else stored

    @cached_property
    def expected(self) -> str:
        """What a right value looks like, in words that fit after “give”."""
        if self.task == "regression":
            return "a number"
        more = ", …" if len(self.classes) > SHOWN_CHOICES else ""
        return "one of " + ", ".join(quote(write_value(label)) for label in self.classes[:SHOWN_CHOICES]) + more

    def _read_label(self, raw: str | float) -> Label | None:
        """The label that was given, of the type of this target's classes; None where it is none."""
        text = write_value(raw + 0.0 if isinstance(raw, float) else raw)
        if isinstance(self.classes[0], bool):
            return read_truth(text)
        if isinstance(self.classes[0], int):
            return _read_integer(text, self.classes)
        return self._read_text(normalise_text(text))

    def _read_text(self, text: str) -> str | None:
        """A class may begin or end with a blank; a new one does not, and is whole where all the others are."""
        known = [str(label) for label in self.classes]
        for spelling in (text, text.strip()):
            found = find_written(spelling, known)
            if found is not None:
                return found
        is_whole_number = WHOLE.fullmatch(text.strip()) and all(map(str.isdigit, known))
        new = text.strip().removesuffix(".0") if is_whole_number else text.strip()
        return new if "\x00" not in new else None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**{**stored, "classes": tuple(stored["classes"])})


def _read_integer(raw: str, known: tuple[Label, ...]) -> int | None:
    """Read a whole number, also one written "2.0"; one that is beyond 2⁵³ must be `known`."""
    for label in known:
        if raw.strip() == str(label):
            return int(label)
    try:
        number = read_number(raw, "")
    except ValueError:
        return None
    return int(number) if is_whole(number) else None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One parsed input: its values by feature name, and what is unusual about them."""

    values: dict[str, Value]
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The features of a version in the order of its matrix's columns, and its target."""

    features: tuple[Feature, ...]
    target: Target

    @cached_property
    def names(self) -> list[str]:
        return [feature.name for feature in self.features]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.names)

    def parse(self, raw: Mapping[str, object]) -> Row:
        """Parse one input by feature name.

        Raises InvalidInput that names every field which is missing, unknown or wrong, all at once.
        """
        problems = self._refuse_unknown(raw)
        values: dict[str, Value] = {}
        for feature in self.features:
            try:
                values[feature.name] = feature.parse(raw.get(feature.name))
            except ValueError as error:
                problems[feature.name] = str(error)
        if problems:
            raise InvalidInput(problems)
        found = (feature.find_warning(values[feature.name]) for feature in self.features)
        return Row(values=values, warnings=[warning for warning in found if warning])

    def _refuse_unknown(self, raw: Mapping[str, object]) -> dict[str, str]:
        """A message for each name that is none of this schema's; few of them, however many somebody sends."""
        unknown = [name for name in raw if name not in self._known]
        names = ", ".join(self.names[:SHOWN_CHOICES])
        problems = {
            shorten(name): f"There is no field {quote(name)} in this model; it has {names}."
            for name in unknown[:MOST_UNKNOWN]
        }
        if len(unknown) > MOST_UNKNOWN:
            problems[shorten(unknown[MOST_UNKNOWN])] = (
                f"Nor is there this one, or {len(unknown) - MOST_UNKNOWN - 1} more."
            )
        return problems

    def encode(self, rows: Sequence[Row]) -> Matrix:
        """Encode n parsed rows as a float64 matrix of shape (n, number of features)."""
        import numpy as np

        encoded = [[feature.encode(row.values[feature.name]) for feature in self.features] for row in rows]
        return np.array(encoded, dtype=np.float64).reshape(len(rows), len(self.features))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            features=tuple(Feature.from_json(feature) for feature in stored["features"]),
            target=Target.from_json(stored["target"]),
        )
