"""`manage.py score`: a table comes back with its answers, row by row."""

import csv
import io
import os
import re
import subprocess
import sys
from uuid import UUID

import msgspec
import numpy as np
import polars as pl
import pytest
from django.core.management import CommandError, call_command

from predictor.answering.columns import score_columns
from predictor.answering.described import describe_columns
from predictor.answering.ids import make_ids
from predictor.history.hiding import hash_inputs
from predictor.history.ids import find_moment
from predictor.models import Prediction, Version
from predictor.record.interval import ConstantInterval
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.scoring.stored_table import complete, list_rows
from predictor.serving.answer import describe_answer
from predictor.serving.runtime import Runtime
from predictor.serving.service import service
from predictor.tables.part import Part
from predictor.tables.series_cells import SeriesCells
from tests.conftest import ROOT
from tests.training import register_shipped, train

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def score(transactional_db, tmp_path):
    """Scores a text as CSV with a shipped model, and gives the rows and what was said."""

    def run(text, *, model="line", history="none", format="csv", name="in.csv"):
        register_shipped(model)
        file, made = tmp_path / name, tmp_path / f"out.{format}"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        said = io.StringIO()
        call_command("score", model, file, made, history=history, format=format, stderr=said)
        if format == "parquet":
            return pl.read_parquet(made).to_dicts(), said.getvalue()
        rows = list(csv.DictReader(io.StringIO(made.read_bytes().decode(), newline="")))
        return rows, said.getvalue()

    return run


def predict(model, raw):
    runtime = service.get_runtime(model)
    [answer], _ = runtime.answer([runtime.schema.parse(raw)])
    return answer


# With 100 columns, 1,000 rows are read and stored at a time.
OTHERS = [f"c{number}" for number in range(98)]
HEADER, FILLED = ",".join(["note", "x", *OTHERS]) + "\n", "," * 98 + "\n"


@pytest.mark.both_databases
def test_each_row_comes_back_in_its_order_with_what_the_form_would_answer_and_is_stored(score):
    cells = [str(number / 7) for number in range(2_001)]
    rows, said = score(HEADER + "".join(f"row {cell},{cell}{FILLED}" for cell in cells), history="all")
    assert [(row["note"], row["x"]) for row in rows] == [(f"row {cell}", cell) for cell in cells]
    assert list(rows[0]) == ["note", "x", *OTHERS, "prediction", "lower", "upper", "warnings", "id", "error"]
    kept = Prediction.objects.in_bulk([row["id"] for row in rows])
    assert len(kept) == Prediction.objects.count() == 2_001
    assert "2001 rows, 0 with an error, 2001 stored" in said
    for row in rows[::100]:
        stored = kept[UUID(row["id"])]
        answer = predict("line", {"x": row["x"]})
        assert float(row["prediction"]) == answer.output == stored.output
        assert (float(row["lower"]), float(row["upper"])) == answer.interval == tuple(stored.interval)
        assert row["warnings"] == "\n".join(stored.warnings)
        assert (stored.inputs, stored.source) == ({"x": float(row["x"])}, "csv")


@pytest.mark.both_databases
def test_a_row_with_an_error_says_what_is_wrong_and_the_others_are_answered(score):
    text = "id,x\n1,2.5\n2,abc\n3\n4,5,6\n\n5,1.7e308\n6,NA\n7,3\n"
    rows, said = score(text, history="all")
    assert [row["id"] for row in rows] == list("1234567")
    assert [bool(row["prediction"]) for row in rows] == [True, False, False, False, False, False, True]
    assert [row["error"] for row in rows] == [
        "",
        "x: “abc” is not a number: give a number such as 5.15.",
        "line 4: 1 value for 2 columns",
        "line 5: 3 values for 2 columns",
        "The model has no finite answer for these inputs: try values that it has seen.",
        "x: A value is needed: give a number such as 5.15.",
        "",
    ]
    assert [bool(row["mlsite_id"]) for row in rows] == [bool(row["prediction"]) for row in rows]
    assert Prediction.objects.count() == 2
    assert "7 rows, 5 with an error, 2 stored" in said
    assert "  2  wrong_length\n" in said
    assert "  1  not_a_number  x\n" in said
    assert "the added ones are named 'mlsite_id'" in said


def test_what_means_missing_in_a_column_depends_on_its_kind_and_a_choice_is_none_of_it():
    texts = ["NA", "-", "?", "null", "x", "1"]
    part = Part(frame=pl.DataFrame({"a": texts}))
    number = make_feature(name="a", kind="number", label="a")
    category = make_feature(name="a", kind="category", label="a", choices=("NA", "x"))
    assert part.get_cells(number).take(range(6)) == [None, None, None, None, "x", "1"]
    assert part.get_cells(category).take(range(6)) == ["NA", "-", "?", None, "x", "1"]


def test_a_file_of_which_every_row_is_refused_comes_back_with_their_errors(score):
    rows, said = score("x\n" + "abc\n" * 3, history="all")
    assert [(row["prediction"], row["error"][:11]) for row in rows] == [("", "x: “abc” is")] * 3
    assert "3 rows, 3 with an error, 0 stored" in said


