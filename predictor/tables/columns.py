"""The columns of a table that is written."""

from dataclasses import dataclass
from typing import Literal

CellKind = Literal["text", "number", "integer", "boolean", "moment"]


@dataclass(frozen=True, kw_only=True)
class TableColumn:
    """A column by its name; a moment is a datetime in UTC."""

    name: str
    kind: CellKind
