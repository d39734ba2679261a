"""What gunicorn's worker does for PostgreSQL and its clients; tests/test_faults.py tries it under load."""

import subprocess
import sys

import gevent
import pytest

from mlsite.clients import OnePacket, Waiting
from tests.conftest import ROOT


class Client:
    """A socket that records what is sent."""

    def __init__(self, room=1_000):
        self.sent = []
        self.room = room

    def send(self, data):
        self.sent.append(data[: self.room])
        return len(self.sent[-1])

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
    answer = OnePacket(client, Waiting())
    answer.sendall(b"headers ")
    assert client.sent == []
    answer.sendall(b"body ")
    answer.sendall(b"more")
    answer.flush()
    assert client.sent == [b"headers body ", b"more"]


def test_what_the_socket_has_no_room_for_is_sent_too():
    client = Client(room=10)
    answer = OnePacket(client, Waiting())
    answer.sendall(b"headers ")
    answer.sendall(b"and a body")
    assert client.sent == [b"headers an", b"d a body"]


def test_headers_that_nothing_follows_go_at_the_end(client):
    answer = OnePacket(client, Waiting())
    answer.sendall(b"headers")
    answer.flush()
    answer.flush()
    assert client.sent == [b"headers"]


def test_headers_go_before_a_file(client):
    answer = OnePacket(client, Waiting())
    answer.sendall(b"headers")
    assert answer.sendfile("site.css", count=3) == 3
    assert client.sent == [b"headers", b"3 bytes of site.css"]


def test_an_answer_that_was_never_begun_sends_nothing(client):
    OnePacket(client, Waiting()).flush()
    assert client.sent == []


def test_all_else_is_the_sockets_own(client):
    assert OnePacket(client, Waiting()).fileno() == 7


def test_importing_the_worker_leaves_the_collector_as_it_is():
    check = "import gc, mlsite.worker; raise SystemExit(gc.get_freeze_count() > 0)"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)  # noqa: S603  # Our own.


class Visit:
    """A client that may be hung up on while it has sent nothing, and then is busy."""

    def __init__(self, idle, *, seconds_to_send):
        self.seconds_to_send, self.has_sent = seconds_to_send, False
        self.greenlet = gevent.spawn(self.come, idle)
        gevent.sleep(0)

    def come(self, idle):
        with idle:
            gevent.sleep(self.seconds_to_send)
            self.has_sent = True
        return "served" if self.has_sent else "hung up on"


def hang_up(idle, seconds):
    gevent.get_hub().loop.run_callback(idle.hang_up, seconds)
    gevent.sleep(0.01)


def test_only_clients_that_have_sent_nothing_for_too_long_are_hung_up_on():
    idle = Waiting()
    old = Visit(idle, seconds_to_send=60)
    idle.since[old.greenlet] -= 100
    new, quick = Visit(idle, seconds_to_send=0.05), Visit(idle, seconds_to_send=0)
    hang_up(idle, seconds=100)
    gevent.joinall([old.greenlet, new.greenlet, quick.greenlet], timeout=10)
    assert [visit.greenlet.value for visit in (old, new, quick)] == ["hung up on", "served", "served"]
    assert not idle.since


def test_whoever_is_idle_at_the_end_is_given_time_once_more():
    idle = Waiting()
    visit = Visit(idle, seconds_to_send=60)
    idle.since[visit.greenlet] -= 100
    idle.begin_anew()
    hang_up(idle, seconds=100)
    assert not visit.greenlet.dead
    hang_up(idle, seconds=0)
    visit.greenlet.join(timeout=10)
    assert visit.greenlet.value == "hung up on"


class Stuck(Client):
    """A socket whose client reads nothing."""

    def send(self, data):
        gevent.sleep(60)


def test_whoever_does_not_read_an_answer_is_hung_up_on():
    waiting = Waiting()
    answer = OnePacket(Stuck(), waiting)
    answer.sendall(b"headers")
    sending = gevent.spawn(answer.sendall, b"body")
    gevent.sleep(0.01)
    hang_up(waiting, seconds=0)
    sending.join(timeout=10)
    assert isinstance(sending.exception, BrokenPipeError)
    assert not waiting.since


def test_whoever_sends_at_the_minimum_rate_is_given_more_time():
    waiting = Waiting()

    def send():
        with waiting:
            waiting.grant(60)
            gevent.sleep(0.05)
            return "served"

    sending = gevent.spawn(send)
    gevent.sleep(0)
    hang_up(waiting, seconds=0)
    sending.join(timeout=10)
    assert sending.value == "served"


def test_the_one_that_is_waited_for_the_longest_makes_room():
    idle = Waiting()
    first, second = (Visit(idle, seconds_to_send=0.2) for _ in range(2))
    gevent.get_hub().loop.run_callback(idle.hang_up_first)
    gevent.joinall([first.greenlet, second.greenlet], timeout=10)
    assert [visit.greenlet.value for visit in (first, second)] == ["hung up on", "served"]
