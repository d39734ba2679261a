"""Attacks a local site in the ways that once stopped it, and measures how long its visitors wait meanwhile.

    python -m benchmarks.attacks [--rows 200000] [--seconds 8] [NAME …]
    python -m benchmarks.attacks --address http://127.0.0.1:8000 [--model line] [--inputs '{"x": 5}'] [NAME …]

Without --address it starts sites of its own, on PostgreSQL and on SQLite, each with two workers, and restarts them
before each attack. With it, your own site is attacked, which must be on this machine's loopback; its answers are kept
in its history as all are. Each attack has a bounded number of clients and ends after --seconds. Meanwhile 20 visitors a
second open the form and the model's page, post the form, ask the API and /healthz, first in calm, then with the attack.
Exits with 1 where an answer failed, a visitor waited for 1 s or more, or a sign-in took 2 s or more.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.attacks import commands, connections, payloads, staff
from benchmarks.attacks.measuring import run_attack, wait_until_calm
from benchmarks.attacks.results import HEADER, Result, write_row
from benchmarks.attacks.target import Target, find_loopback
from benchmarks.lifetime import end_when_asked, run_postgres

ATTACKS = payloads.ATTACKS | connections.ATTACKS | staff.ATTACKS | commands.ATTACKS


def main() -> None:
    options = read_options(sys.argv[1:])
    end_when_asked()
    print(HEADER, flush=True)
    results = []
    with ExitStack() as stack:
        for result in attack_site(options) if options.address else attack_own_sites(options, stack):
            results.append(result)
            print(write_row(result), flush=True)
    sys.exit(any(each.broken and each.is_sound for each in results))


def read_options(arguments: list[str]) -> argparse.Namespace:
    listed = "\n".join(f"  {name:<15} {attack.title}" for name, attack in ATTACKS.items())
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"attacks:\n{listed}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the attacks below (all of them)")
    parser.add_argument("--address", type=read_address, help="of a site that runs already, on this machine's loopback")
    parser.add_argument("--model", default="line", help="that visitors ask there (line)")
    parser.add_argument("--inputs", type=read_inputs, default={"x": 5}, help="that it answers, as JSON")
    parser.add_argument("--username", default="", help="who may sign in there; the password is ATTACKS_PASSWORD's")
    parser.add_argument("--database", choices=["PostgreSQL", "SQLite"], help="of the sites of its own (both)")
    parser.add_argument("--rows", type=int, default=200_000, help="in the history of those (%(default)s)")
    parser.add_argument("--seconds", type=float, default=8, help="that each attack lasts (%(default)s)")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(ATTACKS)):
        parser.exit(2, f"{unknown[0]!r} is not an attack: choose from {', '.join(ATTACKS)}.\n")
    if not 1 <= options.seconds <= 60:
        parser.exit(2, f"--seconds is {options.seconds:g}: an attack lasts from 1 to 60 s.\n")
    options.names = options.names or list(ATTACKS)
    return options


def read_address(text: str) -> tuple[str, int]:
    try:
        return find_loopback(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error


def read_inputs(text: str) -> Any:
    try:
        inputs = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from error
    if not isinstance(inputs, dict):
        raise argparse.ArgumentTypeError(f'{text!r} is not an object of inputs, such as {{"x": 5}}')
    return inputs


def attack_site(options: argparse.Namespace) -> Iterator[Result]:
    """Attack a site that runs already, with what it lets us use."""
    host, port = options.address
    target = Target(
        host=host,
        port=port,
        model=options.model,
        inputs=options.inputs,
        username=options.username,
        password=os.environ.get("ATTACKS_PASSWORD", ""),
    )
    for name in options.names:
        needs = ATTACKS[name].needs
        if needs == "own" or (needs == "account" and not target.username):
            missing = "a site of its own" if needs == "own" else "--username and ATTACKS_PASSWORD"
            print(f"{name} is left out: it needs {missing}.", file=sys.stderr)
            continue
        wait_until_calm(target)
        yield run_attack(name, ATTACKS[name], target, options.seconds)


def attack_own_sites(options: argparse.Namespace, stack: ExitStack) -> Iterator[Result]:
    from benchmarks.attacks.sites import make_own_site

    folder = tempfile.TemporaryDirectory(prefix="mlsite-attacks-", ignore_cleanup_errors=True)
    work = Path(stack.enter_context(folder))
    for database in [options.database] if options.database else ["PostgreSQL", "SQLite"]:
        names = [name for name in options.names if ATTACKS[name].database in ("", database)]
        if not names:
            continue
        is_postgres = database == "PostgreSQL"
        url = stack.enter_context(run_postgres(work / "postgres")) if is_postgres else f"sqlite:///{work}/site.sqlite3"
        site = make_own_site(database, url, work / database, options.rows, stack)
        for name in names:
            site.restart()
            result = run_attack(name, ATTACKS[name], site.target, options.seconds)
            yield replace(result, database=database, has_lost_workers=site.has_lost_workers)
        site.system.stop()


if __name__ == "__main__":
    main()
