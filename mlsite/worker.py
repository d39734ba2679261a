"""gunicorn's gevent worker, adapted for PostgreSQL: a query blocks only its own request."""

import gc
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import gevent
import psycopg2
from gunicorn.http.errors import NoMoreData
from gunicorn.util import write_error
from gunicorn.workers.ggevent import GeventWorker
from psycogreen.gevent import gevent_wait_callback
from psycopg2.extensions import STATUS_SETUP, set_wait_callback

from mlsite.arrival import (
    CONTINUE,
    MOST_TAKEN,
    SECONDS_OF_GRACE,
    SECONDS_TO_LINGER,
    SECONDS_TO_SEND,
    TOO_SLOW,
    Body,
    TooSlow,
    bound_heads,
    find_allowance,
    take_body,
)
from mlsite.clients import OnePacket, Waiting, linger
from mlsite.refusals import refuse_in_json
from mlsite.uploads import drop_spool

Application = Callable[..., Any]

# libpq leaves both limits to its caller. A restart or a failover must become a 503 before the router gives up at 30 s.
SECONDS_TO_CONNECT = 5
SECONDS_TO_ANSWER = 10
# Of a body, in one turn.
MOST_READ = 128 * 1024
# For a client that has stopped reading its response.
SECONDS_TO_READ = 30


# Overrides what is not documented. Checked with gunicorn 27.0.1, as is all that tests/test_insides.py lists.
class Worker(GeventWorker):
    wsgi: Application

    def init_process(self) -> None:
        self.clients = 0
        # Waiting for the next request, for the rest of a body, for the client to read, and for it to close.
        self.idle, self.sending, self.reading, self.closing = Waiting(), Waiting(), Waiting(), Waiting()
        bound_heads()
        refuse_in_json()
        super().init_process()

    def run(self) -> None:
        """Serve, with a batcher that has one connection of its own: started here, since no thread survives a fork."""
        from django.db import connection

        from predictor.serving.batcher import batcher
        from predictor.threads import set_runner

        set_wait_callback(wait_for_database)
        # Settings stay as they are from here on; gunicorn would look up 20 of them for each request, where these are
        # attributes. Checked with gunicorn 27.0.1.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        self.wsgi = give_back_connection(self.wsgi)
        read_settings_directly()
        forget_unneeded_signals()
        spare_collector()
        set_runner(run_in_real_thread)
        batcher.start(lambda: setattr(connection, "is_reserved", True))
        clock = gevent.get_hub().loop.timer(1, 1)
        clock.start(self.hang_up)
        try:
            super().run()
        finally:
            batcher.stop()

    def handle(self, listener: Any, client: Any, address: Any) -> None:
        self.clients += 1
        self.make_room()
        try:
            super().handle(listener, client, address)
        finally:
            self.clients -= 1

    def make_room(self) -> None:
        """Near the limit, hang up on the client that was waited for longest, of the kind of which there are most."""
        if self.clients > MOST_TAKEN * self.worker_connections:
            waiting = max(self.idle, self.sending, self.reading, self.closing, key=lambda each: len(each.since))
            gevent.get_hub().loop.run_callback(waiting.hang_up_first)

    def handle_request(self, listener: Any, request: Any, client: Any, address: Any) -> None:
        """Serve one request, then let other greenlets run.

        A client that always has its next request ready would otherwise keep all others waiting.
        """
        answer = OnePacket(client, self.reading)
        is_whole = False
        try:
            is_whole = take_body(request, self.receive)
            super().handle_request(listener, request, answer, address)
        except TooSlow:
            with suppress(OSError):
                write_error(client, 408, "Request Timeout", TOO_SLOW)
            self.linger(client)
            raise StopIteration from None
        except StopIteration:  # gunicorn raises it after a response that closes the connection.
            answer.flush()
            if not is_whole:
                self.linger(client)
            raise
        finally:
            drop_spool(request.body)
        answer.flush()
        gevent.sleep(0)

    def receive(self, request: Any, body: Body, is_expected: bool) -> None:
        """Read a request's body; raise TooSlow where it does not arrive at the minimum rate."""
        rate = find_allowance(request.path).bytes_a_second
        read = 0
        with self.sending:
            if is_expected:
                request.unreader.sock.sendall(CONTINUE)
            while not body.is_over:
                piece = request.unreader.read(None, read_ahead=min(body.missing, MOST_READ))
                if not piece:
                    raise NoMoreData(b"")
                body.take(piece)
                self.sending.grant(len(piece) / rate)
                read += len(piece)
                if read >= MOST_READ:
                    read = 0
                    gevent.sleep(0)  # The next piece has probably arrived, too: other greenlets run first.
        if not body.is_over:
            raise TooSlow
        if body.rest:
            request.unreader.unread(bytes(body.rest))

    def linger(self, client: Any) -> None:
        self.make_room()
        with self.closing:
            linger(client)

    def handle_error(self, request: Any, client: Any, address: Any, error: BaseException) -> None:
        super().handle_error(request, client, address, error)
        self.linger(client)

    def timeout_ctx(self) -> Waiting:
        return self.idle

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.idle.begin_anew()

    def hang_up(self) -> None:
        """Hang up on late clients, once a second. After SIGTERM, gunicorn would wait for idle ones to the end."""
        self.idle.hang_up(self.cfg.keepalive if self.alive else SECONDS_TO_SEND)
        self.sending.hang_up(SECONDS_OF_GRACE)
        self.reading.hang_up(SECONDS_TO_READ)
        self.closing.hang_up(SECONDS_TO_LINGER)
        self.count_connections()

    def count_connections(self) -> None:
        from mlsite.pooled.base import pool
        from predictor.telemetry import set_connections

        set_connections(clients=self.clients, used=pool.used, waiting=pool.waiting)


