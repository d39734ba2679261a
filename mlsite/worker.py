"""gunicorn's gevent worker as this site needs it: one that waits for PostgreSQL without stopping everybody else."""

import gc
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import gevent
import psycopg2
from gunicorn.workers.ggevent import GeventWorker
from psycogreen.gevent import gevent_wait_callback
from psycopg2.extensions import STATUS_SETUP, set_wait_callback

Application = Callable[..., Any]

# libpq leaves both limits to whoever waits for it. A restart or a failover must become a 503 before the router gives
# up at 30 s.
SECONDS_TO_CONNECT = 5
SECONDS_TO_ANSWER = 10
# After SIGTERM, for those who are just about to send.
SECONDS_TO_SEND = 1


class Worker(GeventWorker):
    wsgi: Application

    def init_process(self) -> None:
        self.idle = Idle()
        super().init_process()

    def run(self) -> None:
        """Serve, with a batcher that has one connection of its own: started here, since no thread outlives a fork."""
        from django.db import connection

        from predictor.serving.batcher import batcher
        from predictor.serving.service import service

        set_wait_callback(wait_for_database)
        # Settings stay as they are from here on; gunicorn would look up 20 of them for each request.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        self.wsgi = give_back_connection(self.wsgi)
        forget_unneeded_signals()
        spare_collector()
        # A large forest takes onnxruntime a second, in which it needs no Python.
        service.call = gevent.get_hub().threadpool.apply
        batcher.start(lambda: setattr(connection, "is_reserved", True))
        clock = gevent.get_hub().loop.timer(1, 1)
        clock.start(self.hang_up)
        try:
            super().run()
        finally:
            batcher.stop()

    def handle_request(self, listener: Any, request: Any, client: Any, address: Any) -> None:
        """Serve one request, and then let everybody else have their turn.

        A client whose next request is there already would otherwise be served for as long as it likes, alone.
        """
        answer = OnePacket(client)
        try:
            super().handle_request(listener, request, answer, address)
        except StopIteration:  # gunicorn's word for an answer after which the connection is closed.
            answer.flush()
            raise
        answer.flush()
        gevent.sleep(0)

    def timeout_ctx(self) -> "Idle":
        return self.idle

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.idle.begin_anew()

    def hang_up(self) -> None:
        """Once a second. After SIGTERM, gunicorn would wait for idle clients until it must kill."""
        self.idle.hang_up(self.cfg.keepalive if self.alive else SECONDS_TO_SEND)


class Idle:
    """Clients that have sent no request yet, each with the moment when that began.

    One for all of them, where gevent's own timeout sets a timer for each request.
    """

    def __init__(self) -> None:
        self.since: dict[Any, float] = {}

    def __enter__(self) -> None:
        self.since[gevent.getcurrent()] = time.monotonic()

    def __exit__(self, kind: type[BaseException] | None, *raised: Any) -> bool:
        del self.since[gevent.getcurrent()]
        return kind is HungUp

    def begin_anew(self) -> None:
        self.since.update(dict.fromkeys(self.since, time.monotonic()))

    def hang_up(self, seconds: float) -> None:
        """Close the connections on which nobody has sent a request for so long; to be called by the hub."""
        too_long_ago = time.monotonic() - seconds
        for client, since in list(self.since.items()):
            if since <= too_long_ago:
                client.throw(HungUp)


class HungUp(BaseException):
    """Nobody has sent a request for too long."""


class OnePacket:
    """A client's socket that sends the headers of an answer together with what follows, and not on their own."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._held = b""
        self._is_begun = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, data: bytes) -> None:
        if self._is_begun:
            data, self._held = self._held + data, b""
            # Nearly every answer fits; sendall looks up how large the socket's buffer is before it tries.
            sent = self._client.send(data)
            if sent < len(data):
                self._client.sendall(data[sent:])
        else:
            self._held, self._is_begun = data, True

    def sendfile(self, *arguments: Any, **options: Any) -> Any:
        self.flush()
        return self._client.sendfile(*arguments, **options)

    def flush(self) -> None:
        """Send headers that nothing has followed."""
        if self._held:
            self.sendall(b"")


def spare_collector() -> None:
    """What a worker has loaded by now stays, and need not be looked through for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


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
    """What Django does around each request: connections were just seen to, and nothing is kept that it would reset."""
    from django.core.cache import close_caches
    from django.core.handlers.base import reset_urlconf
    from django.core.signals import request_finished, request_started
    from django.db import close_old_connections, reset_queries

    for receiver in (close_old_connections, reset_queries, close_caches, reset_urlconf):
        request_started.disconnect(receiver)
        request_finished.disconnect(receiver)


def wait_for_database(connection: Any) -> None:
    """Let other greenlets run until PostgreSQL has answered; raises OperationalError where it does not in time."""
    seconds = SECONDS_TO_CONNECT if connection.status == STATUS_SETUP else SECONDS_TO_ANSWER
    try:
        gevent_wait_callback(connection, timeout=seconds)
    except TimeoutError:
        raise psycopg2.OperationalError(f"PostgreSQL has not answered within {seconds} s") from None
