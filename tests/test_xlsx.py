"""Workbooks with one sheet: what their cells become, and what is refused before it is unpacked or read wrongly."""

import gzip
from datetime import date, datetime, time, timedelta

import pytest
from django.core.management import call_command

from predictor.exceptions import DatasetError
from predictor.models import Outcome, Version
from predictor.tables import workbook
from predictor.tables.cell_texts import read_texts
from predictor.tables.table import name_ending, read_table
from tests.test_table import zip_files
from tests.workbooks import MAIN, Cell, declare_size, pack_parts, unpack_parts, write_workbook

WHOLE = [["x", "y"], [1, 2], [3, 4]]


def read(tmp_path, content):
    file = tmp_path / "data.xlsx"
    file.write_bytes(content)
    return read_table(file)[0]


def catch_error(tmp_path, content):
    with pytest.raises(DatasetError) as caught:
        read(tmp_path, content)
    return str(caught.value).replace(f"{tmp_path}/", "")


def place(cell):
    return write_workbook([["x", "y"], [1, Cell(cell)]])


def change_sheet(*changes):
    """The workbook of WHOLE in whose sheet each text is replaced by the one after it."""
    parts = unpack_parts(write_workbook(WHOLE))
    name = "xl/worksheets/sheet1.xml"
    sheet = parts[name]
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in sheet
        sheet = sheet.replace(old, new)
    return pack_parts(parts | {name: sheet})


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ([1, 2.0, 3], [1, 2, 3]),
        ([0.1, 2, 1e22], [0.1, 2.0, 1e22]),
        ([True, False, None], [True, False, None]),
        (["a", " b ", "é\n"], ["a", " b ", "é\n"]),
        (["01001", "02000", "03000"], ["01001", "02000", "03000"]),
        ([1, "", 3], [1, None, 3]),
        ([1, "n/a", 3], [1, None, 3]),
        ([1, "late", 3], ["1", "late", "3"]),
        ([date(2024, 2, 29), None, date(1969, 12, 31)], ["2024-02-29", None, "1969-12-31"]),
        (
            [datetime(2024, 2, 29, 8, 30), datetime(2024, 3, 1), datetime(2024, 3, 1, 23, 59, 59)],
            ["2024-02-29T08:30:00", "2024-03-01T00:00:00", "2024-03-01T23:59:59"],
        ),
        ([time(8, 30), time(0, 0), time(23, 59, 59)], ["08:30:00", "00:00:00", "23:59:59"]),
        (
            [timedelta(hours=36, minutes=5), timedelta(minutes=7, seconds=9), timedelta(0)],
            ["36:05:00", "00:07:09", "00:00:00"],
        ),
        ([Cell('<c r="{}" s="5"><v>0.45</v></c>'), 0.5, 1], [0.45, 0.5, 1]),
        ([Cell('<c r="{}"><f>1+1</f><v>2</v></c>'), 3, 4], [2, 3, 4]),
        ([Cell('<c r="{}" t="str"><f>""</f><v></v></c>'), 3, 4], [None, 3, 4]),
        ([Cell('<c r="{}" t="e"><v>#N/A</v></c>'), 3, 4], [None, 3, 4]),
        ([Cell('<c r="{}" t="s"><v>1</v></c>'), Cell('<c r="{}" t="s"><v>0</v></c>'), "c"], ["Ulm & co", "Bonn", "c"]),
    ],
)
def test_cells_are_read_as_their_texts_in_a_csv_file_are(tmp_path, cells, values):
    rows = [["x", "y"], *([cell, 5] for cell in cells)]
    assert read(tmp_path, write_workbook(rows, shared=["Bonn", "Ulm & co"]))["x"].to_list() == values


@pytest.mark.parametrize(
    "content",
    [
        write_workbook(WHOLE),
        write_workbook([], WHOLE, [[None]]),
        write_workbook([[], [None], *([None, None, *row] for row in WHOLE)]),
        write_workbook([WHOLE[0], WHOLE[1], [], ["", None], WHOLE[2], [" "]]),
        write_workbook([[*row, None, ""] for row in WHOLE]),
        write_workbook(WHOLE, names=["prices; “2024”"], states=["hidden"]),
        change_sheet(b"</worksheet>", b"<extLst><ext><f>A1:A3</f></ext></extLst></worksheet>"),
        zip_files("a.xlsx", content=write_workbook(WHOLE)),
        gzip.compress(write_workbook(WHOLE)),
    ],
)
def test_the_one_sheet_with_values_is_the_table(tmp_path, content):
    assert read(tmp_path, content).rows() == [(1, 2), (3, 4)]


def test_names_of_columns_may_be_numbers_and_dates(tmp_path):
    assert read(tmp_path, write_workbook([[2024, date(2024, 3, 1)], [1, 2]])).columns == ["2024", "2024-03-01"]


def test_an_index_without_a_name_is_called_as_pandas_calls_it(tmp_path):
    rows = [[None, "x"], [0, 5], [1, 6]]
    assert read(tmp_path, write_workbook(rows)).columns == ["Unnamed: 0", "x"]


