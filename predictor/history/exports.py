"""Lays stored predictions out as a table: one row a prediction, and one column a feature."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from predictor.exceptions import ModelNotFound
from predictor.history.filters import Filters
from predictor.history.search import Stored, rows
from predictor.models import Version
from predictor.schema.kinds import Boolean, Category, Feature, Integer, Number
from predictor.schema.temporal import Date, Datetime, Time
from predictor.schema.text import Text
from predictor.schema.values import write_value
from predictor.tables.columns import CellKind, TableColumn

FIRST: dict[str, CellKind] = {
    "id": "text",
    "created_at": "moment",
    "model": "text",
    "version": "integer",
    "source": "text",
}
# `id`, or `reference`, and `outcome` are what `manage.py record_outcomes` reads.
LAST: dict[str, CellKind] = {
    "warnings": "text",
    "duration_ms": "number",
    "outcome": "text",
    "outcome_at": "moment",
    "outcome_by": "text",
    "reference": "text",
}
# In front of a feature with the name of another column.
PREFIX = "input_"


@dataclass(frozen=True, kw_only=True)
class Input:
    """One feature of any version; `column` is the name of its column."""

    feature: str
    column: TableColumn


class Export:
    """The predictions of one model that filters choose. Numbers are in the unit of the data, with all digits.

    The columns are those of all of its versions, the newest first. A feature that was of another kind in an earlier
    version becomes text. Raises ModelNotFound.
    """

    def __init__(self, filters: Filters) -> None:
        versions = list(Version.objects.filter(model=filters.model).order_by("-number"))
        if not versions:
            raise ModelNotFound(f"there is no version of {filters.model!r}")
        self._filters = filters
        is_regression = versions[0].target.task == "regression"
        self._kind: CellKind = "number" if is_regression else "text"
        self._classes = {} if is_regression else list_classes(versions)
        self._inputs = list_inputs(versions, taken={*FIRST, *LAST, *self._name_answers()})
        self.columns = [
            *_make_columns(FIRST),
            *(each.column for each in self._inputs),
            *_make_columns(self._name_answers()),
            *_make_columns({**LAST, "outcome": self._kind}),
        ]

    def read(self) -> Iterator[list[list[Any]]]:
        """The rows, the newest first, in lists of at most 1,000."""
        for stored in rows(self._filters):
            yield [self._make_row(each) for each in stored]

    def _name_answers(self) -> dict[str, CellKind]:
        if self._kind == "number":
            return {"prediction": "number", "lower": "number", "upper": "number"}
        return {"prediction": "text", **{f"probability_{label}": "number" for label in self._classes}}

    def _make_row(self, stored: Stored) -> list[Any]:
        inputs, shares = stored.inputs or {}, stored.probabilities or {}
        ends = (stored.interval or (None, None)) if self._kind == "number" else ()
        return [
            str(stored.id),
            stored.created_at,
            stored.model,
            stored.version,
            stored.source,
            *(make_cell(each.column.kind, inputs.get(each.feature)) for each in self._inputs),
            make_cell(self._kind, stored.output),
            *(make_cell("number", end) for end in ends),
            *(shares.get(label) for label in self._classes),
            "forgotten" if stored.output is None else "\n".join(stored.warnings or ()) or None,
            stored.duration_ms,
            make_cell(self._kind, stored.outcome),
            stored.outcome_at,
            stored.outcome_by,
            stored.reference,
        ]


def list_inputs(versions: list[Version], taken: set[str]) -> list[Input]:
    """The features of all versions, once each; `taken` are names of other columns."""
    kinds: dict[str, CellKind] = {}
    for version in versions:
        for feature in version.parsed_schema.features:
            kind = find_kind(feature)
            kinds[feature.name] = kind if kinds.get(feature.name, kind) == kind else "text"
    return [
        Input(feature=name, column=TableColumn(name=f"{PREFIX}{name}" if name in taken else name, kind=kind))
        for name, kind in kinds.items()
    ]


def list_classes(versions: list[Version]) -> dict[str, None]:
    """The classes of all versions as texts, in their order and once each."""
    return dict.fromkeys(write_value(label) for version in versions for label in version.target.classes)


def find_kind(feature: Feature) -> CellKind:
    match feature:
        case Number():
            return "number"
        case Integer():
            return "integer"
        case Boolean():
            return "boolean"
        case Category() | Date() | Datetime() | Time() | Text():
            return "text"


def make_cell(kind: CellKind, value: Any) -> Any:
    """A value from JSON as one of this kind; in a database, 1e22 may have become a whole number."""
    if value is None or (kind == "boolean" and isinstance(value, bool)):
        return value
    if kind in ("number", "integer") and isinstance(value, int | float):
        return float(value) if kind == "number" else int(value)
    return write_value(value)


def _make_columns(kinds: dict[str, CellKind]) -> list[TableColumn]:
    return [TableColumn(name=name, kind=kind) for name, kind in kinds.items()]
