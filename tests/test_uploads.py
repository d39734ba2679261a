"""Bodies that carry a file, on their way to the disk."""

import gc

import pytest
from django.conf import settings

from mlsite import uploads
from mlsite.arrival import SECONDS_OF_GRACE, find_allowance
from mlsite.assembly import Arrival
from mlsite.uploads import BUSY, MOST_AT_ONCE, Upload

HEAD = b"POST /line/file/ HTTP/1.1\r\nContent-Length: 700000\r\n\r\n"
BODY = bytes(range(256)) * 2735
NEXT = b"GET / HTTP/1.1\r\n"


def count_free():
    """How many more files may arrive."""
    gc.collect()
    return uploads.places._value


@pytest.mark.parametrize("size", [1_000, 65_536, 1_000_000])
def test_a_file_arrives_on_the_disk_as_it_was_sent_and_what_follows_it_is_the_next_request(size):
    arrival, sent = Arrival(), HEAD + BODY[:700_000] + NEXT
    for start in range(0, len(sent), size):
        assert len(arrival.data) < len(HEAD) + size
        arrival.take(sent[start : start + size])
        if arrival.is_complete:
            break
    spool = arrival.upload.open()
    assert spool.read(300_000) + spool.read() == BODY[:700_000]
    assert (HEAD + NEXT).startswith(bytes(arrival.data))
    free = count_free()
    spool.close()
    assert (spool.read(), count_free()) == (b"", free + 1)


def test_a_file_must_arrive_faster_than_a_form():
    arrival = Arrival()
    arrival.take(HEAD + BODY[:500_000])
    at = arrival.since + SECONDS_OF_GRACE
    assert not arrival.is_late(at + 9)
    assert arrival.is_late(at + 11)


def test_a_file_that_is_too_large_is_dropped_as_it_arrives_so_that_its_browser_reads_why():
    free, most = count_free(), find_allowance("/line/file/").most_bytes
    assert most > settings.UPLOAD_MAX_MB * 1_000_000
    upload = Upload(most + 1, most)
    for _ in range(most // len(BODY) + 1):
        upload.take(BODY)
    assert (upload.is_over, upload.open().read(), count_free()) == (True, b"", free)
    endless = Arrival()
    endless.take(b"POST /line/file/ HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n")
    assert endless.is_complete


def test_only_so_many_files_arrive_at_once_and_one_that_breaks_off_leaves_its_place():
    free = count_free()
    assert free == MOST_AT_ONCE
    arriving = [Upload(9, 10) for _ in range(MOST_AT_ONCE)]
    one_more = Upload(9, 10)
    one_more.take(b"123456789")
    body = one_more.open()
    with pytest.raises(OSError, match=BUSY):
        body.read()
    assert body.read() == b"", "gunicorn reads the rest before the next request"
    arriving.pop().drop()
    del arriving[0]
    assert count_free() == 2
    del arriving
    assert count_free() == free


def test_a_file_in_chunks_is_refused_by_its_head():
    arrival = Arrival()
    arrival.take(b"POST /line/file/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n")
    assert arrival.is_complete
