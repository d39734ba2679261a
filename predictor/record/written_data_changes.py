"""Writes how a table differs from the last one in the language of a page."""

from collections.abc import Callable, Sequence

import msgspec

from predictor.formats import format_label, format_number, format_share
from predictor.languages import gettext as _
from predictor.languages import gettext_noop
from predictor.record.data_changes import Code, DataChange, DataChanges
from predictor.schema.schema import Schema

MOST_COLUMNS, MOST_CATEGORIES = 10, 8
SENTENCES: dict[Code, str] = {
    "rows": gettext_noop("rows: {changes}"),
    "added": gettext_noop("new columns: {changes}"),
    "removed": gettext_noop("columns that are gone: {changes}"),
    "kind": gettext_noop("kinds: {changes}"),
    "missing": gettext_noop("missing values: {changes}"),
    "range": gettext_noop("ranges: {changes}"),
    "new categories": gettext_noop("new categories: {changes}"),
    "lost categories": gettext_noop("categories without rows: {changes}"),
}


def write_data_changes(found: DataChanges, schema: Schema) -> list[str]:
    """A sentence for each kind of difference, below one that names the version; `schema` is that of the new table."""
    if not found.changes:
        return [_("The table is like that of version {number}.").format(number=found.version)]
    by_code = {code: [each for each in found.changes if each.code == code] for code in SENTENCES}
    return [
        _("The table differs from that of version {number}:").format(number=found.version),
        *(
            _(SENTENCES[code]).format(changes=_join([write_change(each, schema) for each in some], MOST_COLUMNS, "; "))
            for code, some in by_code.items()
            if some
        ),
    ]


def write_change(change: DataChange, schema: Schema) -> str:
    """One difference, such as "x from 0 to 12, before from 0 to 10"."""
    if change.code in ("added", "removed"):
        return change.column
    if change.code in ("new categories", "lost categories"):
        return f"{change.column} ({_join(list(map(format_label, change.categories)), MOST_CATEGORIES, ', ')})"
    write = _find_writer(change, schema)
    both = _("{now}, before {before}").format(now=write(change.now), before=write(change.before))
    return f"{change.column} {both}" if change.column else both


def _find_writer(change: DataChange, schema: Schema) -> Callable[..., str]:
    if change.code == "missing":
        return format_share
    if change.code == "range":
        feature = schema.by_name.get(change.column)
        if feature is None:
            return lambda ends: str(schema.target.write_range(*ends))
        return lambda ends: str(msgspec.structs.replace(feature, seen=tuple(map(float, ends))).seen_range)
    return format_number if change.code == "rows" else str


def _join(texts: Sequence[str], most: int, mark: str) -> str:
    more = [_("and {number} more").format(number=len(texts) - most)] if len(texts) > most else []
    return mark.join([*texts[:most], *more])
