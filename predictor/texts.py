"""Texts that were given: made comparable, and repeated so that they harm no page and no terminal."""

import re
from collections.abc import Sequence

from predictor.languages import get_language

SHOWN_CHARACTERS = 40
SHOWN_NAMES = 20
# Python's `str` refuses integers of more than 4,300 digits, a little above this.
MOST_BITS_IN_DECIMALS = 14_000
CONSTANTS: dict[object, str] = {None: "null", True: "true", False: "false"}
DETAILS = re.compile(r"^DETAIL: .*\n?", re.MULTILINE)


def take_first_line(error: BaseException) -> str:
    """The first line of an error's message, which may come from any library."""
    return str(error).strip().partition("\n")[0].rstrip() or "no reason given"


def leave_out_details(text: str) -> str:
    """The text of an error without PostgreSQL's details, which quote the rows that it refuses."""
    return DETAILS.sub("", text)


def normalise_text(text: str) -> str:
    """Turn every line end into "\\n": browsers send CRLF, whatever an option contains."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_storable(text: str) -> bool:
    """Whether databases store it: PostgreSQL has no NUL, and half of a surrogate pair is no character."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def make_printable(text: str) -> str:
    """Escape every unprintable character, so that none can affect a terminal or a page."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def add_article(noun: str) -> str:
    """Put "a" or "an" before a noun, by its first letter."""
    return f"{'an' if noun[:1].lower() in tuple('aeiou') else 'a'} {noun}"


def shorten(text: str) -> str:
    """Cut a text after 40 characters, with “…” where it was cut."""
    return f"{text[:SHOWN_CHARACTERS]}…" if len(text) > SHOWN_CHARACTERS else text


def quote(raw: object) -> str:
    """Quote an input in a message, cut short and with unprintable characters escaped."""
    opening, closing = get_language().quotes
    return f"{opening}{clip(raw)}{closing}"


def clip(raw: object) -> str:
    """An input for a message, cut short and with unprintable characters escaped; constants as JSON writes them.

    It is cut first, so that megabytes take no longer than a word.
    """
    text = CONSTANTS[raw] if raw is None or isinstance(raw, bool) else write_scalar(raw)
    return shorten(make_printable(text[: SHOWN_CHARACTERS + 1]))


def name_type(value: object) -> str:
    """What JSON calls a list or an object, with its article; the type's name for others."""
    return "an object" if isinstance(value, dict) else add_article(type(value).__name__)


def list_names(names: Sequence[object]) -> str:
    """List the first 20 names or labels, as Python writes them."""
    more = ", …" if len(names) > SHOWN_NAMES else ""
    return ", ".join(map(repr, names[:SHOWN_NAMES])) + more


def write_scalar(raw: object) -> str:
    """Write a value from JSON or a form as text; an integer of thousands of digits in hexadecimal."""
    return hex(raw) if isinstance(raw, int) and raw.bit_length() > MOST_BITS_IN_DECIMALS else str(raw)
