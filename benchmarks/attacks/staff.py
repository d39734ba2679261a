"""Attacks on the admin: by those who try to sign in, and by reviewers on slow pages."""

import itertools

from benchmarks.attacks.attackers import Attack, repeat
from benchmarks.attacks.target import FORM, TOKEN, Answer, Target, ask, write_form
from benchmarks.attacks.visitors import sign_in

HISTORY = "/admin/predictor/prediction/"
SLOW_LISTS = ["?outcome=no", "?warned=yes", "?q=nothing", "?outcome=yes&warned=no", "?error_above=1e9", "?words.x=x"]


def try_passwords(target: Target) -> None:
    """By 8 clients, on accounts that exist and on others."""
    numbers = itertools.count()

    def try_one(target: Target) -> Answer:
        number = next(numbers)
        username = f"guessed-{number}" if number % 2 else "other"
        body = write_form({"username": username, "password": f"wrong-{number}"})
        return ask(target, "POST", "/admin/login/", body, FORM, source=target.source)

    repeat(target, 8, try_one)


def show_facets(target: Target) -> None:
    _open_lists(target, ["?_facets=True"])


def open_slow_lists(target: Target) -> None:
    _open_lists(target, SLOW_LISTS)


def _open_lists(target: Target, lists: list[str]) -> None:
    """By 8 clients that share one session, so that only the pages are measured."""
    answer, _ = sign_in(target)
    cookies = [each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie", []) if "sessionid" in each]
    if not cookies:
        raise SystemExit(f"{target.username} could not sign in: status {answer.status}")
    headers = {"Cookie": "; ".join([f"csrftoken={TOKEN}", *cookies])}
    paths = itertools.cycle(HISTORY + each for each in lists)
    repeat(target, 8, lambda target: ask(target, "GET", next(paths), None, headers, source=target.source))


ATTACKS = {
    "sign-in": Attack(title="wrong passwords, by 8 clients", run=try_passwords, needs="account", with_sign_ins=True),
    "facets": Attack(title="“Show counts” of the history, by 8 reviewers", run=show_facets, needs="account"),
    "lists": Attack(title="slow lists of the history, by 8 reviewers", run=open_slow_lists, needs="account"),
}
