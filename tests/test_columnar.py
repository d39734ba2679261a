"""A table that is parsed by column is what `Schema.parse` makes of it, row by row."""

import math
import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.exceptions import InvalidInput
from predictor.languages import LANGUAGES, use_language
from predictor.schema.cells import ListedCells
from predictor.schema.columnar import parse_columns
from predictor.schema.kinds import KINDS, make_feature
from predictor.schema.schema import Row, Schema
from predictor.schema.seen_words import store_words
from predictor.schema.table import Table
from predictor.schema.target import Target
from predictor.tables.series_cells import SeriesCells

TARGET = Target(name="y", label="y", task="regression")
# What people and programs write, and what is meant to break a reader.
HOSTILE = [
    *[
        "",
        " ",
        "\t",
        "0",
        "-0",
        "-0.0",
        "+1",
        "1.",
        ".5",
        "5e3",
        "1E400",
        "-1e400",
        "1e-400",
        "1_0",
        "nan",
        "NaN",
        "inf",
    ],
    *[
        "Infinity",
        "３",
        "٣",
        "1,5",
        "1,234",
        "1.234",
        "1.234,5",
        "1 234",
        "−5",
        "- 5",
        "--5",
        "1e",
        "e5",
        "+",
        "-",
        ".",
    ],
    *["9" * 400, "0" * 400 + "1", "9" * 5_000, "9007199254740993", "-999", "-999.0", "−999", " -999 ", "2.0", "2.5"],
    *[
        "5 mm",
        "mm5",
        "5mm",
        "50",
        "true",
        "TRUE",
        "yes",
        "1",
        "1.0",
        "no",
        "maybe",
        "Berlin",
        "BERLIN",
        "a\r\nb",
        "a\nb",
    ],
    *[
        "2026-03-01",
        "2026-03-01T12:30",
        "2026-03-29T02:30",
        "12:30",
        "1.3.2026",
        "0001-01-01",
        "9999-12-31T23:59-14:00",
    ],
    *["\x00", "a\x00", "\ud800", "=1+1", "one two", "three", "一", "NA", "null", "None", "1\n2", "5\n"],
]
OTHERS = [None, True, False, 0, 1, -999, 2**53, 2**63, 10**400, -(10**5_000), 0.0, -0.0, 1.5, 1e308, -999.0]
OTHERS += [math.nan, math.inf, -math.inf, [], {}, b"1", (1, 2), object]
texts = st.sampled_from(HOSTILE) | st.text(max_size=8) | st.floats().map(str) | st.integers().map(str)
numbers = st.none() | st.floats() | st.integers()
cells = texts | numbers | st.sampled_from(OTHERS)
ends = st.sampled_from([-1e308, -999.0, -1.0, 0.0, 1.0, 2.0, 1000.0, 1e308])


@st.composite
def features(draw, name):
    kind = draw(st.sampled_from(sorted(KINDS)))
    described = {"name": name, "kind": kind, "label": name, "required": draw(st.booleans())}
    described["unit"] = draw(st.sampled_from(["", "mm", "%", "5", "e5", "."]))
    described["missing"] = draw(st.sampled_from([(), ("-999",), ("NA", "2.0"), ("1e3", "−5")]))
    if kind == "category":
        choices = draw(st.sampled_from([("Berlin", "a\nb", ""), ("1", "2.0", " "), ("true", "false", "NA")]))
        described |= {"choices": choices, "seen": choices[:2], "unseen": draw(st.sampled_from(["", "other"]))}
        described |= {"merge": {"BERLIN": choices[0]}, "labels": draw(st.sampled_from([{}, {choices[0]: "yes"}]))}
    elif kind == "text":
        words = draw(st.sampled_from(["", store_words(["one", "two"])]))
        described |= {"maximum_length": draw(st.sampled_from([3, 1_000])), "words": words}
    elif kind != "boolean":
        seen, limits = (sorted(draw(st.tuples(ends, ends))) for _ in range(2))
        if kind in ("number", "integer"):
            described["seen"] = draw(st.sampled_from([(), tuple(seen)]))
        described |= draw(st.sampled_from([{}, {"minimum": limits[0]}, {"maximum": limits[1]}]))
        if kind in ("date", "datetime", "time"):
            described |= {"seen": (0.0, 20_000.0), "minimum": None, "maximum": None}
            described["format"] = draw(st.sampled_from(["", "%d.%m.%Y"]))
        if kind == "datetime":
            described["zone"] = draw(st.sampled_from(["", "UTC", "Europe/Berlin"]))
    return make_feature(**described)


