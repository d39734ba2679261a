"""A visitor who looks at a site again and again while something else happens to it, and notes the longest wait."""

import http.client
import socket
import time
from contextlib import closing
from urllib.parse import urlencode, urlsplit

from tests.load import HEADERS, TOKEN
from tests.together import Background

# For so long anybody may wait, or on a busy machine so many times as long as without what else happens to the site.
SECONDS, TIMES = 2, 5
FORM = urlencode({"csrfmiddlewaretoken": TOKEN, "x": "5"})


class Watch(Background):
    """Each look is a connection of its own, a GET of /healthz and a POST of the form; none may fail.

    It is made before anything happens to the site, and measures how long a look takes then.
    """

    def __init__(self, address):
        self.address = address
        self.waits, self.failures = [], []
        for _ in range(5):
            self._look()
        self.most = max(SECONDS, TIMES * self.longest)
        self.waits = []

    def list_works(self):
        return [self._look_on]

    def check(self):
        """Fail where anybody has waited for too long."""
        assert self.longest < self.most, self.waits

    @property
    def longest(self):
        assert not self.failures
        assert self.waits
        return max(self.waits)

    def look_for(self, seconds):
        """Go on for so long, and until three looks are over at least."""
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(self.waits) < 3:
            assert time.monotonic() < until + 120, "the site does not answer"
            time.sleep(0.02)

    def _look_on(self):
        while not self.is_over.is_set():
            self._look()
            time.sleep(0.01)

    def _look(self):
        begun = time.monotonic()
        try:
            with closing(http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)) as visit:
                self._ask(visit, 200, "GET", "/healthz")
                self._ask(visit, 303, "POST", "/", FORM, HEADERS)
        except (OSError, http.client.HTTPException, AssertionError) as error:
            self.failures.append(error)
        self.waits.append(time.monotonic() - begun)

    def _ask(self, visit, status, *request):
        visit.request(*request)
        answer = visit.getresponse()
        answer.read()
        assert answer.status == status


def connect(address):
    """A socket to a site; what it says is up to the caller."""
    target = urlsplit(address)
    return socket.create_connection((target.hostname, target.port), timeout=60)


def read_answer(client):
    """All that comes until the server closes, or resets, the connection."""
    came = b""
    try:
        while piece := client.recv(65_536):
            came += piece
    except ConnectionResetError:
        pass
    return came.decode()
