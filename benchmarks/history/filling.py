"""Fills a migrated database with a year of predictions of three models, and with outcomes that arrived late."""

import csv
import io
import json
import random
import shutil
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.checkouts import ROOT

START, DAYS = datetime(2025, 11, 1, tzinfo=UTC), 365
# Of all predictions; each model has so many versions, one after the other.
MODELS = {"prices": (0.70, 8), "penguins": (0.25, 4), "line": (0.05, 3)}
SOURCES = {"api": 0.80, "csv": 0.15, "form": 0.05}
SHARE_WARNED, SHARE_CORRECTED = 0.10, 0.05
# The newest have no outcome yet.
SHARE_WITHOUT_OUTCOME = 0.05
PREDICTIONS = (
    "id", "version_id", "inputs", "output", "probabilities", "interval", "warnings", "source", "created_at",
    "duration_ms",
)  # fmt: skip
OUTCOMES = ("id", "prediction_id", "value", "recorded_at", "recorded_by", "replaces_id")
ISLANDS, SPECIES = ("Biscoe", "Dream", "Torgersen"), ("Adelie", "Chinstrap", "Gentoo")
PRICES_RECIPE = """
title = "Prices"
data = "data.csv"
target = "price"

[estimator]
class = "sklearn.linear_model.LinearRegression"
"""


def make_recipes(folder: Path) -> None:
    """Both shipped recipes, and one of a regression with ten inputs."""
    shutil.copytree(ROOT / "ml_models", folder, ignore=shutil.ignore_patterns("*.pkl", "__pycache__"))
    (folder / "prices").mkdir()
    (folder / "prices" / "model.toml").write_text(PRICES_RECIPE)
    pick = random.Random(0)  # noqa: S311  # The same in each run.
    made = [make_prices_inputs(pick) for _ in range(1_000)]
    with (folder / "prices" / "data.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*made[0], "price"])
        writer.writeheader()
        writer.writerows({**inputs, "price": find_price(inputs) + pick.gauss(0, 5_000)} for inputs in made)


def make_prices_inputs(pick: random.Random) -> dict[str, Any]:
    numbers = {
        name: round(pick.uniform(0, 100), 2) for name in ("porch", "garden", "garage", "slope", "noise", "light")
    }
    area = {"area": round(pick.uniform(40, 240), 1), "rooms": pick.randint(1, 9)}
    return {
        **area,
        **numbers,
        "quarter": f"quarter {pick.randint(1, 20)}",
        "heating": pick.choice(["gas", "heat pump"]),
    }


def find_price(inputs: dict[str, Any]) -> float:
    return round(1_000 * inputs["area"] + 9_000 * inputs["rooms"] + 100 * inputs["garden"], 2)


def make_versions(model: str, count: int) -> list[int]:
    """Copy the one version of a model, so that each was live once; their ids, the oldest first."""
    from predictor.models import Promotion, Version

    version = Version.objects.get(model=model)
    ids = [version.pk]
    for number in range(2, count + 1):
        previous_id, version.pk, version.number = version.pk, None, number
        version.save(force_insert=True)
        Promotion.objects.create(version=version, previous_id=previous_id, promoted_by="benchmark", reason="a copy")
        ids.append(version.pk)
    return ids


def make_predictions(count: int, versions: dict[str, list[int]]) -> Iterator[tuple[Any, ...]]:
    """Rows of the table, the oldest first, with JSON as text."""
    pick = random.Random(1)  # noqa: S311  # The same in each run.
    templates = {model: [make_template(model, pick) for _ in range(2_000)] for model in MODELS}
    models = pick.choices(list(MODELS), [share for share, _ in MODELS.values()], k=100_003)
    sources = pick.choices(list(SOURCES), list(SOURCES.values()), k=100_019)
    step = timedelta(days=DAYS) / count
    for number in range(count):
        moment, model = START + number * step, models[number % len(models)]
        inputs, output, probabilities, interval = templates[model][int(pick.random() * 2_000)]
        version = versions[model][number * len(versions[model]) // count]
        warnings = '["area: 240 is outside of what the model has seen"]' if pick.random() < SHARE_WARNED else "[]"
        source = sources[number % len(sources)]
        yield make_id(moment, pick), version, inputs, output, probabilities, interval, warnings, source, moment, 0.05


def make_template(model: str, pick: random.Random) -> tuple[str, str, str | None, str | None]:
    """Inputs, output, probabilities and interval, as JSON."""
    if model == "penguins":
        shares = dict(zip(SPECIES, (0.7, 0.2, 0.1), strict=True))
        inputs = {
            "island": pick.choice(ISLANDS),
            "sex": "female",
            "year": 2008,
            "body_mass_g": pick.randint(2_700, 6_300),
        }
        lengths = {
            name: round(pick.uniform(13, 230), 1) for name in ("bill_length_mm", "bill_depth_mm", "flipper_length_mm")
        }
        return json.dumps(inputs | lengths), json.dumps(pick.choice(SPECIES)), json.dumps(shares), None
    if model == "line":
        x = round(pick.uniform(0, 10), 3)
        return json.dumps({"x": x}), repr(2 * x + 1), None, json.dumps([2 * x - 1, 2 * x + 3])
    inputs = make_prices_inputs(pick)
    price = find_price(inputs)
    return json.dumps(inputs), repr(price), None, json.dumps([price - 8_000, price + 8_000])


def make_id(moment: datetime, pick: random.Random) -> str:
    milliseconds = int(moment.timestamp() * 1_000)
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | pick.getrandbits(62)))


