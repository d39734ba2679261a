"""What is attacked: a site on this machine's loopback, and on no other."""

import http.client
import ipaddress
import socket
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

TOKEN = "a" * 32
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={TOKEN}"}
JSON = {"Content-Type": "application/json"}
# Attackers come from another address of the loopback than visitors, where every one of them may be used.
ATTACKERS = ("127.0.0.2", 0) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class Target:
    """A site: where it is, a model of it with inputs that it answers, and what only a site of our own lets us use."""

    host: str
    port: int
    model: str = "line"
    inputs: dict[str, Any] = field(default_factory=lambda: {"x": 5})
    username: str = ""
    password: str = field(default="", repr=False)
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    folder: Path = Path()
    ends: float = 0.0

    @property
    def seconds_left(self) -> float:
        return self.ends - time.monotonic()

    def until(self, ends: float) -> "Target":
        """The same for an attack that ends at this moment of the monotonic clock, which all processes share."""
        return replace(self, ends=ends)

    @property
    def form_path(self) -> str:
        return f"/{self.model}/"

    @property
    def api_path(self) -> str:
        return f"/api/v1/models/{self.model}/predict"

    @property
    def source(self) -> tuple[str, int] | None:
        return None if ":" in self.host else ATTACKERS


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def find_loopback(address: str) -> tuple[str, int]:
    """The host and port of an address, once every name in it is resolved; raises ValueError unless it is loopback."""
    parts = urlsplit(address)
    try:
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError("an address is written like http://127.0.0.1:8000")
        found = {
            str(each[4][0]) for each in socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
        }
    except OSError as error:
        raise ValueError(f"{parts.hostname} was not found: {error.strerror}") from error
    if foreign := sorted(each for each in found if not ipaddress.ip_address(each.partition("%")[0]).is_loopback):
        raise ValueError(f"{foreign[0]} is not this machine's loopback, and nothing else is attacked")
    # The name is not resolved a second time, and IPv4 comes first, since the site listens there unless it is changed.
    return min(found, key=lambda each: (":" in each, each)), parts.port or 80


def ask(
    target: Target,
    method: str,
    path: str,
    body: bytes | str | None = None,
    headers: dict[str, str] | None = None,
    *,
    source: tuple[str, int] | None = None,
    seconds: float = 30,
) -> Answer:
    """One request on a connection of its own; raises OSError or HTTPException where no answer comes."""
    connection = http.client.HTTPConnection(target.host, target.port, timeout=seconds, source_address=source)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(status=response.status, headers=response.headers, body=response.read())
    finally:
        connection.close()


def write_form(fields: dict[str, Any]) -> str:
    return urlencode({"csrfmiddlewaretoken": TOKEN, **fields})


def write_head(target: Target, method: str, path: str, rest: str) -> bytes:
    """The beginning of a request as it is sent, for those that no library would send."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{method} {path} HTTP/1.1\r\nHost: {host}:{target.port}\r\n{rest}".encode()


def read_answer(client: socket.socket) -> Answer:
    response = http.client.HTTPResponse(client)
    response.begin()
    return Answer(status=response.status, headers=response.headers, body=response.read())
