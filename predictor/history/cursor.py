"""Where a page of predictions begins, in an address: before or after a prediction's id."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from predictor.exceptions import InvalidFilters
from predictor.languages import gettext as _
from predictor.problems import ParameterProblem
from predictor.texts import quote


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A page has the newest predictions older than `before`, or the oldest newer than `after`; else the newest."""

    before: UUID | None = None
    after: UUID | None = None

    def to_query(self) -> dict[str, str]:
        return {name: str(id) for name, id in (("before", self.before), ("after", self.after)) if id}


NEWEST = Cursor()


def read_cursor(given: Mapping[str, str]) -> Cursor:
    """Read the parameter `before` or `after`. Raises InvalidFilters."""
    for name in ("before", "after"):
        if text := given.get(name, "").strip():
            try:
                return Cursor(**{name: UUID(text)})
            except ValueError:
                sentence = _("{given} is not the id of a prediction.").format(given=quote(text))
                raise InvalidFilters({name: ParameterProblem(code="not_an_id", sentence=sentence)}) from None
    return NEWEST
