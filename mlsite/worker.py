"""gunicorn's gevent worker as this site needs it: one that waits for PostgreSQL without stopping everybody else."""

import gc
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
        self.idle: set[Idle] = set()
        super().init_process()

    def run(self) -> None:
        """Serve, with a batcher that has one connection of its own: started here, since no thread outlives a fork."""
        from django.db import connection

        from predictor.serving.batcher import batcher
        from predictor.serving.service import service

        set_wait_callback(wait_for_database)
        self.wsgi = give_back_connection(self.wsgi)
        forget_unneeded_signals()
        spare_collector()
        # A large forest takes onnxruntime a second, in which it needs no Python.
        service.loads_beside, service.call = True, gevent.get_hub().threadpool.apply
        batcher.start(lambda: setattr(connection, "is_reserved", True))
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
        return Idle(self)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        gevent.spawn_later(SECONDS_TO_SEND, self.hang_up)

    def hang_up(self) -> None:
        """Close the connections that nobody sends anything on; gunicorn would wait for them until it must kill."""
        for idle in list(self.idle):
            idle.greenlet.kill(idle, block=False)


class Idle(gevent.Timeout):
    """While a client has sent no request; ends after `keepalive` seconds, or when the worker hangs up."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker.cfg.keepalive, False)
        self.worker = worker

    def __enter__(self) -> "Idle":
        self.greenlet = gevent.getcurrent()
        self.worker.idle.add(self)
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> Any:
        self.worker.idle.discard(self)
        return super().__exit__(*raised)


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
            held, self._held = self._held, b""
            self._client.sendall(held + data)
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
