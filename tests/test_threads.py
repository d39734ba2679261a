"""What gunicorn's worker does for SQLite's clients; tests/test_attacks.py tries it with a real server."""

import socket
import time

import pytest

from mlsite.threads import MOST_READ, Departure, Outbox


@pytest.fixture
def pair():
    """A server's socket that waits for nothing longer than a moment, and its client."""
    server, client = socket.socketpair()
    with server, client:
        client.settimeout(10)
        yield server, client


def test_what_a_client_takes_at_once_is_sent_at_once(pair):
    server, client = pair
    outbox = Outbox(server)
    outbox.sendall(b"headers ")
    outbox.sendall(b"body")
    assert client.recv(100) == b"headers body"
    assert not outbox.rest


def test_what_a_client_does_not_take_is_kept_in_its_order(pair):
    server, client = pair
    outbox = Outbox(server)
    sent = [str(number).encode() * MOST_READ for number in range(1, 10)] * 2
    for piece in sent:
        outbox.sendall(piece)
    assert outbox.rest
    came = bytearray()
    while len(came) + len(outbox.rest) < len(b"".join(sent)):
        came += client.recv(MOST_READ)
    assert bytes(came + outbox.rest) == b"".join(sent)


def test_all_else_is_the_sockets_own(pair):
    assert Outbox(pair[0]).fileno() == pair[0].fileno()


def test_whoever_reads_on_is_given_more_time():
    departure = Departure(rest=bytearray(b"body"), until=0.0)
    departure.note(3)
    assert departure.rest == b"y"
    assert departure.until > time.monotonic()
