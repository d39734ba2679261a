"""Visitors who post a page's form again and again, and note what became of each try."""

import http.client
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlencode, urlsplit

from tests.together import Background

# Far more than it takes, so that a test fails for what it tests, and not for what else the machine does.
SECONDS = 120
TOKEN = "a" * 32
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={TOKEN}"}
ANSWER = re.compile(r"/predictions/([0-9a-f-]{36})/")


@dataclass(kw_only=True)
class Tried:
    """What came of a POST: "answer", "refused" (nobody listens), "cut", or the status; when, and by whom."""

    what: str
    begun_at: float
    at: float
    visitor: int
    id: str = ""


@dataclass(kw_only=True)
class Load(Background):
    """Some visitors, each on a connection that it keeps; leaving the block sends them away."""

    address: str
    visitors: int = 8
    path: str = "/"
    x: str = "5"
    tries: list[Tried] = field(default_factory=list)

    def list_works(self):
        return [partial(self._visit, number) for number in range(self.visitors)]

    @property
    def counts(self):
        return Counter(tried.what for tried in self.tries)

    @property
    def ids(self):
        return [tried.id for tried in self.tries if tried.id]

    def wait_for_answers(self, *, each=5, seconds=SECONDS):
        """Wait until as many new answers came as `each` visitor would have; fails when they take longer."""
        started = time.monotonic()
        before = self.counts["answer"]
        while self.counts["answer"] < before + each * self.visitors:
            assert time.monotonic() < started + seconds, self.counts
            time.sleep(0.01)

    def wait_for_everybody(self, *, seconds=SECONDS):
        """Wait until each visitor has had an answer: a worker that has just begun loads the model first."""
        started = time.monotonic()
        while len({tried.visitor for tried in self.tries if tried.what == "answer"}) < self.visitors:
            assert time.monotonic() < started + seconds, self.counts
            time.sleep(0.01)

    def _visit(self, visitor):
        connection, is_fresh = self._connect(), True
        while not self.is_over.is_set():
            begun_at = time.monotonic()
            try:
                what, id = self._post(connection)
                is_fresh = connection.sock is None  # The server has said that this was the last one.
            except (OSError, http.client.HTTPException):
                what, id = ("refused" if is_fresh else "cut"), ""
                connection.close()
                connection, is_fresh = self._connect(), True
                time.sleep(0.02)
            self.tries.append(Tried(what=what, begun_at=begun_at, at=time.monotonic(), visitor=visitor, id=id))
        connection.close()

    def _connect(self):
        return http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)

    def _post(self, connection):
        connection.request("POST", self.path, urlencode({"csrfmiddlewaretoken": TOKEN, "x": self.x}), HEADERS)
        response = connection.getresponse()
        response.read()
        found = ANSWER.search(response.getheader("Location", ""))
        if found:
            return "answer", found[1]
        if response.status == 503:
            assert response.getheader("Retry-After")
        return str(response.status), ""