HOSTILE = ["plain", "a\tb\nc\r", '"quoted" \\ \\.', "ünï 一 🐧\u2028\x01\x7f", "'; --", "NULL", "\\N", None]


def test_what_is_stored_of_a_table_is_what_is_stored_of_each_of_its_rows(settings):
    settings.INPUT_HASH_KEY = "k" * 50
    features = [
        make_feature(name='nu"m\\', kind="number", label="n", required=False, seen=(0.0, 5.0)),
        make_feature(name="whole", kind="integer", label="w", required=False),
        make_feature(name="is", kind="boolean", label="i", required=False),
        make_feature(name="^wörds$", kind="text", label="t", required=False),
        make_feature(name="hidden", kind="text", label="h", required=False, sensitive="hash"),
        make_feature(name="dropped", kind="number", label="d", required=False, sensitive="drop", seen=(0.0, 1.0)),
    ]
    schema = Schema(features=tuple(features), target=Target(name="y", label="y", task="regression"))
    numbers = ["1", "-0", "1e22", "0.1", "9007199254740991", "-5", "", "1e-7"]
    columns = [
        numbers,
        ["1", "-7", "0", "9007199254740991", "", "5", "x", "6"],
        ["yes", "no"] * 4,
        HOSTILE,
        HOSTILE,
        numbers,
    ]
    cells = {each.name: SeriesCells(pl.Series(column), ()) for each, column in zip(features, columns, strict=True)}
    interval = ConstantInterval(rows=9, approximate=False, radius=0.1)
    runtime = Runtime(version=Version(id=7), schema=schema, estimator=FirstColumn(), interval=interval)
    scored, parsed = score_columns(runtime, cells, {}, count=8)
    stored, ids = describe_columns(schema, parsed, scored, 0, hash_inputs)
    rows = list_rows(complete(stored, 7))
    assert ids.to_list() == [*(row["id"] for row in rows[:6]), None, rows[6]["id"]]
    for position, row in zip([0, 1, 2, 3, 4, 5, 7], rows, strict=True):
        [answer], _ = runtime.answer([parsed.get_row(position)])
        described = describe_answer(schema, parsed.get_row(position), answer)
        assert {name: row[name] for name in described} == msgspec.json.decode(msgspec.json.encode(described))
    assert len([row for row in rows if row["warning_codes"]]) > 1


class FirstColumn:
    def predict(self, inputs):
        return np.nan_to_num(inputs.matrix[:, 0])


def test_ids_of_a_chunk_are_in_the_order_of_its_rows_and_one_does_not_tell_the_next():
    began = 1_800_000_000_000_000_000
    ids = [UUID(id) for id in make_ids(10_000, began, began + 10_000_000)]
    assert ids == sorted(ids)
    assert {id.version for id in ids} == {7}
    assert [find_moment(id).timestamp() for id in (ids[0], ids[-1])] == [1_800_000_000, 1_800_000_000.009]
    fixed = {place for place in range(64) if len({id.int >> place & 1 for id in ids}) == 1}
    assert fixed == {62, 63}
    assert len(make_ids(0, began, began)) == 0


def test_formulas_are_defused_and_other_texts_stay(score):
    texts = ["=1+1", "+49 30", "@x", "-5", "+5.5", 'a "b", c', "a\nb", "-x", "\n=1", "-1,5", "-1.234,5", "-", "-nan"]
    written = io.StringIO()
    csv.writer(written).writerows([["=note", "x"], *([text, "1"] for text in texts)])
    rows, _ = score(written.getvalue())
    assert [row["'=note"] for row in rows] == [
        "'=1+1",
        "'+49 30",
        "'@x",
        "-5",
        "+5.5",
        'a "b", c',
        "a\nb",
        "'-x",
        "'\n=1",
        "-1,5",
        "-1.234,5",
        "-",
        "-nan",
    ]


def test_classes_have_their_probabilities_and_parquet_keeps_the_types_of_its_columns(score, tmp_path):
    given = {"island": ["Biscoe", "Mars"], "bill_length_mm": [47.5, None], "bill_depth_mm": [15, 15]}
    given |= {
        "flipper_length_mm": [218, 218],
        "body_mass_g": [4950, 4950],
        "sex": ["female", None],
        "year": [2008, 2008],
    }
    file = tmp_path / "given.parquet"
    pl.DataFrame(given).write_parquet(file)
    rows, _ = score(file.read_bytes(), model="penguins", format="parquet", name="in.parquet")
    answer = predict("penguins", {name: cells[0] for name, cells in given.items()})
    assert [{name: row[name] for name in given} for row in rows] == pl.DataFrame(given).to_dicts()
    assert rows[0]["prediction"] == answer.output
    assert {name: rows[0][f"probability_{name}"] for name in answer.probabilities} == answer.probabilities
    assert rows[1]["prediction"] is None
    assert "island: “Mars” is not a choice" in rows[1]["error"]


