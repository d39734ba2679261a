"""Visitors who keep coming at a modest rate, and how long each of them waits."""

import http.client
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.attacks.target import FORM, JSON, Answer, Target, ask, write_form

VISITS_A_SECOND = 20
SECONDS_BETWEEN_SIGN_INS = 2.0
SECONDS_TO_WAIT = 30.0
# Where an attack has changed what other visitors get, this stands in it.
POISON = "poisoned"

Visit = Callable[[Target], tuple[Answer, int]]


def open_form(target: Target) -> tuple[Answer, int]:
    return ask(target, "GET", target.form_path, seconds=SECONDS_TO_WAIT), 200


def open_about(target: Target) -> tuple[Answer, int]:
    return ask(target, "GET", f"/about/{target.model}/", seconds=SECONDS_TO_WAIT), 200


def post_form(target: Target) -> tuple[Answer, int]:
    return ask(target, "POST", target.form_path, write_form(target.inputs), FORM, seconds=SECONDS_TO_WAIT), 303


def post_json(target: Target) -> tuple[Answer, int]:
    body = json.dumps({"inputs": target.inputs})
    return ask(target, "POST", target.api_path, body, JSON, seconds=SECONDS_TO_WAIT), 200


def check_health(target: Target) -> tuple[Answer, int]:
    return ask(target, "GET", "/healthz", seconds=SECONDS_TO_WAIT), 200


def sign_in(target: Target) -> tuple[Answer, int]:
    body = write_form({"username": target.username, "password": target.password})
    return ask(target, "POST", "/admin/login/?next=/healthz", body, FORM, seconds=SECONDS_TO_WAIT), 302


VISITS: list[Visit] = [open_form, post_form, post_json, open_about, check_health]


@dataclass(frozen=True, kw_only=True)
class Waited:
    """One visit: the seconds from when it was due until its answer was there, and what was wrong, if anything."""

    seconds: float
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Waits:
    """All visits of one stretch of time."""

    visits: list[Waited] = field(default_factory=list)
    sign_ins: list[Waited] = field(default_factory=list)

    @property
    def problems(self) -> Counter[str]:
        return Counter(each.problem for each in [*self.visits, *self.sign_ins] if each.problem)

    @property
    def median(self) -> float:
        return statistics.median(each.seconds for each in self.visits)

    @property
    def longest(self) -> float:
        return max(each.seconds for each in self.visits)

    @property
    def longest_sign_in(self) -> float | None:
        return max((each.seconds for each in self.sign_ins), default=None)


def watch_visitors(target: Target, seconds: float, *, with_sign_ins: bool = False) -> Waits:
    """Send 20 visitors a second for so long, and wait for each of them.

    A visit begins when it is due, however long those before it take: a site that stands still for 3 s makes all wait
    who came in these 3 s.
    """
    waits = Waits()
    threads = [*_begin(target, seconds, 1 / VISITS_A_SECOND, VISITS, waits.visits)]
    if with_sign_ins:
        threads += _begin(target, seconds, SECONDS_BETWEEN_SIGN_INS, [sign_in], waits.sign_ins)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def _begin(
    target: Target, seconds: float, apart: float, visits: list[Visit], waits: list[Waited]
) -> list[threading.Thread]:
    """A thread a visit, which sleeps until it is due: nothing that one of them does holds up the next."""
    began = time.monotonic() + 0.2
    return [
        threading.Thread(target=_visit, args=(target, visits[n % len(visits)], began + n * apart, waits), daemon=True)
        for n in range(int(seconds / apart))
    ]


def _visit(target: Target, visit: Visit, due: float, waits: list[Waited]) -> None:
    time.sleep(max(0.0, due - time.monotonic()))
    try:
        answer, expected = visit(target)
        problem = find_problem(answer, expected)
    except TimeoutError:
        problem = "no answer"
    except (OSError, http.client.HTTPException) as error:
        problem = type(error).__name__
    waits.append(Waited(seconds=time.monotonic() - due, problem=problem))


def find_problem(answer: Answer, expected: int) -> str:
    if answer.status != expected:
        return str(answer.status)
    is_poisoned = POISON.encode() in answer.body or POISON in answer.headers.get("Location", "")
    return "links of another site" if is_poisoned else ""
