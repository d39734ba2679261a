"""Tables of all kinds of inputs, with what a version would keep of them, and windows of predictions."""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np

from predictor.monitoring.window import Window
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.seen_words import store_words
from predictor.schema.table import Table
from predictor.schema.target import Target
from predictor.training.reference import describe_reference

WORDS = np.array(["good", "bad", "old", "new", "green", "red", "large", "small"])
FEATURES = (
    make_feature(name="area", kind="number", label="Area"),
    make_feature(name="rooms", kind="integer", label="Rooms"),
    make_feature(name="town", kind="category", label="Town", choices=("Bonn", "Kiel", "Ulm"), unseen="other"),
    make_feature(name="garden", kind="boolean", label="Garden"),
    make_feature(name="built", kind="date", label="Built"),
    make_feature(name="notes", kind="text", label="Notes", words=store_words(WORDS)),
)
NAMES = [feature.name for feature in FEATURES]
PRICE = Target(name="price", label="Price", task="regression")
SCHEMA = Schema(features=FEATURES, target=PRICE)


def draw(rows, seed):
    """Columns by name: rooms go with the area, and 5 % of both are missing; the price is an output."""
    random = np.random.default_rng(seed)
    area = random.lognormal(4.5, 0.4, rows)
    rooms = np.round(area / 25 + random.normal(0, 0.5, rows))
    notes = np.array([" ".join(random.choice(WORDS, random.integers(1, 9))) for _ in range(rows)], dtype=object)
    notes[random.random(rows) < 0.05] = None
    return {
        "area": np.where(random.random(rows) < 0.05, np.nan, area),
        "rooms": rooms,
        "town": random.choice(3, rows, p=[0.6, 0.3, 0.1]).astype(float),
        "garden": (random.random(rows) < 0.3).astype(float),
        "built": random.integers(0, 18_000, rows).astype(float),
        "notes": notes,
        "price": 1000 * area + random.normal(0, 5000, rows),
    }


def arrange(columns, schema=SCHEMA):
    texts = {position: columns[name] for position, name in schema.text_columns.items()}
    names = [None if position in texts else name for position, name in enumerate(schema.names)]
    rows = len(columns[schema.target.name])
    matrix = np.column_stack([np.full(rows, np.nan) if name is None else columns[name] for name in names])
    return Table(matrix=matrix, texts=texts) if texts else matrix


def refer(columns, schema=SCHEMA, *, held_out=60):
    """What a version keeps of all rows but the last ones, which are held out."""
    inputs, outputs = arrange(columns, schema), columns[schema.target.name]
    training = np.arange(len(outputs)) < len(outputs) - held_out
    dataset = SimpleNamespace(
        schema=schema,
        matrix=inputs.matrix if isinstance(inputs, Table) else inputs,
        texts=inputs.texts if isinstance(inputs, Table) else {},
        training=training,
        held_out=~training,
    )
    evaluation = SimpleNamespace(method="hold-out", predictions=SimpleNamespace(predicted=outputs[~training]))
    return describe_reference(dataset, evaluation, seed=0)


def observe(columns, schema=SCHEMA, **changed):
    """A window of predictions of version 1."""
    outputs = columns[schema.target.name]
    rows = len(outputs)
    described = {
        "classes": schema.target.classes,
        "versions": np.ones(rows, dtype=np.int64),
        "created_at": np.zeros(rows, dtype="datetime64[ms]"),
        "sources": np.full(rows, "api"),
        "features": arrange(columns, schema),
        "fits": np.ones(rows, dtype=bool),
        "outputs": outputs,
        "outcomes": np.full(rows, np.nan),
    }
    day = datetime(2026, 3, 15, tzinfo=UTC)
    return Window(schema=schema, since=day, until=day, total=rows, **described | changed)