def test_columns_that_are_missing_are_named_before_anything_is_stored_and_unknown_ones_too(score, tmp_path):
    with pytest.raises(CommandError, match=r"Columns that the model needs are missing: 'x'\. The file has 'y', 'z'"):
        score("y,z\n1,2\n", history="all")
    assert Prediction.objects.count() == 0
    assert not (tmp_path / "out.csv").exists()
    assert "unknown to the model, and only copied: 'z'" in score("x,z\n1,2\n")[1]


def test_what_ends_the_file_leaves_no_output_and_says_what_is_stored(score, tmp_path):
    (tmp_path / "out.csv").write_text("former")
    with pytest.raises(CommandError, match=r"line 2002.*; the answers to the first 2000 valid rows are stored"):
        score(HEADER + f"a,1{FILLED}" * 2_000 + '"a"b,1\n', history="all")
    assert Prediction.objects.count() == 2_000
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    assert (tmp_path / "out.csv").read_text() == "former"


def test_an_output_that_cannot_be_written_is_said_before_anything_is_stored(score, tmp_path):
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(CommandError, match=r"out\.csv cannot be written: Is a directory"):
        score("x\n1\n", history="all")
    assert Prediction.objects.count() == 0


def test_numbers_in_another_unit_have_the_text_of_the_pages(models_dir, transactional_db):
    recipe = models_dir / "line" / "model.toml"
    recipe.write_text(recipe.read_text() + '\n[output]\nunit = "km"\nscale = 0.001\ndecimals = 3\n')
    train(models_dir, "line")
    given, made = models_dir / "given.csv", models_dir / "made.csv"
    given.write_text("x\n2.5\nabc\n")
    call_command("score", "line", given, made, stderr=io.StringIO())
    header, row, refused = csv.reader(io.StringIO(made.read_text()))
    assert header[:3] == ["x", "prediction", "text"]
    stored = Prediction.objects.get()
    assert (float(row[1]), row[2]) == (stored.output, str(stored.written_output))
    assert row[2].endswith("km")
    assert refused[1:5] == [""] * 4


def test_a_file_without_rows_is_an_error(score):
    with pytest.raises(CommandError, match="The file has a header but no rows"):
        score("x\n")


@pytest.fixture
def environment(database_url):
    """That of a process on the database of the tests, which has a version of line."""
    register_shipped("line")
    return {**os.environ, "DATABASE_URL": database_url}


@pytest.mark.both_databases
def test_a_pipe_is_scored_and_what_is_stopped_says_how_much_is_stored(environment, tmp_path):
    text = b"x\n" + b"2.5\n" * 40_000
    command = [sys.executable, "manage.py", "score", "line", "-"]
    piped = {"cwd": ROOT, "env": environment, "stderr": subprocess.PIPE}
    done = subprocess.run([*command, "-", "--history", "none"], check=True, input=text, stdout=subprocess.PIPE, **piped)  # noqa: S603  # Our own command.
    assert done.stdout.count(b"\n") == 40_001
    assert done.stderr.endswith(b"40,000 rows, 0 with an error, none stored\n")
    with subprocess.Popen([*command, tmp_path / "made.csv"], stdin=subprocess.PIPE, **piped) as process:  # noqa: S603  # Our own command.
        # So many that it is not done before it is stopped, also where this process waits for its turn.
        process.stdin.write(b"x\n" + b"2.5\n" * 400_000)
        process.stdin.close()
        while not Prediction.objects.exists():
            assert process.poll() is None, process.stderr.read()
        process.terminate()
        said = process.stderr.read().decode()
    assert process.returncode == 1
    assert list(tmp_path.iterdir()) == []
    [stored] = re.findall(r"Interrupted; the answers to the first ([\d,]+) valid rows are stored", said)
    assert int(stored.replace(",", "")) == Prediction.objects.count()


@pytest.mark.parametrize("kept", ["csv", "parquet", "jsonl"])
def test_a_table_in_any_format_is_scored_in_pieces_and_can_be_scored_again(score, tmp_path, kept):
    table = pl.DataFrame({"x": [number / 1_000 for number in range(9_000)], "day": ["2026-03-01"] * 9_000})
    table = table if kept != "parquet" else table.with_columns(pl.col("day").str.to_date())
    file = tmp_path / "given"
    {"csv": table.write_csv, "parquet": table.write_parquet, "jsonl": table.write_ndjson}[kept](file)
    rows, _ = score(file.read_bytes(), format="parquet", name="given")
    assert [float(row["x"]) for row in rows] == table["x"].to_list()
    assert [str(row["day"]) for row in rows] == ["2026-03-01"] * 9_000
    assert None not in [row["prediction"] for row in rows]
    again, _ = score((tmp_path / "out.parquet").read_bytes(), name="once.parquet")
    assert [float(row["mlsite_prediction"]) for row in again] == [row["prediction"] for row in rows]
    assert again[0]["day"] == "2026-03-01"
