"""Measures the visitors of a site in calm, then with one attack."""

import http.client
import sys
import time

from benchmarks.attacks.attackers import Attack, attacking
from benchmarks.attacks.results import Result, keeps_bounds
from benchmarks.attacks.target import Target
from benchmarks.attacks.visitors import Waits, check_health, watch_visitors

SECONDS_OF_CALM = 3.0
TRIES_TO_BE_CALM = 3
# The time until the new process attacks.
SECONDS_TO_BEGIN = 1.5
SECONDS_TO_RECOVER = 60.0


def run_attack(name: str, attack: Attack, target: Target, seconds: float) -> Result:
    """Measure visitors in calm, then with the attack; it has ended when this returns."""
    seconds = max(seconds, attack.least_seconds)
    print(f"{name}: {attack.title} …", file=sys.stderr)
    calm = None if attack.begins_first else watch_calm(target)
    with attacking(attack, target.until(time.monotonic() + SECONDS_TO_BEGIN + seconds)):
        time.sleep(SECONDS_TO_BEGIN)
        attacked = watch_visitors(target, seconds, with_sign_ins=attack.with_sign_ins)
    return Result(name=name, calm=calm, attacked=attacked)


def watch_calm(target: Target) -> Waits:
    """Visitors without an attack, once they have warmed the workers up; again where other work disturbed them."""
    for _ in range(TRIES_TO_BE_CALM):
        watch_visitors(target, SECONDS_OF_CALM / 2)
        calm = watch_visitors(target, SECONDS_OF_CALM)
        if keeps_bounds(calm):
            break
    return calm


def wait_until_calm(target: Target) -> None:
    """Wait until the site answers at once, for an attack before may have left it busy; ends with 1 if it does not."""
    ends, fast = time.monotonic() + SECONDS_TO_RECOVER, 0
    while fast < 5:
        began = time.monotonic()
        try:
            answer, _ = check_health(target)
            fast = fast + 1 if answer.status == 200 and time.monotonic() < began + 0.2 else 0
        except (OSError, http.client.HTTPException):
            fast = 0
        if time.monotonic() > ends:
            sys.exit(f"http://{target.host}:{target.port} does not answer /healthz within 0.2 s.")
        time.sleep(0.1)
