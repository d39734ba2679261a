"""A body that comes in chunks, which come in pieces."""

import pytest

from mlsite.chunks import MOST_LINE_BYTES, MOST_LINES, Chunks, MalformedChunks

SENT = (
    b'4\r\nWiki\r\n6;name=value\r\npedia \r\nD \t; q="\xe4"\r\nin \r\n\r\nchunks\r\n'
    b"000\r\nDigest: sha-256=x\r\nEmpty:\r\n\r\n"
)
NEXT = b"GET / HTTP/1.1\r\n"


def take_all(sent, *, most_bytes=1_000, size=1_000_000):
    chunks = Chunks(most_bytes)
    for start in range(0, len(sent), size):
        chunks.take(sent[start : start + size])
    return chunks


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
def test_it_is_complete_with_its_last_byte_whatever_the_pieces(size):
    assert not take_all(SENT[:-1], size=size).is_over
    chunks = take_all(SENT + NEXT, size=size)
    assert chunks.is_complete
    assert bytes(chunks.body) == b"Wikipedia in \r\n\r\nchunks"
    assert bytes(chunks.rest) == NEXT


def test_an_empty_body_is_complete():
    assert take_all(b"0\r\n\r\n").body == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"x\r\n",
        b"\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b"0x1\r\n",
        b" 1\r\n",
        b"1 \r\n",
        b"1_0\r\n",
        b"123456789\r\n",
        b"1\nx\r\n",
        b"1;a\nb\r\n",
        b"1;a\rb\r\n",
        b"1\r\nxy\r\n",
        b"1\r\nx\n0\r\n\r\n",
        b"1\r\nx\rx",
        b"0\r\nno trailer\r\n\r\n",
        b"0\r\n folded\r\n\r\n",
        b"0\r\nA: 1\nB: 2\r\n\r\n",
        b"1;" + b"x" * MOST_LINE_BYTES + b"\r\n",
        b"1" * (MOST_LINE_BYTES + 1),
        b"1\r\nx\r\n" * (MOST_LINES + 1),
        b"0\r\n" + b"A: 1\r\n" * MOST_LINES + b"\r\n",
    ],
)
@pytest.mark.parametrize("size", [1, 1_000_000])
def test_what_is_no_chunk_is_refused(sent, size):
    with pytest.raises(MalformedChunks):
        take_all(sent, most_bytes=100_000, size=size)


@pytest.mark.parametrize("size", [1, 1_000_000])
def test_no_more_is_taken_than_is_allowed(size):
    chunks = take_all(b"4\r\nWiki\r\n" * 1_000_000, most_bytes=10, size=size)
    assert chunks.is_over
    assert not chunks.is_complete
    assert chunks.size == 12


def test_a_chunk_that_announces_too_much_is_not_waited_for():
    chunks = take_all(b"ffffffff\r\n")
    assert chunks.is_over
    assert not chunks.is_complete