def run_in_real_thread(work: Callable[[], Any]) -> Any:
    """Let the other greenlets run meanwhile, and hold no pooled connection."""
    from predictor.turns import leave_connection

    leave_connection()
    return gevent.get_hub().threadpool.apply(work)


def spare_collector() -> None:
    """Exclude what a worker has loaded so far, which stays, from garbage collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


def read_settings_directly() -> None:
    """Leave out the lookup in Python before each of Django's settings: requests read 50 of them, in 2 % of their time.

    It hides attributes that a wrapped object lacks; settings have none of those.
    """
    from django.conf import LazySettings

    LazySettings.__getattribute__ = object.__getattribute__  # type: ignore[method-assign]  # Checked with Django 5.2.19.


def give_back_connection(application: Application) -> Application:
    """Give a pooled connection back before the answer is sent: a client that stops reading must not hold it."""
    from django.db import connection

    def answer(*arguments: Any) -> Any:
        try:
            return application(*arguments)
        finally:
            connection.close_if_unusable_or_obsolete()

    return answer


def forget_unneeded_signals() -> None:
    """Disconnect what Django does around each request: connections are given back here, the rest is unused."""
    from django.core.cache import close_caches
    from django.core.handlers.base import reset_urlconf
    from django.core.signals import request_finished, request_started
    from django.db import close_old_connections, reset_queries

    # All that Django connects. Checked with Django 5.2.19.
    for receiver in (close_old_connections, reset_queries, close_caches, reset_urlconf):
        request_started.disconnect(receiver)
        request_finished.disconnect(receiver)


def wait_for_database(connection: Any) -> None:
    """Let other greenlets run until PostgreSQL answers; raise OperationalError where it does not in time."""
    seconds = SECONDS_TO_CONNECT if connection.status == STATUS_SETUP else SECONDS_TO_ANSWER
    try:
        gevent_wait_callback(connection, timeout=seconds)  # Checked with psycogreen 1.0.2.
    except TimeoutError:
        raise psycopg2.OperationalError(f"PostgreSQL has not answered within {seconds} s") from None