def make_outcomes(count: int, predictions: Iterable[tuple[str, str]]) -> Iterator[tuple[Any, ...]]:
    """Rows of the table for so many predictions, given as id and output; some are corrected by a second one."""
    pick = random.Random(2)  # noqa: S311  # The same in each run.
    corrected, number = int(count * SHARE_CORRECTED), 0
    recorded_at = START + timedelta(days=DAYS)
    for id, output in islice(predictions, count - corrected):
        value = output
        if output.startswith('"'):
            value = output if pick.random() < 0.9 else json.dumps(pick.choice(SPECIES))
        else:
            value = repr(float(output) + pick.gauss(0, 5_000 if float(output) > 100 else 1))
        number += 1
        yield number, id, value, recorded_at, "benchmark", None
        if number <= 2 * corrected and number % 2:
            number += 1
            yield number, id, value, recorded_at, "benchmark", number - 1


def copy_rows(cursor: Any, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """COPY rows into a PostgreSQL table, 10,000 at a time in memory."""
    rows = iter(rows)
    while taken := list(islice(rows, 10_000)):
        text = io.StringIO(
            "".join("\t".join("\\N" if each is None else str(each) for each in row) + "\n" for row in taken)
        )
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", text)


def insert_rows(cursor: Any, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """The same on SQLite, where a UUID is text without dashes, and a moment is text."""
    places = ", ".join("?" * len(columns))
    plain = (tuple(_to_sqlite(name, each) for name, each in zip(columns, row, strict=True)) for row in rows)
    cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", plain)  # noqa: S608  # Our own.


def _to_sqlite(column: str, value: Any) -> Any:
    if column in ("id", "prediction_id") and isinstance(value, str):
        return value.replace("-", "")
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def fill(rows: int, outcomes: int) -> None:
    """Fill the database of these settings, which has one version of each model and nothing else."""
    from django.db import connection, transaction

    versions = {model: make_versions(model, count) for model, (_, count) in MODELS.items()}
    write = copy_rows if connection.vendor == "postgresql" else insert_rows
    with transaction.atomic(), connection.cursor() as cursor:
        write(cursor.cursor, "predictor_prediction", PREDICTIONS, make_predictions(rows, versions))
        known = pick_predictions(rows, outcomes, versions)
        write(cursor.cursor, "predictor_outcome", OUTCOMES, make_outcomes(outcomes, known))
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval('predictor_outcome_id_seq', (SELECT max(id) FROM predictor_outcome))")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def pick_predictions(rows: int, outcomes: int, versions: dict[str, list[int]]) -> Iterator[tuple[str, str]]:
    """Evenly from all but the newest predictions: made again, since that is quicker than to read them."""
    known = int(rows * (1 - SHARE_WITHOUT_OUTCOME))
    every = max(1, known // outcomes)
    made = islice(make_predictions(rows, versions), 0, known, every)
    return ((row[0], row[3]) for row in made)
