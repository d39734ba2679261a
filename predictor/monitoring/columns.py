"""Turns stored predictions into the columns of a window, piece by piece and bounded in memory."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from predictor.exceptions import InvalidValue
from predictor.monitoring.window import Window
from predictor.schema.kinds import Feature, Number
from predictor.schema.schema import Schema
from predictor.schema.table import Table
from predictor.schema.values import Label, Mask, Vector, write_value

# The checksums by which rows are drawn.
DRAWS = 2**32
# What a row takes without features and probabilities, and a text without its characters.
BYTES_OF_A_ROW, BYTES_OF_A_TEXT = 120, 60

Stored = Mapping[str, Any]
# The value of an outcome, and the queue that asked for it.
Recorded = tuple[Any, str | None]


class Column:
    """An array that grows: `resize` moves pages of memory and copies none, so that the peak is little above the end."""

    def __init__(self, dtype: Any, *width: int) -> None:
        self._values = np.empty((0, *width), dtype=dtype)
        self._rows = 0

    def append(self, values: Any) -> None:
        end = self._rows + len(values)
        if end > len(self._values):
            room = max(end, len(self._values) * 5 // 4)
            self._values.resize((room, *self._values.shape[1:]), refcheck=False)
        self._values[self._rows : end] = values
        self._rows = end

    def keep(self, rows: Mask) -> None:
        kept = self.read()[rows]
        self._rows = len(kept)
        self._values[: self._rows] = kept

    def read(self) -> NDArray[Any]:
        return self._values[: self._rows]


class Columns:
    """The columns of a window. Where they take more than `most_bytes`, half of all rows is dropped, by chance."""

    def __init__(self, schema: Schema, classes: Iterable[Label], most_bytes: int) -> None:
        self._schema, self._most_bytes = schema, most_bytes
        self._labels = list(classes)
        self._codes = {write_value(label): code for code, label in enumerate(self._labels)}
        self._width = len(self._labels)
        self._total, self._share, self._characters = 0, 1.0, 0
        dtypes = {
            "versions": np.int64,
            "created_at": "datetime64[ms]",
            "sources": "U4",
            "queues": "U9",
            "draws": np.uint32,
        }
        numbers = ("outputs", "lower", "upper", "outcomes")
        self._columns = {name: Column(dtype) for name, dtype in dtypes.items()}
        self._columns |= {name: Column(np.float64) for name in numbers}
        self._columns |= {"fits": Column(np.bool_), "matrix": Column(np.float64, len(schema.features))}
        self._columns["probabilities"] = Column(np.float64, self._width)
        self._texts: dict[int, list[Any]] = {position: [] for position in schema.text_columns}

    def draw(self, ids: Sequence[UUID]) -> list[UUID]:
        """Count predictions, and choose those that are to be added."""
        self._total += len(ids)
        return [id for id in ids if _draw(id) < self._share * DRAWS]

    def add(self, rows: Sequence[Stored], numbers: Mapping[int, int], outcomes: Mapping[UUID, Recorded]) -> None:
        """Add stored predictions; `numbers` are the versions' by id, `outcomes` those recorded, by prediction."""
        if not rows:
            return
        is_regression = self._schema.target.task == "regression"
        read = self._read_number if is_regression else self._read_class
        recorded = [outcomes.get(each["id"], (None, "")) for each in rows]
        ends = np.array([each["interval"] or (np.nan, np.nan) for each in rows], dtype=np.float64)
        added = {
            "versions": [numbers[each["version_id"]] for each in rows],
            "created_at": [each["created_at"].replace(tzinfo=None) for each in rows],
            "sources": [each["source"] for each in rows],
            "draws": [_draw(each["id"]) for each in rows],
            "outputs": [read(each["output"]) for each in rows],
            "outcomes": [read(value) for value, _queue in recorded],
            "queues": [queue or "" for _value, queue in recorded],
            "lower": ends[:, 0],
            "upper": ends[:, 1],
            "probabilities": [self._list_probabilities(each["probabilities"]) for each in rows],
        }
        for name, values in {**added, **self._encode([each["inputs"] for each in rows])}.items():
            self._columns[name].append(values)
        while self._count_bytes() > self._most_bytes:
            self._drop_half()

    def join(self, since: datetime, until: datetime) -> Window:
        """All that was added; it may be read once."""
        columns = {name: column.read() for name, column in self._columns.items()}
        matrix, shares = columns.pop("matrix"), columns.pop("probabilities")
        columns.pop("draws")
        texts = {position: np.array(texts, dtype=object) for position, texts in self._texts.items()}
        is_regression = self._schema.target.task == "regression"
        if not is_regression:
            # A class that only an outcome has was never predicted.
            new = np.zeros((len(shares), len(self._labels) - self._width))
            columns["probabilities"] = np.hstack([shares, new]) if new.shape[1] else shares
        dropped = () if is_regression else ("lower", "upper")
        kept = {name: column for name, column in columns.items() if name not in dropped}
        return Window(
            schema=self._schema,
            since=since,
            until=until,
            total=self._total,
            classes=tuple(self._labels),
            features=Table(matrix=matrix, texts=texts) if texts else matrix,
            **kept,
        )

    def _read_number(self, stored: Any) -> float:
        return np.nan if stored is None else float(stored)

    def _read_class(self, stored: Any) -> float:
        if stored is None:
            return np.nan
        code = self._codes.setdefault(write_value(stored), len(self._labels))
        if code == len(self._labels):
            self._labels.append(stored)
        return float(code)

    def _list_probabilities(self, stored: Mapping[str, float] | None) -> list[float]:
        if stored is None:
            return [np.nan] * self._width
        return [stored.get(name, 0.0) for name in list(self._codes)[: self._width]]

    def _encode(self, inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        matrix = np.full((len(inputs), len(self._schema.features)), np.nan)
        fits = np.ones(len(inputs), dtype=np.bool_)
        for position, feature in enumerate(self._schema.features):
            if feature.sensitive:  # Its values are not kept, and nothing can be said of it.
                continue
            matrix[:, position], fitting = encode_stored(feature, inputs)
            fits &= fitting
        matrix[~fits] = np.nan
        for position, name in self._schema.text_columns.items():
            values = [each.get(name) if fit else None for each, fit in zip(inputs, fits, strict=True)]
            texts = [None if value is None else write_value(value) for value in values]
            self._texts[position] += texts
            self._characters += sum(len(text) for text in texts if text is not None)
        return {"matrix": matrix, "fits": fits}

    def _count_bytes(self) -> int:
        rows = len(self._columns["fits"].read())
        numbers = BYTES_OF_A_ROW + 8 * (len(self._schema.features) + self._width)
        return rows * (numbers + BYTES_OF_A_TEXT * len(self._texts)) + self._characters

    def _drop_half(self) -> None:
        self._share /= 2
        kept = self._columns["draws"].read() < self._share * DRAWS
        for column in self._columns.values():
            column.keep(kept)
        chosen = np.flatnonzero(kept).tolist()
        self._texts = {position: [texts[row] for row in chosen] for position, texts in self._texts.items()}
        self._characters = sum(len(text) for texts in self._texts.values() for text in texts if text is not None)


def encode_stored(feature: Feature, inputs: Sequence[Mapping[str, Any]]) -> tuple[Vector, Mask]:
    """One feature of stored inputs, encoded, and whether it takes each value; both of shape (n,)."""
    encoded, fits = np.full(len(inputs), np.nan), np.ones(len(inputs), dtype=np.bool_)
    known: dict[tuple[type, Any], float | None] = {}
    for row, each in enumerate(inputs):
        value = each.get(feature.name)
        if value is None:
            fits[row] = feature.name in each
        elif isinstance(feature, Number) and type(value) is float:
            encoded[row] = value
        else:
            key = (type(value), value)
            if key not in known:
                known[key] = _encode_value(feature, value)
            number = known[key]
            fits[row] = number is not None
            encoded[row] = np.nan if number is None else number
    return encoded, fits


def _encode_value(feature: Feature, value: Any) -> float | None:
    """A stored value, encoded; None where the feature, which may be another version's, does not take it."""
    try:
        return feature.encode(feature.convert(value))
    except InvalidValue:
        return None


def _draw(id: UUID) -> int:
    """A number below 2³² that is as good as random, and the same for the same prediction."""
    return zlib.crc32(id.bytes)