def test_dates_that_count_from_1904_are_what_the_sheet_shows(tmp_path):
    content = write_workbook([["x", "y"], [date(2024, 2, 29), 1]], date_1904=True)
    assert read(tmp_path, content)["x"].to_list() == ["2028-03-01"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            write_workbook(WHOLE, WHOLE),
            "data.xlsx has several sheets with values, 'Sheet1', 'Sheet2': keep the one with",
        ),
        (write_workbook(WHOLE, [[1]], states=["visible", "hidden"]), "has several sheets with values, 'Sheet1', 'Shee"),
        (write_workbook(WHOLE, [["a", "b"]], merged=["A1:B1"]), "has several sheets with values, 'Sheet1', 'Sheet2'"),
        (write_workbook([]), "data.xlsx has no sheet with values."),
        (write_workbook([["x", "y"]]), "data.xlsx has a header (line 1) but no rows."),
        (write_workbook([["x", "x "], [1, 2]]), "data.xlsx, row 1: two columns are named 'x': rename one of them."),
        (write_workbook([[], ["x", None, "y"], [1, 2, 3]]), "data.xlsx, row 2: column 2 has no name: give it one, or"),
        (write_workbook([["x", None], [1, 2]]), "data.xlsx, row 1: column 2 has no name: give it one, or remove"),
        (
            write_workbook(WHOLE, merged=["A1:B1"]),
            "data.xlsx: the cells A1:B1 are merged, and only the first has a",
        ),
        (
            place('<c r="{}" t="e"><v>#DIV/0!</v></c>'),
            "cell B2 contains the error '#DIV/0!': correct its formula, or emp",
        ),
        (place('<c r="{}"><f>A1*2</f></c>'), "cell B2 has a formula without its value: open the file in a spreadsheet"),
        (
            place('<c r="{}"><f>A1*2</f><v>\n</v></c>'),
            "cell B2 has a formula without its value: open the file in a spre",
        ),
        (
            place('<c r="XFD1048576"><v>1</v></c>'),
            "data.xlsx has more than 33,554,432 cells and texts, up to the last",
        ),
        (
            change_sheet(b"worksheet", b"any", b'"B3"', b'"XFD1048576"'),
            "data.xlsx has more than 33,554,432 cells and texts, up to the last",
        ),
        (place('<c r="ABCDE5"><v>1</v></c>'), "data.xlsx cannot be read as a workbook: a cell in column 'ABCDE'."),
        (
            change_sheet(b'<row r="2"><c r="A2">', b'<row r="9999999999"><c>'),
            "data.xlsx has more than 33,554,432 cells and texts, up to",
        ),
        (change_sheet(b"</row>", b""), "data.xlsx cannot be read as a workbook: mismatched tag: line 1, column"),
        (
            declare_size(write_workbook(WHOLE), 2 << 30),
            "data.xlsx unpacks to more than 1,073,741,824 bytes, the limit.",
        ),
        (declare_size(write_workbook(WHOLE), 10), "data.xlsx cannot be unpacked: Bad CRC-32 for file"),
        (
            pack_parts({"xl/workbook.xml": "x,y"}),
            "data.xlsx cannot be read as a workbook: syntax error: line 1, column",
        ),
        (pack_parts({"xl/workbook.xml": f'<workbook xmlns="{MAIN}"/>'}), "data.xlsx cannot be read as a workbook: "),
    ],
)
def test_what_would_be_read_wrongly_or_fits_into_no_memory_is_refused_with_its_place(tmp_path, content, message):
    assert message in catch_error(tmp_path, content)


def test_empty_texts_of_which_a_few_bytes_pack_millions_count_as_cells_do(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_CELLS", 1_000)
    parts = unpack_parts(write_workbook(WHOLE))
    name = "xl/sharedStrings.xml"
    many = parts | {name: parts[name].replace(b"</sst>", b"<si/>" * 2_000 + b"</sst>")}
    assert read(tmp_path, pack_parts(parts)).height == 2
    assert "data.xlsx has more than 1000 cells and texts" in catch_error(tmp_path, pack_parts(many))


def test_a_part_with_one_wrong_byte_is_read_or_refused(tmp_path):
    parts = unpack_parts(write_workbook([["x", "y"], [1, "a"], [date(2024, 2, 29), True]], shared=["a"]))
    results = set()
    for name, part in parts.items():
        for position in range(0, len(part), 13):
            changed = part[:position] + bytes([part[position] ^ 9]) + part[position + 1 :]
            try:
                read(tmp_path, pack_parts(parts | {name: changed}))
                results.add("read")
            except DatasetError:
                results.add("refused")
    assert results == {"read", "refused"}


def test_rows_of_a_sheet_are_called_by_their_numbers_there(tmp_path):
    (tmp_path / "data.xlsx").write_bytes(write_workbook([["id", "outcome"], ["a", 1], [], ["b", 2.5]]))
    assert list(read_texts(tmp_path / "data.xlsx")) == [(0, ["id", "outcome"]), (2, ["a", "1"]), (4, ["b", "2.5"])]
    assert name_ending(tmp_path / "data.xlsx") == ".xlsx"


@pytest.mark.django_db
def test_a_model_begins_from_a_workbook_and_its_outcomes_come_in_one(client, settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "ml_models"
    rows = [["day", "area", "price"], *([date(2024, 1, 1 + i % 28), 20 + i, 3 * i + i % 5] for i in range(60))]
    (tmp_path / "flats.xlsx").write_bytes(write_workbook(rows))
    ridge = "sklearn.linear_model.Ridge"
    call_command("startmodel", "flats", data=tmp_path / "flats.xlsx", target="price", estimator=ridge)
    assert (settings.MODELS_DIR / "flats" / "data.xlsx").is_file()
    call_command("retrain", "flats")
    kinds = [feature.kind for feature in Version.objects.get().parsed_schema.features]
    assert kinds == ["date", "integer"]
    id = client.post("/flats/", {"day": "2024-01-05", "area": "30"})["Location"].split("/")[2]
    (tmp_path / "outcomes.xlsx").write_bytes(write_workbook([["id", "outcome"], [id, 31.5]]))
    call_command("record_outcomes", tmp_path / "outcomes.xlsx")
    assert Outcome.objects.get().value == 31.5
