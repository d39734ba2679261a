"""Compares the site with what people would use instead of it, all driven by wrk on this machine in one go.

    benchmarks/run [--rounds 3] [--seconds 5] [--connections 1 16 64] [--only mlsite flask …] [--models line …]
    benchmarks/run --against COMMIT [--rounds 10] [--seconds 5] [--connections 64] [--references] [--key]

The site runs in production on a PostgreSQL of its own, by the Procfile's command, and stores every answer; its peers
run by their documented production commands, and store nothing. All have two workers. Prints medians and ratios to the
Flask app of the tutorial. After each run of ours, the rows in the database are held against the answers that wrk got:
each of them must be there, with the number that was answered, and no other.

With --against, the working tree as it is and a commit of this repository are compared instead, each with its own pinned
requirements, code, models and database, driven in turns. Exits with 1 where an answer became surely slower. With
--references, the working tree's rows in JSON have one each, and the commit's have none: against HEAD, what they cost.
With --key, the working tree's JSON is sent with an API key, and the commit's with none.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.against import FEWEST_ROUNDS, FEWEST_SECONDS, compare_commits
from benchmarks.checkouts import OURS, ROOT, find_commit
from benchmarks.driving import SECONDS_TO_END, Run, check_kept, count_rows, drive
from benchmarks.events import forget_compiled, promote_under_load, time_new_workers
from benchmarks.lifetime import end_when_asked, run_postgres
from benchmarks.preparation import (
    choose_rows,
    import_reviews,
    make_reviews,
    prepare_site,
    read_tables,
    write_recipes,
)
from benchmarks.systems import MAKERS, Question, System, ask, make_ours, make_peer
from tests.visitor import find_free_port

CONNECTIONS = [1, 16, 64]
EVERYBODY = ["mlsite", *MAKERS]
MODELS = ["line", "forest", "reviews"]
TAKES_TEXTS = ("flask",)


def main() -> None:
    options = read_options(sys.argv[1:])
    end_when_asked()
    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="mlsite-benchmark-", ignore_cleanup_errors=True)
        work = Path(stack.enter_context(folder))
        database_url = stack.enter_context(run_postgres(work / "postgres"))
        if options.against:
            sys.exit(compare_commits(options, work, database_url, stack))
        rows = write_tables(work)
        systems = make_systems(options, work, database_url, rows)
        for system in systems:
            stack.callback(system.stop)
        measure(systems, rows, database_url, work, options)


def read_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help=f"3; with --against {FEWEST_ROUNDS}")
    parser.add_argument("--seconds", type=int, default=FEWEST_SECONDS, help="of each run (%(default)s)")
    parser.add_argument("--connections", type=int, nargs="+", help="1 16 64; with --against 64")
    parser.add_argument("--only", nargs="+", choices=EVERYBODY, help="all of them")
    parser.add_argument("--models", nargs="+", choices=MODELS, help="ask about these models only")
    parser.add_argument("--against", metavar="COMMIT", help="compare the working tree with this commit, not with peers")
    parser.add_argument(
        "--trial", action="store_true", help="with --against: fewer rounds or seconds, without a verdict"
    )
    parser.add_argument(
        "--references", action="store_true", help="with --against: the working tree's rows in JSON have references"
    )
    parser.add_argument(
        "--key", action="store_true", help="with --against: the working tree's JSON is sent with an API key"
    )
    options = parser.parse_args(arguments)
    if problem := find_problem(options):
        parser.exit(2, f"{problem}\n")
    if shutil.which("wrk") is None:
        sys.exit("wrk was not found: install it (on Debian: apt-get install wrk), then try again.")
    options.rounds = options.rounds or (FEWEST_ROUNDS if options.against else 3)
    return options


def find_problem(options: argparse.Namespace) -> str:
    """What is wrong with the options, in one line; replaces the commit's name by its hash."""
    if not options.against:
        alone = [name for name in ("trial", "references", "key") if getattr(options, name)]
        return f"--{alone[0]} is for --against COMMIT." if alone else ""
    if options.only:
        return "--only chooses among the peers, and --against asks none of them: leave one of the two out."
    is_short = (options.rounds or FEWEST_ROUNDS) < FEWEST_ROUNDS or options.seconds < FEWEST_SECONDS
    if is_short and not options.trial:
        return f"--against needs at least {FEWEST_ROUNDS} rounds of {FEWEST_SECONDS} s; --trial allows fewer."
    try:
        options.against = find_commit(options.against)
    except ValueError as error:
        return f"--against: {error}."
    return ""


def write_tables(work: Path) -> dict[str, pl.DataFrame]:
    """Write the models' tables, for the peers as bare values and for ours next to a recipe; returns their inputs."""
    tables = read_tables()
    write_recipes(work / "recipes", ROOT, tables)
    tables["reviews"] = make_reviews()
    for name, table in tables.items():
        table.write_csv(work / f"{name}.csv")
    return choose_rows(tables)


