"""What the first rows of a table say before it is scored."""

import gzip
import io
import subprocess
import sys

import msgspec
import polars as pl
import pytest

from predictor.answering.preview import preview_file
from predictor.record.file_preview import Found
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.tables.parts import read_parts
from tests.workbooks import write_workbook

SCHEMA = Schema(
    features=(
        make_feature(name="size", kind="number", label="Size", minimum=0.0),
        make_feature(name="town", kind="category", label="Town", choices=("Oldham", "Bury"), required=False),
    ),
    target=Target(name="y", label="y", task="regression"),
)
NO_COLUMNS = io.BytesIO()
pl.DataFrame().write_parquet(NO_COLUMNS)
CSV = b"id,size,town\n7,1.5,Oldham\n8,big,\n9,-1,York\n10\n"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "table"


def look(file, content, most=100_000):
    file.write_bytes(content)
    return preview_file(file, "new.csv", SCHEMA, most)


def test_a_preview_names_the_columns_the_missing_inputs_and_what_is_wrong_with_the_first_rows(file):
    preview = look(file, CSV).preview
    assert [(each.name, each.example) for each in preview.columns] == [("id", "7"), ("size", "1.5"), ("town", "Oldham")]
    assert (preview.format, preview.rows, preview.is_exact, preview.refused) == ("csv", 4, True, 3)
    assert [(each.row, each.field) for each in preview.problems] == [(2, "size"), (3, "size"), (3, "town"), (4, "")]
    assert str(preview.problems[0].problem) == "“big” is not a number: give a number."
    assert preview.problems[3].sentence == "line 5: 1 value for 3 columns"
    assert look(file, b"size\n1\n").preview.missing == ["town"]


def test_the_rows_of_a_long_csv_are_estimated_and_those_of_other_formats_counted(file, tmp_path):
    for content in (b"size\n" + b"1.5\n" * 5_000, b"size" + b"\n1.5" * 5_000):
        preview = look(file, content).preview
        assert (preview.rows, preview.is_exact, preview.checked) == (5_000, False, 1_000)
        assert read_parts(file, 1_000, tmp_path).rows == 5_000
    table = pl.DataFrame({"size": [1.5] * 5_000, "town": ["Bury"] * 5_000})
    table.write_parquet(file)
    preview = preview_file(file, "new.csv", SCHEMA, 100).preview
    assert (preview.format, preview.rows, preview.is_exact, preview.refused) == ("parquet", 5_000, True, 0)


@pytest.mark.parametrize(
    ("content", "trouble", "columns"),
    [
        (b"", "empty", []),
        (b"\n \n", "empty", []),
        (b"size,town\n", "no_rows", []),
        (b"1.5,Oldham\n2.5,Bury\n", "no_inputs", ["1.5", "Oldham"]),
        (b"town,id\nBury,1\n", "missing", ["size"]),
        (gzip.compress(CSV), "packed", []),
        (b"PK\x03\x04 damaged", "packed", []),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "wrong_type", []),
        (b"%PDF-1.7\n\0\xff\xfe", "wrong_type", []),
        (b'{"size": 1}\n{"size": 2}\n', "json_lines", []),
        (b"<html><body><table>", "wrong_type", []),
        (b"PAR1 damaged PAR1", "unreadable", []),
        (b"size,size\n1,2\n", "unreadable", []),
        (NO_COLUMNS.getvalue(), "empty", []),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_for_a_named_reason(file, content, trouble, columns):
    found = look(file, content)
    assert found.preview is None
    assert (found.refusal.trouble, found.refusal.columns) == (trouble, columns)


def test_a_row_group_that_takes_too_much_memory_is_refused_with_the_size_to_write(file):
    pl.DataFrame({"size": [1.5] * 9_000_000}).write_parquet(file, row_group_size=9_000_000)
    refusal = preview_file(file, "new.parquet", SCHEMA, 100).refusal
    assert (refusal.trouble, refusal.limit) == ("large_groups", 64)
    assert "row_group_size=" in refusal.detail


def test_a_number_that_json_has_not_is_named_as_the_result_names_it(file):
    pl.DataFrame({"size": [float("inf"), -1e300]}).write_parquet(file)
    found = msgspec.json.decode(msgspec.json.encode(preview_file(file, "new.parquet", SCHEMA, 100)), type=Found)
    sentences = [str(each.problem) for each in found.preview.problems]
    assert sentences == ["“inf” is not a number: give a number.", "“-1e+300” is too small: the least allowed is 0."]


def test_added_columns_whose_names_the_file_has_are_named_as_in_the_result(file):
    assert look(file, b"size,id,prediction\n1,2,3\n").preview.renamed == ["mlsite_prediction", "mlsite_id"]
    assert look(file, b"size\n1\n").preview.renamed == []


def test_a_workbook_may_have_only_so_many_rows(file):
    file.write_bytes(write_workbook([["size"], *[[1.5]] * 1_200]))
    assert preview_file(file, "new.csv", SCHEMA, 1_200).preview.rows == 1_200
    assert preview_file(file, "new.csv", SCHEMA, 1_199).refusal.limit == 1_199


def test_the_process_of_its_own_reads_a_schema_and_writes_what_it_found(file):
    file.write_bytes(CSV)
    command = [sys.executable, "-m", "predictor.answering.preview", str(file), "new.csv", "100000"]
    given = msgspec.json.encode(SCHEMA.to_json())
    done = subprocess.run(command, input=given, capture_output=True, check=True)  # noqa: S603  # Our own.
    assert msgspec.json.decode(done.stdout, type=Found) == preview_file(file, "new.csv", SCHEMA, 100_000)