@st.composite
def tables(draw):
    """A schema, and columns of cells: all texts, as in CSV, all numbers, or of any type."""
    names = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True))
    schema = Schema(features=tuple(draw(features(name)) for name in names), target=TARGET)
    count = draw(st.integers(0, 12))
    given_names = draw(st.lists(st.sampled_from("abcde"), unique=True)) if draw(st.booleans()) else names
    columns = {}
    for name in given_names:
        of = draw(st.sampled_from([texts, numbers, cells]))
        columns[name] = draw(st.lists(of, min_size=count, max_size=count))
    return schema, columns, count


def parse_rows(schema, columns, count):
    """Each row as `Schema.parse` has it, or its problems."""
    for position in range(count):
        try:
            yield schema.parse({name: column[position] for name, column in columns.items()})
        except InvalidInput as error:
            yield error.problems


def describe(problems):
    """Problems without what was given, which the sentences repeat: NaN equals nothing."""
    return [(name, each.code, each.expected, each.limit, str(each)) for name, each in problems.items()]


def assert_same(schema, columns, count):
    one_by_one = list(parse_rows(schema, columns, count))
    assert_parsed(
        schema, parse_columns(schema, {name: ListedCells(each) for name, each in columns.items()}, count), one_by_one
    )
    series = {name: as_series(each) for name, each in columns.items()}
    if None not in series.values():
        assert_parsed(schema, parse_columns(schema, series, count), one_by_one)


def as_series(cells):
    """The same as a column of a file; None where no file has such a column."""
    types = set(map(type, cells)) - {type(None)}
    is_one = (
        types <= {str}
        or types <= {float}
        or (types <= {int} and all(-(2**63) <= cell < 2**63 for cell in cells if cell is not None))
    )
    if (
        not is_one
        or any(isinstance(cell, str) and "\ud800" in cell for cell in cells)
        or any(cell != cell for cell in cells)
    ):
        return None
    return SeriesCells(pl.Series(cells, dtype=None if types else pl.String), ())


def assert_parsed(schema, parsed, one_by_one):
    count = len(one_by_one)
    accepted = [position for position, row in enumerate(one_by_one) if isinstance(row, Row)]
    assert set(parsed.problems) == set(range(count)) - set(accepted)
    assert set(parsed.warnings) <= set(accepted)
    for position, problems in parsed.problems.items():
        assert describe(problems) == describe(one_by_one[position])
    rows = [one_by_one[position] for position in accepted]
    assert [repr(parsed.get_row(position)) for position in accepted] == list(map(repr, rows))
    expected, found = schema.encode(rows), parsed.inputs
    assert isinstance(found, Table) == isinstance(expected, Table)
    if isinstance(expected, Table):
        assert found.texts.keys() == expected.texts.keys()
        for column, kept in expected.texts.items():
            assert found.texts[column][accepted].tolist() == kept.tolist()
        expected, found = expected.matrix, found.matrix
    assert found.shape == (count, len(schema.features))
    # To the bit: also NaN and the sign of zero.
    assert found[accepted].tobytes() == np.ascontiguousarray(expected).tobytes()


@given(tables())
def test_a_table_by_column_is_what_each_of_its_rows_is(table):
    assert_same(*table)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=25)
@given(st.data())
def test_hostile_cells_are_read_refused_and_warned_about_as_one_by_one(kind, data):
    feature = data.draw(features("a").filter(lambda feature: feature.kind == kind))
    for column in (HOSTILE, [*HOSTILE, *OTHERS], [each for each in OTHERS if type(each) in (int, float)]):
        assert_same(Schema(features=(feature,), target=TARGET), {"a": column}, len(column))


@pytest.mark.parametrize("code", ["en", "de"])
def test_a_number_with_two_readings_in_a_language_has_them_by_column_too(code):
    language = next(each for each in LANGUAGES.values() if each.tag == code)
    feature = make_feature(name="a", kind="number", label="a")
    with use_language(language):
        assert_same(Schema(features=(feature,), target=TARGET), {"a": ["1.234", "1,234", "5", "1.5"]}, 4)


def test_numbers_and_categories_are_parsed_many_times_as_fast_by_column():
    number = make_feature(name="a", kind="number", label="a", seen=(0.0, 10.0))
    category = make_feature(name="b", kind="category", label="b", choices=("x", "y"), seen=("x", "y"))
    schema = Schema(features=(number, category), target=TARGET)
    cells = {"a": [str(each / 2_000) for each in range(20_000)], "b": ["x", "y"] * 10_000}

    columns = {name: SeriesCells(pl.Series(each), ()) for name, each in cells.items()}

    def measure(parse):
        began = time.process_time()
        parse()
        return time.process_time() - began

    by_row = measure(lambda: [schema.parse({"a": a, "b": b}) for a, b in zip(*cells.values(), strict=True)])
    assert min(measure(lambda: parse_columns(schema, columns, 20_000)) for _ in range(3)) < by_row / 3