def make_systems(
    options: argparse.Namespace, work: Path, database_url: str, rows: dict[str, pl.DataFrame]
) -> list[System]:
    wanted, models = options.only or EVERYBODY, options.models or MODELS
    systems = []
    if "mlsite" in wanted:
        columns = {model: table.columns for model, table in rows.items()}
        site = make_ours(database_url, columns, find_free_port())
        prepare_site(OURS, site.environment, work / "recipes", "line")
        import_reviews(OURS, site.environment, work)
        site.questions = [each for each in site.questions if each.model in models or not (each.model or options.models)]
        systems.append(site)
    chosen = [peer for peer in MAKERS if peer in wanted]
    peers = [(peer, model) for model in models for peer in chosen if peer in TAKES_TEXTS or model != "reviews"]
    return systems + [make_peer(peer, model, work, find_free_port()) for peer, model in peers]


def measure(
    systems: list[System], rows: dict[str, pl.DataFrame], database_url: str, work: Path, options: argparse.Namespace
) -> None:
    for system in systems:
        seconds = system.start(work / f"{system.port}.log")
        print(f"{system.title} ({system.questions[0].model}) answers after {seconds:.1f} s", file=sys.stderr)
        for question in system.questions:
            check_answers(system, question, rows)
    runs: dict[tuple[str, str, str, int], list[Run]] = defaultdict(list)
    asked = [(system, question) for system in systems for question in system.questions]
    counts = options.connections or CONNECTIONS
    for number in range(-1, options.rounds):  # The first round warms up.
        for connections in counts if number >= 0 else [max(counts)]:
            for system, question in asked:
                bodies = [question.write(list(row)) for row in rows[question.model or "line"].iter_rows()]
                before = count_rows(database_url)
                run, answers = drive(system, question, bodies, connections, options.seconds, work)
                if system.title == "mlsite":
                    check_kept(question, run, answers, database_url, before)
                if number >= 0:
                    runs[system.title, question.model, question.title, connections].append(run)
                    print(f"{system.title}, {question.model} {question.title}, {connections}: {run}", file=sys.stderr)
    print_tables(runs)
    print_memory(systems)
    if systems[0].title == "mlsite" and "line" in (options.models or MODELS):
        print_events(systems[0], rows, database_url, work)


def check_answers(system: System, question: Question, rows: dict[str, pl.DataFrame]) -> None:
    """Check that all systems give the same predictions: of a line, of a forest of 100 trees, of a text."""
    if question.read is None:
        return
    table = rows[question.model]
    answers = []
    for row in table.head(20).iter_rows():
        answers.append(question.read(ask(system.address + question.path, question.headers, question.write(list(row)))))
    expected = EXPECTED.setdefault(question.model, answers)
    if not np.allclose(answers, expected, atol=0.01, rtol=1e-3):
        sys.exit(f"{system.title} answers {answers[:3]} …, and not {expected[:3]} …")


EXPECTED: dict[str, list[float]] = {}


def print_tables(runs: dict[tuple[str, str, str, int], list[Run]]) -> None:
    medians = {
        key: {
            name: statistics.median(getattr(run, name) for run in done)
            for name in ("rate", "p50_ms", "p99_ms", "max_ms")
        }
        for key, done in runs.items()
    }
    for connections in sorted({key[-1] for key in runs}):
        print(
            f"\n| {connections} connections | model | asked by | answers/s | of Flask | p50, ms | p99, ms | max, ms |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for (title, model, question, number), found in medians.items():
            if number != connections:
                continue
            peer = medians.get(("Flask, the tutorial's app", model or "line", "form", connections))
            ratio = f"{found['rate'] / peer['rate']:.2f}" if peer else ""
            times = " | ".join(f"{found[name]:,.1f}" for name in ("p50_ms", "p99_ms", "max_ms"))
            print(f"| {title} | {model} | {question} | {found['rate']:,.0f} | {ratio} | {times} |")


def print_memory(systems: list[System]) -> None:
    print("\n| memory (PSS), MB | model | each process | sum |\n|---|---|---|---|")
    for system in systems:
        found = system.measure_memory()
        model = "all" if system.title == "mlsite" else system.questions[0].model
        print(f"| {system.title} | {model} | {', '.join(f'{each:.0f}' for each in found)} | {sum(found):.0f} |")


def print_events(site: System, rows: dict[str, pl.DataFrame], database_url: str, work: Path) -> None:
    question = site.questions[0]
    bodies = [question.write(list(row)) for row in rows[question.model].iter_rows()]

    def load() -> float:
        run, _ = drive(site, question, bodies, max(CONNECTIONS), 6, work)
        if run.statuses.keys() != {"200"} or run.cut:
            sys.exit(f"A promotion failed requests: {run}")
        return run.max_ms

    calm = statistics.median(load() for _ in range(3))
    promoted = [promote_under_load(database_url, number, load) for number in (1, 2, 1)]
    print(f"\nThe longest wait at {max(CONNECTIONS)} connections: {calm:.0f} ms, the median of 3 runs;")
    print(f"with a promotion, which failed no request: {', '.join(f'{each:.0f}' for each in promoted)} ms.")
    ready = [time_new_workers(site) for _ in range(3)]
    print(f"When all workers are killed, the next one serves after {', '.join(f'{each:.1f}' for each in ready)} s.")
    for kind in ("compiled line", "pickled line"):
        if kind == "pickled line":
            forget_compiled(database_url)
            time_new_workers(site)
        time.sleep(SECONDS_TO_END)  # By then the other new worker is there too, and takes its part.
        load()
        memory = ", ".join(f"{each:.0f}" for each in site.measure_memory())
        print(f"Memory (PSS) of master and workers that serve the {kind}: {memory} MB.")


if __name__ == "__main__":
    main()
