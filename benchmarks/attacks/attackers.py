"""What attackers have in common: many of them act again and again until their time is over."""

import http.client
import multiprocessing
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from benchmarks.attacks.target import Answer, Target
from benchmarks.lifetime import end_when_asked

SECONDS_TO_END = 10.0
SECONDS_TO_ANSWER = 10.0

Act = Callable[[Target], Answer | None]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One attack: what it is in a line, what runs it until the target's time is over, and what it needs.

    `needs` is "" (any site), "account" (a user who may sign in to the admin), or "own" (a site that was started here).
    `begins_first`: before any visitor, in a site that was just started.
    """

    title: str
    run: Callable[[Target], None]
    needs: str = ""
    database: str = ""
    begins_first: bool = False
    with_sign_ins: bool = False
    least_seconds: float = 0


def repeat(target: Target, clients: int, act: Act) -> None:
    """Let so many clients act again and again, each on its own, until the target's time is over; says what they got."""
    got: Counter[str] = Counter()
    threads = [threading.Thread(target=_repeat, args=(target, act, got), daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, target.seconds_left) + 0.5)
    shown = ", ".join(f"{count} × {what}" for what, count in got.most_common()) or "no answer yet"
    print(f"  the attackers got: {shown}", file=sys.stderr)


def _repeat(target: Target, act: Act, got: "Counter[str]") -> None:
    while target.seconds_left > 0:
        try:
            answer = act(target)
            got[str(answer.status if answer else "nothing")] += 1
        except (OSError, http.client.HTTPException) as error:  # Refused or cut off, as it should be: try again.
            got[type(error).__name__] += 1
            time.sleep(0.05)


def connect(target: Target) -> socket.socket:
    return socket.create_connection((target.host, target.port), timeout=SECONDS_TO_ANSWER, source_address=target.source)


@contextmanager
def attacking(attack: Attack, target: Target) -> Iterator[None]:
    """Run an attack in a process of its own, so that it takes no time from the visitors who measure."""
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(attack, target), daemon=True)
    process.start()
    try:
        yield
    finally:
        _end(process, target)


def _end(process: BaseProcess, target: Target) -> None:
    process.join(max(0.0, target.seconds_left) + SECONDS_TO_END)
    if process.is_alive():
        process.terminate()
        process.join(5)
        process.kill()
    if process.exitcode not in (0, 143, -signal.SIGTERM):
        print(f"WARNING: the attack itself failed with status {process.exitcode}", file=sys.stderr)


def _run(attack: Attack, target: Target) -> None:
    end_when_asked()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The one who measures ends it.
    attack.run(target)
