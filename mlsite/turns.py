"""Limits concurrent requests to the admin: its pages may be slow, and visitors never wait for them."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from mlsite.pooled.pool import Pool
from predictor.access.addresses import find_address
from predictor.access.sign_in import find_refusal
from predictor.exceptions import Overloaded
from predictor.languages import gettext as _
from predictor.turns import Turns as OneAtATime
from predictor.turns import leave_connection, slow
from predictor.upload_paths import is_upload
from predictor.web.errors import show_unavailable

# The admin's, and the site's own.
SIGN_IN_PATHS = ("/admin/login/", "/sign-in/")


class Turns:
    """Lets `number` requests run at a time; others wait in order, up to `seconds`, while `room` has a place."""

    def __init__(self, number: int, *, seconds: float, room: Pool) -> None:
        self._places, self._seconds, self._room = Pool(number), seconds, room

    @property
    def waiting(self) -> int:
        return self._places.waiting

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn; raise Overloaded where none comes in time."""
        with take_place(self._room, 0), take_place(self._places, self._seconds):
            yield


@contextmanager
def take_place(places: Pool, seconds: float) -> Iterator[None]:
    try:
        places.take(seconds)
    except TimeoutError:
        raise Overloaded("every turn is taken") from None
    try:
        yield
    finally:
        places.give_back(None)


class Crowd:
    """Lets in a few requests of each address at a time, so that one client cannot fill the queue."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._inside: Counter[str] = Counter()

    @contextmanager
    def enter(self, address: str) -> Iterator[None]:
        """Raise Overloaded where as many as allowed of this address are inside."""
        with self._lock:
            if self._inside[address] >= self._most:
                raise Overloaded(f"{address} has requests waiting already")
            self._inside[address] += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside[address] -= 1
                self._inside += Counter()  # Drops the counts that are 0.


# A greenlet that waits costs nearly nothing. Of a worker's 4 threads, 1 is left for visitors.
are_greenlets = bool(settings.DATABASE_POOL_SIZE)
threads = Pool(3)
# Half of the connections, shared with the API's lists; the others are for visitors.
pages = OneAtATime(waiting=64, seconds=8, turn=slow) if are_greenlets else Turns(2, seconds=8, room=threads)
# To keep a file takes seconds, with a connection for each piece alone: pages do not wait for it.
uploads = OneAtATime(waiting=8, seconds=8) if are_greenlets else pages
# One password is hashed at a time: two workers have no more cores. A client may send a form twice.
sign_ins = Turns(1, seconds=8, room=Pool(256) if are_greenlets else threads)
crowd = Crowd(2 if are_greenlets else 1)


def is_sign_in(request: HttpRequest) -> bool:
    """Whether a password was sent, which takes long to hash."""
    return request.method == "POST" and request.path_info in SIGN_IN_PATHS


def answer_in_turn(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> HttpResponse:
    """Answer a request to the admin when its turn comes, else with a 503."""
    is_file = request.method == "POST" and is_upload(request.path_info)
    if request.method == "POST" and not is_file:  # The body of a file stays on the disk.
        # A client that sends its body slowly does not hold a turn meanwhile; Django reports a broken one.
        with suppress(UnreadablePostError):
            request.body  # noqa: B018  # Reads it.
        if is_sign_in(request):
            return _answer_sign_in(request, get_response)
    try:
        with (uploads if is_file else pages).take():
            return _answer(request, get_response)
    except Overloaded:
        return show_unavailable(request, _("The admin is busy with other requests."))


def _answer_sign_in(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> HttpResponse:
    address = find_address(request)
    if find_refusal(address):
        return get_response(request)  # It is refused without a query and without a hash.
    try:
        with crowd.enter(address), sign_ins.take():
            return _answer(request, get_response)
    except Overloaded:
        return show_unavailable(request, _("Other people are signing in at the moment."))


def _answer(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> HttpResponse:
    """Give the connection back before the turn."""
    try:
        response: HttpResponse = get_response(request)
        return response
    finally:
        leave_connection()
