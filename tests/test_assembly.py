"""A request that comes in pieces."""

import pytest

from mlsite.arrival import MOST_HEAD_BYTES, SECONDS_OF_GRACE
from mlsite.assembly import Arrival, read_path

BODY = b"x=5"
REQUEST = b"POST /line/ HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\n" + BODY


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_it_is_complete_with_its_last_byte_whatever_the_pieces(size):
    arrival = Arrival()
    for start in range(0, len(REQUEST), size):
        assert not arrival.is_complete
        arrival.take(REQUEST[start : start + size])
    assert arrival.is_complete
    assert bytes(arrival.data) == REQUEST


CHUNKED = b"POST /line/ HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("chunks", [b"3\r\nx=5\r\n0\r\n\r\n", b"1\r\nx\r\n2\r\n=5\r\n0\r\nA: b\r\n\r\n"])
def test_chunks_are_complete_with_their_last_byte_whatever_the_pieces(chunks, size):
    arrival, sent = Arrival(), CHUNKED + chunks
    for start in range(0, len(sent), size):
        assert not arrival.is_complete
        arrival.take(sent[start : start + size])
    assert arrival.is_complete
    assert bytes(arrival.data) == sent


@pytest.mark.parametrize("chunks", [b"x\r\n", b"ffffff\r\n"], ids=["malformed", "too large"])
def test_chunks_that_will_be_refused_need_not_arrive_in_full(chunks):
    arrival = Arrival()
    arrival.take(CHUNKED)
    assert not arrival.is_complete
    arrival.take(chunks)
    assert arrival.is_complete


@pytest.mark.parametrize(
    "words",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1000000000000\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 600000\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: ten\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\r\n\r\n",
        b"x" * (MOST_HEAD_BYTES + 1),
    ],
)
def test_what_needs_no_body_or_will_be_refused_is_complete_without_one(words):
    arrival = Arrival()
    arrival.take(words)
    assert arrival.is_complete


def test_the_api_may_send_more_than_a_form():
    arrival = Arrival()
    arrival.take(b"POST http://here/api/v1/models/line/predict HTTP/1.1\r\ncontent-length:\t600000 \r\n\r\n")
    assert not arrival.is_complete


def test_only_a_request_that_waits_for_its_body_is_told_to_go_on():
    head = REQUEST.removesuffix(BODY).replace(b"Host", b"Expect: 100-Continue\r\nHost")
    waiting, sent = Arrival(), Arrival()
    waiting.take(head)
    sent.take(head + BODY)
    assert (waiting.expects_continue, sent.expects_continue) == (True, False)


def test_it_is_late_when_it_comes_more_slowly_than_it_must():
    silent, slow, fast = Arrival(), Arrival(), Arrival()
    head = b"POST / HTTP/1.1\r\nContent-Length: 500000\r\n\r\n"
    slow.take(head)
    fast.take(head + b"x" * 400_000)
    at = slow.since + SECONDS_OF_GRACE
    assert [arrival.is_late(at + 1) for arrival in (silent, slow, fast)] == [False, True, False]
    assert not slow.is_late(at - 1)
    assert fast.is_late(at + 400_000 / 5_000 + 1)


@pytest.mark.parametrize("words", [b"", b"GET", b"GET http://[ HTTP/1.1"])
def test_a_line_that_is_no_request_has_no_path(words):
    assert read_path(words + b"\r\n\r\n") == ""
