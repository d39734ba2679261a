"""What the fields of a column say about it, as a recipe has it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

KINDS = {
    "number": _("number"),
    "integer": _("whole number"),
    "category": _("category"),
    "boolean": _("yes or no"),
    "date": _("date"),
    "datetime": _("date with a time"),
    "time": _("time"),
    "text": _("text"),
}


def make_feature(column: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The table of one column, without what is as it would be without it; `use` is None for the target."""
    feature: dict[str, Any] = {}
    if given["use"] is False:
        feature["exclude"] = True
    if given["label"] and given["label"] != column["name"]:
        feature["label"] = given["label"]
    feature |= {key: given[key] for key in ("kind", "unit") if given[key]}
    if missing := read_missing(given["missing"] or ""):
        feature["missing"] = missing
    if given["words"]:
        feature["labels"] = given["words"]
    if given["merge"]:
        feature["merge"] = column["merge"]
    return feature


def read_missing(text: str) -> list[str]:
    """The values between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def write_missing(values: list[str | float]) -> str:
    return ", ".join(str(value) for value in values)


def read_words(text: str) -> dict[str, str]:
    """Words by code, of a text such as 0 = no, 1 = yes. Raises ValueError for a part without both."""
    words = {}
    for part in filter(None, map(str.strip, text.split(","))):
        code, equals, word = (each.strip() for each in part.partition("="))
        if not (code and equals and word):
            raise ValueError(part)
        words[code] = word
    return words


def write_words(words: dict[str, str]) -> str:
    return ", ".join(f"{code} = {word}" for code, word in words.items())
