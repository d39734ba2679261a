"""A real server, and a visitor who talks HTTP to it as a browser without JavaScript would."""

import http.cookiejar
import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup

# Far more than it takes, so that a test fails for what it tests, and not for what else the machine does.
SECONDS_TO_START = 120


def find_free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@dataclass(kw_only=True)
class Server:
    process: subprocess.Popen
    log: Path
    address: str

    def wait_until(self, path, status=200):
        """Wait until a GET is answered with this status; fails with the server's log."""
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if Visitor(self.address).get(path).status == status:
                    return self
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{path} never answered {status}:\n{self.log.read_text()}")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=SECONDS_TO_START)


@dataclass(kw_only=True)
class Page:
    status: int
    url: str
    body: str

    @property
    def html(self):
        return BeautifulSoup(self.body, "html.parser")

    @property
    def answer(self):
        return self.html.select_one("output#prediction").text


class Visitor:
    def __init__(self, address):
        self.address = address
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def get(self, path, headers=None):
        return self._open(urllib.request.Request(self.address + path, headers=headers or {}))  # noqa: S310  # Our own address.

    def post_json(self, path, content):
        headers = {"Content-Type": "application/json"}
        body = json.dumps(content).encode()
        return self._open(urllib.request.Request(self.address + path, body, headers))  # noqa: S310  # Our own address.

    def post_form(self, path, fields):
        """Open the form, fill it in, and send it; gives the page that follows."""
        token = self.get(path).html.select_one("input[name=csrfmiddlewaretoken]")["value"]
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
        return self._open(urllib.request.Request(self.address + path, data=body))  # noqa: S310  # Our own address.

    def _open(self, request):
        try:
            answer = self.opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Page(status=answer.status, url=answer.url, body=answer.read().decode())
