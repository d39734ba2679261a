"""gunicorn's worker of threads, adapted for SQLite: only a request that has arrived in full occupies a thread.

gunicorn's own worker gives a connection one of its few threads at the first byte, and that thread waits for the rest.
"""

import selectors
import socket
import struct
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gunicorn.http.errors import NoMoreData
from gunicorn.util import write_error
from gunicorn.workers.gthread import TConn, ThreadWorker

from mlsite.arrival import (
    CONTINUE,
    MOST_LEFT_BYTES,
    MOST_TAKEN,
    SECONDS_TO_LINGER,
    SECONDS_TO_SEND,
    TOO_SLOW,
    Body,
    bound_heads,
    take_body,
)
from mlsite.assembly import Arrival
from mlsite.refusals import refuse_in_json
from mlsite.uploads import Upload, drop_spool

MOST_READ = 64 * 1024
# For a client that has stopped reading its response.
SECONDS_TO_READ = 30.0
# Where a response is longer than what is buffered for a client, its thread waits for the client, this long at a time.
MOST_KEPT_BYTES = 4_000_000
SECONDS_IN_THREAD = 5


# Overrides what is not documented. Checked with gunicorn 27.0.1, as is all that tests/test_insides.py lists.
class Worker(ThreadWorker):
    def init_process(self) -> None:
        # The clients that it waits for, longest wait first: for the rest of a request, to read the rest of a response,
        # and to close after the last one, with the deadline and the number of bytes that are still read.
        self.arriving: dict[TConn, Arrival] = {}
        self.leaving: dict[TConn, Departure] = {}
        self.closing: dict[TConn, tuple[float, int]] = {}
        # Whose body has arrived on the disk.
        self.uploads: dict[TConn, Upload] = {}
        self.next_check = 0.0
        bound_heads()
        refuse_in_json()
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        super().accept(listener)
        if self.nr_conns > MOST_TAKEN * self.worker_connections:
            self.make_room()

    def make_room(self) -> None:
        """Hang up on the client that has waited longest, of the kind of which there are most."""
        waiting: dict[TConn, Any] = max([self.arriving, self.leaving, self.closing], key=len)
        if len(waiting) > len(self.keepalived_conns):
            self.hang_up(next(iter(waiting)))
        elif self.keepalived_conns:
            self.keepalived_conns[0].timeout = 0.0
            self.murder_keepalived()

    def is_parent_alive(self) -> bool:
        """Called once a second. Without its master, free the port at once: the next master may be waiting for it."""
        if super().is_parent_alive():
            return True
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        self.alive = False
        return False

    def enqueue_req(self, conn: TConn) -> None:
        """Occupy a thread once all of the request has arrived."""
        if self.cfg.is_ssl:
            super().enqueue_req(conn)
            return
        arrival = Arrival()
        if conn.initialized:
            arrival.take(conn.parser.unreader.take_buffered())
        else:
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SECONDS_IN_THREAD, 0))
        conn.sock.setblocking(False)
        self.arriving[conn] = arrival
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.receive, conn))
        self.receive(conn)

    def receive(self, conn: TConn, *_: Any) -> None:
        """Read what has arrived of a request; called whenever the socket is readable."""
        arrival = self.arriving[conn]
        if not arrival.is_complete:
            try:
                piece = conn.sock.recv(MOST_READ)
            except BlockingIOError:
                return
            except OSError:
                piece = b""
            if not piece:
                self.hang_up(conn)
                return
            arrival.take(piece)
            if arrival.expects_continue:
                arrival.expects_continue = False
                with suppress(OSError):
                    conn.sock.send(CONTINUE)
        if arrival.is_complete:
            self.forget(conn)
            conn.init()
            conn.parser.unreader.unread(bytes(arrival.data))
            if arrival.upload is not None:
                self.uploads[conn] = arrival.upload
            super().enqueue_req(conn)

    def handle_request(self, request: Any, conn: TConn) -> bool:
        take_body(request, receive_at_once, self.uploads.pop(conn, None))
        client, conn.sock = conn.sock, Outbox(conn.sock)
        try:
            is_kept = bool(super().handle_request(request, conn))
            if conn.sock.rest:
                self.leaving[conn] = Departure(rest=conn.sock.rest)
        except BlockingIOError:  # Raised where the client has not read its response within the socket's timeout.
            return False
        finally:
            conn.sock = client
            drop_spool(request.body)
        return is_kept

    def finish_request(self, conn: TConn, done: "Future[Any]") -> None:
        """After a response: the next request, or the close, in which gunicorn's own would block the whole worker."""
        if conn in self.leaving:
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_WRITE, partial(self.send_rest, conn, done))
        elif done.cancelled() or done.exception() or done.result():
            super().finish_request(conn, done)
        else:
            self.linger(conn)

    def send_rest(self, conn: TConn, done: "Future[Any]", *_: Any) -> None:
        departure = self.leaving[conn]
        try:
            sent = conn.sock.send(departure.rest[:MOST_READ])
        except BlockingIOError:
            return
        except OSError:
            self.hang_up(conn)
            return
        departure.note(sent)
        if not departure.rest:
            self.forget(conn)
            self.finish_request(conn, done)

    def linger(self, conn: TConn) -> None:
        """Let a client that may still be sending read its response."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close(conn)
            return
        self.closing[conn] = time.monotonic() + SECONDS_TO_LINGER, MOST_LEFT_BYTES
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.discard, conn))

    def discard(self, conn: TConn, *_: Any) -> None:
        until, left = self.closing[conn]
        try:
            read = conn.sock.recv(min(left, MOST_READ))
        except BlockingIOError:
            return
        except OSError:
            read = b""
        if not read:
            self.hang_up(conn)
            return
        self.closing[conn] = until, left - len(read)
        if left == len(read):
            self.poller.unregister(conn.sock)

    def murder_pending(self) -> None:
        """Called after each event. Once a second, hang up on clients that were waited for too long."""
        super().murder_pending()
        now = time.monotonic()
        if now < self.next_check:
            return
        self.next_check = now + 1
        seconds = self.cfg.keepalive if self.alive else SECONDS_TO_SEND
        for conn, arrival in list(self.arriving.items()):
            if arrival.is_late(now):
                self.forget(conn)
                self.refuse(conn)
            elif not arrival.data and now - arrival.since > seconds:
                self.hang_up(conn)
        expired = [conn for conn, (until, _) in self.closing.items() if now > until]
        expired += [conn for conn, departure in self.leaving.items() if now > departure.until]
        for conn in expired:
            self.hang_up(conn)

    def refuse(self, conn: TConn) -> None:
        try:
            write_error(conn.sock, 408, "Request Timeout", TOO_SLOW)
        except OSError:
            self.close(conn)
        else:
            self.linger(conn)

    def forget(self, conn: TConn) -> None:
        """Stop waiting for a client."""
        for waiting in (self.arriving, self.leaving, self.closing):
            waiting.pop(conn, None)
        if conn.sock in self.poller.get_map():
            self.poller.unregister(conn.sock)

    def hang_up(self, conn: TConn) -> None:
        self.forget(conn)
        self.close(conn)

    def close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        self.uploads.pop(conn, None)
        conn.close()


@dataclass(kw_only=True)
class Departure:
    """What a client still has to read of a response, and until when it must have read more."""

    rest: bytearray
    until: float = field(default_factory=lambda: time.monotonic() + SECONDS_TO_READ)

    def note(self, sent: int) -> None:
        del self.rest[:sent]
        self.until = time.monotonic() + SECONDS_TO_READ


class Outbox:
    """A client's socket, for a thread that must not wait for the client: what cannot be sent at once is buffered."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self.rest = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, data: bytes) -> None:
        sent = 0
        if not self.rest:
            with suppress(BlockingIOError):
                sent = self._client.send(data, socket.MSG_DONTWAIT)
        self.rest += data[sent:]
        if len(self.rest) > MOST_KEPT_BYTES:
            self._client.sendall(self.rest)
            self.rest.clear()


def receive_at_once(request: Any, body: Body, is_expected: bool) -> None:
    """A body that has arrived with its head; a client that waited for “100 Continue” already got it."""
    body.take(request.unreader.take_buffered())
    if not body.is_over:
        raise NoMoreData(b"")
    request.unreader.unread(bytes(body.rest))
