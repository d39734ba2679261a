"""What a draft says of a column, in the language of the page where it is of a known kind."""

from typing import Any, NamedTuple

import msgspec

from predictor.record.remark import Remark


class Shown(NamedTuple):
    """A sentence, and whether it is in English whatever the language of the page."""

    text: str
    is_english: bool


def list_doubts(column: dict[str, Any]) -> list[Shown]:
    """Those of a proposed column; a draft of the former build has them in English alone."""
    coded = msgspec.convert(column.get("coded", []), list[Remark])
    return [_show(each) for each in coded] or [Shown(text, is_english=True) for text in column["doubts"]]


def list_found(column: dict[str, Any]) -> list[Shown]:
    """What a proposed column contains, and how it is read."""
    found = msgspec.convert(column.get("found", []), list[Remark])
    former = [Shown(text, is_english=True) for text in (column["described"], column["read_as"]) if text]
    return [_show(each) for each in found] or former


def find_obstacle(column: dict[str, Any]) -> Shown | None:
    """Why a proposed column is left out, where it is."""
    if column.get("left_out"):
        return _show(msgspec.convert(column["left_out"], Remark))
    return Shown(column["obstacle"], is_english=True) if column["obstacle"] else None


def _show(doubt: Remark) -> Shown:
    sentence = doubt.sentence
    return Shown(sentence or doubt.text, is_english=not sentence)
