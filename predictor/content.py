"""What the headers of a request say of its body: how it is compressed, and in which charset its text is."""

import zlib

from predictor.exceptions import ContentTooLarge, UnreadableContent, UnsupportedContent
from predictor.languages import gettext as _
from predictor.texts import quote

GZIP = ("gzip", "x-gzip")
UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")
# zlib's number for the format of gzip.
GZIP_WBITS = 31
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


def decompress(sent: bytes, encoding: str, most_bytes: int) -> bytes:
    """What a body with this Content-Encoding contains; no more than one byte too much is ever unpacked.

    Raises UnsupportedContent for other encodings than gzip, ContentTooLarge, and UnreadableContent.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return sent
    if encoding not in GZIP:
        problem = _("Send the body as it is or with gzip, not with Content-Encoding {encoding}.")
        raise UnsupportedContent(problem.format(encoding=quote(encoding)))
    member = zlib.decompressobj(wbits=GZIP_WBITS)
    try:
        body = member.decompress(sent, most_bytes + 1)
    except zlib.error as error:
        raise UnreadableContent(_("The body is not gzip, although its Content-Encoding says so.")) from error
    if len(body) > most_bytes:
        raise ContentTooLarge(most_bytes)
    if not member.eof:
        raise UnreadableContent(_("The body is cut off: its gzip does not end."))
    if member.unused_data:
        raise UnreadableContent(_("Something follows the end of the body's gzip: send one member."))
    return body


def check_charset(charset: str) -> None:
    """Raise UnsupportedContent for another charset than UTF-8."""
    if charset.strip().lower().replace("_", "-") not in UTF8:
        raise UnsupportedContent(_("Send the body in UTF-8, not in {charset}.").format(charset=quote(charset)))


def check_text(sent: bytes) -> None:
    """Raise UnsupportedContent for a text that is UTF-16 or UTF-32, although nothing says so."""
    if sent.startswith(BYTE_ORDER_MARKS) or b"\0" in sent[:2]:
        raise UnsupportedContent(_("Send the body in UTF-8: this one looks like UTF-16 or UTF-32."))
