"""What gunicorn's worker does for PostgreSQL and its clients; tests/test_faults.py tries it under load."""

import gc

import pytest

from mlsite.worker import OnePacket


class Client:
    """A socket that notes what it was told to send."""

    def __init__(self):
        self.sent = []

    def sendall(self, data):
        self.sent.append(data)

    def sendfile(self, file, count):
        self.sent.append(f"{count} bytes of {file}".encode())
        return count

    def fileno(self):
        return 7


@pytest.fixture
def client():
    return Client()


def test_headers_go_with_what_follows_them(client):
    answer = OnePacket(client)
    answer.sendall(b"headers ")
    assert client.sent == []
    answer.sendall(b"body ")
    answer.sendall(b"more")
    answer.flush()
    assert client.sent == [b"headers body ", b"more"]


def test_headers_that_nothing_follows_go_at_the_end(client):
    answer = OnePacket(client)
    answer.sendall(b"headers")
    answer.flush()
    answer.flush()
    assert client.sent == [b"headers"]


def test_headers_go_before_a_file(client):
    answer = OnePacket(client)
    answer.sendall(b"headers")
    assert answer.sendfile("site.css", count=3) == 3
    assert client.sent == [b"headers", b"3 bytes of site.css"]


def test_an_answer_that_was_never_begun_sends_nothing(client):
    OnePacket(client).flush()
    assert client.sent == []


def test_all_else_is_the_sockets_own(client):
    assert OnePacket(client).fileno() == 7


def test_importing_the_worker_leaves_the_collector_as_it_is():
    assert gc.get_freeze_count() == 0
