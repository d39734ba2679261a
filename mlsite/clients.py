"""A client's connection in a worker of greenlets: how long it is waited for, and how responses are sent."""

import errno
import socket
import time
from typing import Any

import gevent

from mlsite.arrival import MOST_LEFT_BYTES

MOST_READ = 16 * 1024


class Waiting:
    """The clients that are waited for, each with the moment when that began.

    One timer for all of them; gevent's own Timeout would start one for each request.
    """

    def __init__(self) -> None:
        self.since: dict[Any, float] = {}

    def __enter__(self) -> None:
        self.since[gevent.getcurrent()] = time.monotonic()

    def __exit__(self, kind: type[BaseException] | None, *raised: Any) -> bool:
        del self.since[gevent.getcurrent()]
        return kind is HungUp

    def grant(self, seconds: float) -> None:
        """Give the client of this greenlet this much more time."""
        self.since[gevent.getcurrent()] += seconds

    def begin_anew(self) -> None:
        self.since.update(dict.fromkeys(self.since, time.monotonic()))

    def hang_up(self, seconds: float) -> None:
        """Close the connections that were waited for that long; to be called by the hub."""
        too_long_ago = time.monotonic() - seconds
        for client, since in list(self.since.items()):
            if since <= too_long_ago:
                client.throw(HungUp)

    def hang_up_first(self) -> None:
        """Close the connection that has been waited for longest; to be called by the hub."""
        for client in self.since:
            client.throw(HungUp)
            break


class HungUp(BaseException):  # Thrown into a greenlet, where no `except Exception` may catch it.
    """A client was waited for longer than allowed."""


# Relies on what gunicorn calls for an answer. Checked with gunicorn 27.0.1 (tests/test_insides.py).
class OnePacket:
    """A client's socket that sends the headers of a response together with the body, and not on their own."""

    def __init__(self, client: Any, waiting: Waiting) -> None:
        self._client, self._waiting = client, waiting
        self._held = b""
        self._is_begun = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, data: bytes) -> None:
        if self._is_begun:
            data, self._held = self._held + data, b""
            with self._waiting:
                # Nearly every response fits; sendall would look up the size of the socket's buffer before it tries.
                sent = self._client.send(data)
                if sent < len(data):
                    self._client.sendall(data[sent:])
                return
            raise BrokenPipeError(errno.EPIPE, "The client does not read its answer")
        self._held, self._is_begun = data, True

    def sendfile(self, *arguments: Any, **options: Any) -> Any:
        self.flush()
        with self._waiting:
            return self._client.sendfile(*arguments, **options)
        raise BrokenPipeError(errno.EPIPE, "The client does not read its answer")

    def flush(self) -> None:
        """Send headers that nothing has followed."""
        if self._held:
            self.sendall(b"")


def linger(client: Any) -> None:
    """Let a client that may still be sending read its response, before its connection is closed.

    If it were closed at once with data unread, the client's system would discard the response, too. The caller limits
    the time.
    """
    try:
        client.shutdown(socket.SHUT_WR)
        left = MOST_LEFT_BYTES
        while left > 0:
            read = client.recv(min(left, MOST_READ))
            if not read:
                return
            left -= len(read)
            gevent.sleep(0)
    except OSError:
        return
    gevent.sleep(60)
