"""Texts that were given: made comparable, and repeated so that they harm no page and no terminal."""

from collections.abc import Sequence

SHOWN_CHARACTERS = 40
SHOWN_NAMES = 20
# Python's `str` refuses integers of more than 4,300 digits, which is a little above.
MOST_BITS_IN_DECIMALS = 14_000


def take_first_line(error: BaseException) -> str:
    """What an error of somebody else's code says, without the lines that follow."""
    return str(error).strip().partition("\n")[0].rstrip() or "no reason given"


def normalise_text(text: str) -> str:
    """Give every line end the form "\\n": browsers post CRLF whatever the option said."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def make_printable(text: str) -> str:
    """Make every unprintable character visible, so that no terminal and no page is moved by it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shorten(text: str) -> str:
    """Cut a text after 40 characters, and mark that it was cut."""
    return f"{text[:SHOWN_CHARACTERS]}…" if len(text) > SHOWN_CHARACTERS else text


def quote(raw: object) -> str:
    """Repeat what somebody gave, cut short and with every unprintable character made visible.

    It is cut first, so that megabytes take no longer than a word.
    """
    return f"“{shorten(make_printable(write_scalar(raw)[: SHOWN_CHARACTERS + 1]))}”"


def list_names(names: Sequence[object]) -> str:
    """List the first 20 names or labels, as Python writes them."""
    more = ", …" if len(names) > SHOWN_NAMES else ""
    return ", ".join(map(repr, names[:SHOWN_NAMES])) + more


def write_scalar(raw: object) -> str:
    """Write what JSON or a form gave as text; an integer of thousands of digits in hexadecimal ones."""
    return hex(raw) if isinstance(raw, int) and raw.bit_length() > MOST_BITS_IN_DECIMALS else str(raw)
