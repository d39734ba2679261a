"""Whose turn it is in the admin: its pages may be slow, and visitors never wait for them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from mlsite.pooled.places import Places
from predictor.access.addresses import find_address
from predictor.access.sign_in import find_refusal
from predictor.exceptions import Overloaded
from predictor.web.errors import show_unavailable

SIGN_IN_PATH = "/admin/login/"


class Turns:
    """So many requests at a time; some others wait for so many seconds, in order, and all further ones are refused."""

    def __init__(self, number: int, *, seconds: float, most_waiting: int) -> None:
        self._places = Places(number)
        self._seconds, self._most_waiting = seconds, most_waiting

    @property
    def waiting(self) -> int:
        return self._places.waiting

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn; raises Overloaded where none comes."""
        try:
            self._places.take(self._seconds if self.waiting < self._most_waiting else 0)
        except TimeoutError:
            raise Overloaded("every turn is taken") from None
        try:
            yield
        finally:
            self._places.give_back(None)


# Who waits costs a greenlet nothing; of a worker's 4 threads, 1 must be left for visitors.
are_greenlets = bool(settings.DATABASE_POOL_SIZE)
# Half of the connections, so that the others are the visitors'.
pages = Turns(2, seconds=8, most_waiting=64 if are_greenlets else 0)
# One password is hashed at a time: two workers have no more cores than that.
sign_ins = Turns(1, seconds=1.5, most_waiting=256 if are_greenlets else 0)


def answer_in_turn(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> HttpResponse:
    """Answer a request to the admin when its turn comes, or with a 503."""
    if request.method == "POST":
        # A client that sends its body slowly has no turn meanwhile; Django says what is wrong with a broken one.
        with suppress(UnreadablePostError):
            request.body  # noqa: B018  # Reads it.
    turns, hint = pages, "Other people are using the admin."
    if request.method == "POST" and request.path_info == SIGN_IN_PATH:
        turns, hint = sign_ins, "Other people are signing in."
        if find_refusal(find_address(request)):
            return get_response(request)  # Neither a query nor a hash is to come.
    try:
        with turns.take():
            return _answer(request, get_response)
    except Overloaded:
        return show_unavailable(request, hint)


def _answer(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> HttpResponse:
    """The connection goes back before the turn does."""
    try:
        response: HttpResponse = get_response(request)
        return response
    finally:
        leave_connection()


def leave_connection() -> None:
    """To whoever waits for one, unless a transaction is open, as in tests and where the admin saves a form."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
