"""Compares two commits: both sites run at the same time on one PostgreSQL, and are driven in turns."""

import argparse
import sys
from collections import defaultdict
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl
import psycopg2

from benchmarks.checkouts import OURS, Checkout, check_out, describe_working_tree
from benchmarks.driving import check_kept, count_rows, drive
from benchmarks.preparation import choose_rows, make_key, prepare_site, read_tables, write_recipes
from benchmarks.ratios import LEAST_RATIO, MOST_WIDTH, Comparison, compare_rates
from benchmarks.systems import Question, System, make_ours, send_key
from tests.visitor import find_free_port

FEWEST_ROUNDS = 10
FEWEST_SECONDS = 5
CONNECTIONS = [64]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One commit's site, with the database that stores its answers."""

    site: System
    database_url: str


Key = tuple[str, str, int]


def compare_commits(options: argparse.Namespace, work: Path, postgres: str, stack: ExitStack) -> int:
    """Drive the working tree and the commit in turns and print how they compare; 1 where a figure is slower."""
    theirs = check_out(options.against, work / "theirs")
    tables = read_tables()
    sides = [
        make_side(each, number, work, postgres, tables, references=options.references and number == 0)
        for number, each in enumerate([OURS, theirs])
    ]
    if options.key:
        send_key(sides[0].site, make_key(OURS, sides[0].site.environment))
    for side in sides:
        stack.callback(side.site.stop)
        side.site.start(work / f"{side.site.port}.log")
    connections = options.connections or CONNECTIONS
    rates = measure_sides(sides, choose_rows(tables), connections, options.rounds, options.seconds, work)
    found = {key: compare_rates(ours, theirs) for key, (ours, theirs) in rates.items()}
    print(f"\nThe working tree ({describe_working_tree()}) against {theirs.title}:")
    print(
        f"{options.rounds} alternating rounds of {options.seconds} s, ratio pair by pair, its median and 95 % interval."
    )
    print_comparisons(found, options.trial)
    return int(not options.trial and any(each.is_slower for each in found.values()))


def make_side(
    checkout: Checkout, number: int, work: Path, postgres: str, tables: dict[str, pl.DataFrame], *, references: bool
) -> Side:
    """A checkout's site with a database of its own and the models that its own code has trained."""
    database_url = create_database(postgres, f"side_{number}")
    columns = {model: table.columns[:-1] for model, table in tables.items()}
    site = make_ours(database_url, columns, find_free_port(), checkout, references=references)
    recipes = work / f"recipes-{number}"
    write_recipes(recipes, checkout.folder, tables)
    prepare_site(checkout, site.environment, recipes)
    return Side(site=site, database_url=database_url)


def create_database(postgres: str, name: str) -> str:
    with closing(psycopg2.connect(postgres)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
    return urlsplit(postgres)._replace(path=f"/{name}").geturl()


def measure_sides(
    sides: list[Side], rows: dict[str, pl.DataFrame], connections: list[int], rounds: int, seconds: int, work: Path
) -> dict[Key, tuple[list[float], list[float]]]:
    """Both sides' answers/s, round by round, by question and number of connections."""
    rates: dict[Key, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    asked = [number for number, question in enumerate(sides[0].site.questions) if question.model]
    for done in range(-1, rounds):  # The first round warms up.
        # The first in one round is second in the next, so that a growing table or a warm CPU affects both.
        order = [0, 1] if done % 2 else [1, 0]
        for number in asked:
            question = sides[0].site.questions[number]
            for count in connections:
                for place in order:
                    rate = drive_side(sides[place], sides[place].site.questions[number], rows, count, seconds, work)
                    if done >= 0:
                        rates[question.model, question.title, count][place].append(rate)
        print(f"Round {done + 1} of {rounds} is done.", file=sys.stderr)
    return rates


def drive_side(
    side: Side, question: Question, rows: dict[str, pl.DataFrame], connections: int, seconds: int, work: Path
) -> float:
    bodies = [question.write(list(row)) for row in rows[question.model].iter_rows()]
    before = count_rows(side.database_url)
    run, answers = drive(side.site, question, bodies, connections, seconds, work)
    check_kept(question, run, answers, side.database_url, before)
    if not run.rate:
        sys.exit(f"{side.site.title}, {question.title}: no good answer: {run}")
    return run.rate


def print_comparisons(found: dict[Key, Comparison], is_trial: bool) -> None:
    print("\n| model | asked by | connections | ours, answers/s | theirs | ratio | 95 % interval | verdict |")
    print("|---|---|---|---|---|---|---|---|")
    for (model, title, connections), each in found.items():
        figures = f"{each.ours:,.0f} | {each.theirs:,.0f} | {each.ratio:.3f} | {each.lower:.3f} to {each.upper:.3f}"
        verdict = "trial: proves nothing" if is_trial else each.verdict
        print(f"| {model} | {title} | {connections} | {figures} | {verdict} |")
    if is_trial:
        print(f"\nA trial proves nothing: {FEWEST_ROUNDS} rounds of {FEWEST_SECONDS} s are the least that count.")
    else:
        wide = f"an interval wider than {100 * MOST_WIDTH:.0f} points proves nothing"
        print(f"\nSlower: the whole interval lies below {LEAST_RATIO}; {wide}.")
