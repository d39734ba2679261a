"""What gunicorn's worker does for SQLite's clients; tests/test_attacks.py tries it with a real server."""

import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mlsite.threads import MOST_READ, Departure, Outbox
from tests.visitor import Visitor


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


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.mark.both_databases
def test_a_request_for_a_pages_head_is_answered_without_a_warning(serve):
    server = serve(WEB_CONCURRENCY="1").wait_until("/healthz")
    with closing(HTTPConnection(urlsplit(server.address).netloc)) as client:
        for path in ("/healthz", "/admin/login/"):
            client.request("HEAD", path)
            answer = client.getresponse()
            assert (answer.status, answer.read()) == (200, b"")
    assert "WARNING" not in server.log.read_text()


@pytest.mark.both_databases
def test_workers_whose_master_was_killed_free_the_port_in_a_moment_whoever_is_connected(serve):
    server = serve(WEB_CONCURRENCY="2").wait_until("/healthz")
    port = urlsplit(server.address).port
    with ExitStack() as clients:
        for begun in [b"", b"GET /healthz HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"] * 3:
            client = clients.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(begun)
        assert Visitor(server.address).get("/healthz").status == 200
        server.process.kill()
        killed = time.monotonic()
        while not is_free(port):
            assert time.monotonic() < killed + 10, "the port is taken"
            time.sleep(0.05)


# What msgspec has not built yet, it would build from these annotations, and fail.
STRUCTS_OF_A_SITE = """
import sys, msgspec, mlsite.wsgi
for struct in list(mlsite.structs._find_structs(msgspec.Struct)):
    struct.__annotations__ = dict.fromkeys(struct.__struct_fields__, "NotBuiltYet")
    msgspec.json.Decoder(struct)
print(*sys.modules)
"""
ONLY_OF_COMMANDS = ("predictor.training.", "predictor.cluster.", "predictor.scoring.", "predictor.record.table_summary")


def test_what_threads_may_read_at_once_was_prepared_before_them():
    program = [sys.executable, "-c", STRUCTS_OF_A_SITE]
    done = subprocess.run(program, capture_output=True, text=True, check=False)  # noqa: S603  # A script of ours.
    assert done.returncode == 0, done.stderr
    defining = {
        ".".join(file.with_suffix("").parts)
        for file in Path("predictor").rglob("*.py")
        if re.search(r"^class .*\bStruct\b", file.read_text("utf-8"), re.MULTILINE)
    }
    later = defining.difference(done.stdout.split())
    assert {name for name in later if not name.startswith(ONLY_OF_COMMANDS)} == set()
