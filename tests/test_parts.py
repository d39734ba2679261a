"""Tables read part by part: the same rows from each format, and from each place on."""

import csv
import gzip
import io
import json
import zipfile
from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from predictor.cluster.pieces import PieceSize, divide
from predictor.exceptions import DatasetError, ExportError, LargeRowGroup
from predictor.tables import workbook
from predictor.tables.cell_texts import read_texts
from predictor.tables.csv_rows import Layout
from predictor.tables.parquet_footer import read_row_groups
from predictor.tables.parts import read_parts
from predictor.tables.parts_writing import write_xlsx_parts
from predictor.tables.plain_rows import read_plain_rows
from predictor.tables.table import read_table
from tests.workbooks import Cell, write_workbook

ROWS = [("=a", "1"), ('two\r\nlines; "é"', "2.5"), ("", ""), ("b, c", ""), ("ß", "x"), ("last", "7")]
TEXT = "note,x\r\n" + "".join('"{}",{}\r\n'.format(a.replace('"', '""'), b) if a else "\r\n" for a, b in ROWS)
KEPT = [(a, b or None) for a, b in ROWS if a]


def pack(text, name):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, text)
    return made.getvalue()


def write_frame(method):
    made = io.BytesIO()
    getattr(pl.DataFrame({"note": [a for a, _ in KEPT], "x": [b for _, b in KEPT]}), method)(made)
    return made.getvalue()


FILES = {
    "plain": TEXT.encode(),
    "with a byte order mark": TEXT.encode("utf-8-sig"),
    "after Excel's hint": b"sep=,\r\n" + TEXT.encode(),
    "after Excel's hint in UTF-16": ("sep=,\r\n" + TEXT).encode("utf-16"),
    "packed": gzip.compress(TEXT.encode()),
    "in another encoding": TEXT.encode("cp1252"),
    "in UTF-16": TEXT.encode("utf-16"),
    "both": pack(TEXT.encode("utf-16"), "new.csv"),
    "JSON lines": "".join(json.dumps({"note": a, "x": b} if a else {}) + "\n" for a, b in KEPT).encode(),
    "Parquet": write_frame("write_parquet"),
    "a workbook": write_frame("write_excel"),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_each_format_gives_the_same_rows_and_goes_on_from_each_place(content, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(content)
    _, columns, most, parts = read_parts(file, 2, tmp_path)
    parts = list(parts)
    assert (list(columns), [len(part) for part in parts]) == (["note", "x"], [2, 2, 1])
    rows = [(a.replace("\r\n", "\n"), b or None) for part in parts for a, b in part.frame.iter_rows()]
    assert rows == [(a.replace("\r\n", "\n"), b) for a, b in KEPT]
    assert most >= len(rows)
    for number, part in enumerate(parts, start=1):
        after = list(read_parts(file, 2, tmp_path, start=part.after).parts)
        assert [each.frame.rows() for each in after] == [each.frame.rows() for each in parts[number:]]
        assert [each.after for each in after] == [each.after for each in parts[number:]]


@pytest.mark.parametrize("rows", [b"", b"1,a\n2,b\n"])
def test_blank_rows_alone_are_no_part(rows, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x,n\n" + rows + b",\n , \n,\n,\n,\n")
    assert [len(part) for part in read_parts(file, 2, tmp_path).parts] == ([2] if rows else [])


CELLS = [
    "a",
    "",
    " ",
    "é",
    "1.5",
    '""',
    '" "',
    '"b"',
    '"a, b"',
    '"c""d"',
    '"\\"',
    '5"',
    '"x"y',
    '"y""',
    ' "z"',
    '"\n"',
    "\x1c",
    "\u2028",
]


@given(
    st.text(alphabet='ab1 ,;\t\n"é\x1c\x85\u2028', min_size=1, max_size=30)
    | st.lists(st.lists(st.sampled_from(CELLS), min_size=1, max_size=3).map(",".join), min_size=1).map("\n".join),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(",;"),
)
@example('"a, b",1\n"c""d",""', "\n", ",")
@example("a,1\n,2\n", "\n", ",")
def test_lines_that_are_read_at_once_are_the_rows_that_are_read_one_by_one(text, end, separator):
    lines = text.replace("\n", end)
    try:
        rows = list(csv.reader(io.StringIO(lines, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        rows = []
    width = max(map(len, rows), default=1)
    table = read_plain_rows(lines.encode(), Layout(separator=separator, names=[f"c{place}" for place in range(width)]))
    are_plain = bool(rows) and all(len(row) == width and any(map(str.strip, row)) for row in rows)
    if table is not None:
        assert table.rows() == list(map(tuple, rows))
        assert are_plain
    elif '"' not in text:
        assert not are_plain


def test_values_in_quotes_are_read_at_once_too():
    layout = Layout(separator=",", names=["a", "b"])
    table = read_plain_rows(b'"a, b",1\r\nc,"d""e"\r\n"",2\r\n', layout)
    assert table is not None
    assert table.rows() == [("a, b", "1"), ("c", 'd"e'), ("", "2")]


def test_an_error_names_the_file_and_its_line_also_where_reading_went_on(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(TEXT.encode() + b'c,1\r\nd,"2"3\r\n')
    first = next(read_parts(file, 2, tmp_path, name="new.csv").parts)
    with pytest.raises(DatasetError, match=r"new\.csv, line 10: column 'x'"):
        list(read_parts(file, 9, tmp_path, name="new.csv", start=first.after).parts)
    for content, problem in (
        (b"a,b\n1,\xe9\n2,\xc3\xa9\n", "line 2: byte 0xe9 is not text in UTF-8"),
        (gzip.compress(b"a,b\n1,2\n")[:-3], "cannot be unpacked"),
        ("a,b\n1,\0".encode("utf-16"), "line 2: a NUL byte"),
        (b'{"a": 1}\n{"a": [1]}\n', "line 2: column 'a': it contains a list"),
        (b'{"a": 1}\n{"a": true\n', "line 2: this is not JSON"),
    ):
        file.write_bytes(content)
        with pytest.raises(DatasetError, match=problem) as caught:
            list(read_parts(file, 2, tmp_path, name="new.csv").parts)
        assert str(caught.value).startswith("new.csv")


def test_row_groups_that_take_too_much_are_refused_with_the_way_to_write_the_file_again(tmp_path):
    file = tmp_path / "file"
    table = pl.DataFrame(
        {"a": range(10_000), "b": [f"text {number}" for number in range(10_000)], "c": [None] * 10_000}
    )
    table.write_parquet(file, row_group_size=2_500)
    assert [group.rows for group in read_row_groups(file)] == [2_500] * 4
    assert min(group.size for group in read_row_groups(file)) >= 2_500 * 3 * 8
    with pytest.raises(LargeRowGroup, match=r"new: row group 1 takes 0 MB .* row_group_size=(\d+)") as caught:
        read_parts(file, 10, tmp_path, name="new", most_bytes_of_a_row_group=50_000)
    rows = int(str(caught.value).partition("row_group_size=")[2].partition(",")[0])
    table.write_parquet(file, row_group_size=rows)
    assert read_parts(file, 10, tmp_path, most_bytes_of_a_row_group=50_000).rows == 10_000
    # One value that is repeated takes a few bytes in the file, and much memory.
    pl.DataFrame({"a": [1] * 1_000_000}).write_parquet(file, row_group_size=1_000_000)
    assert read_row_groups(file)[0].size == 8_000_000
    file.write_bytes(file.read_bytes()[:-9] + b"\0PAR1\0\0\0\0PAR1")
    with pytest.raises(DatasetError, match="cannot be read as Parquet: its end is missing"):
        read_parts(file, 10, tmp_path, most_bytes_of_a_row_group=50_000)


def test_columns_of_a_workbook_have_the_type_that_all_of_their_cells_have(tmp_path):
    file = tmp_path / "file"
    rows = [
        (1, 2.5, True, "a", date(2026, 1, 2)),
        (2, 3, None, 1, datetime(2026, 1, 2, 3, 4)),
        (None, None, False, None, None),
    ]
    book = Workbook(file)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, "abcde")
    formats = {
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
    }
    for line, row in enumerate(rows, start=1):
        for place, cell in enumerate(row):
            sheet.write(line, place, cell, formats.get(type(cell)))
    book.close()
    table = pl.concat(part.frame for part in read_parts(file, 2, tmp_path).parts)
    assert table.rows() == [
        (1, 2.5, True, "a", "2026-01-02T00:00:00"),
        (2, 3.0, None, "1", "2026-01-02T03:04:00"),
        (None, None, False, "", ""),
    ]


def test_a_cell_with_an_error_is_a_text_of_its_row_and_stops_nothing(tmp_path, monkeypatch):
    file = tmp_path / "file"
    error, missing = (Cell(f'<c r="{{}}" t="e"><v>{text}</v></c>') for text in ("#DIV/0!", "#N/A"))
    file.write_bytes(write_workbook([[], [None, "x", "y"], [None, 1, error], [None, missing, 2], [None, error, None]]))
    table = pl.concat(part.frame for part in read_parts(file, 2, tmp_path).parts)
    assert table.rows() == [("1", "#DIV/0!"), ("", "2"), ("#DIV/0!", "")]
    monkeypatch.setattr(workbook, "MOST_ERRORS", 1)
    with pytest.raises(DatasetError, match="1 cells and more contain an error; cell C3 contains the error '#DIV/0!'"):
        read_parts(file, 2, tmp_path)


def test_a_workbook_keeps_each_digit_of_a_whole_number_and_loses_no_column_and_no_name():
    def write(frame):
        made = io.BytesIO()
        write_xlsx_parts([frame], made)
        made.seek(0)
        return CalamineWorkbook.from_filelike(made).get_sheet_by_index(0).to_python()

    assert write(pl.DataFrame({"id": [2**53, 2**53 + 1, -(2**62)]}))[1:] == [
        [2.0**53],
        [str(2**53 + 1)],
        [str(-(2**62))],
    ]
    with pytest.raises(ExportError, match="at most 16,384 columns, and this table 16,385: choose CSV or Parquet"):
        write(pl.DataFrame({str(place): [1] for place in range(16_385)}))
    with pytest.raises(ExportError, match=r"its name: a cell of .xlsx takes 32,767 characters"):
        write(pl.DataFrame({"n" * 32_768: [1]}))


def test_what_is_small_in_the_file_and_large_in_memory_is_read_in_small_parts_or_refused(tmp_path):
    file = tmp_path / "file"
    for line in (b"x,y\n1,2\n1,%s\n", b'{"x": 1}\n{"x": 2}\n{"x": "%s"}\n'):
        file.write_bytes(gzip.compress(line % (b"1" * 10_000_000)))
        with pytest.raises(DatasetError, match="new, line 3: the line is longer than 4 MB, the limit"):
            read_parts(file, 100, tmp_path, name="new")
    text = "word " * 100_000
    file.write_text(f'note,x\n"{text}",1\n"a",2\n')
    assert [part.frame.rows() for part in read_parts(file, 2, tmp_path).parts] == [[(text, "1"), ("a", "2")]]
    for kind in (pl.String, pl.Categorical):
        pl.DataFrame({"note": pl.Series([text] * 20, dtype=kind)}).write_parquet(file)
        assert file.stat().st_size < len(text) / 10
        assert [len(part) for part in read_parts(file, 100, tmp_path).parts] == [4] * 5


@pytest.mark.parametrize("hint", ["sep=;", "\ufeffSEP=;", '"sep=;"', "sep=;;"])
def test_the_hint_that_excel_writes_before_the_header_is_read_by_every_reader(hint, tmp_path):
    file = tmp_path / "hinted.csv"
    file.write_text(f"{hint}\nx;y\n1,5;a\n2,5;b, c\n", encoding="utf-8")
    assert read_table(file)[0].rows() == [(1.5, "a"), (2.5, "b, c")]
    assert list(read_texts(file)) == [(2, ["x", "y"]), (3, ["1,5", "a"]), (4, ["2,5", "b, c"])]
    _, columns, rows, parts = read_parts(file, 100, tmp_path)
    assert (list(columns), rows) == (["x", "y"], 2)
    expected = [("1,5", "a"), ("2,5", "b, c")]
    assert [row for part in parts for row in part.frame.rows()] == expected
    pieces = divide(file, tmp_path, size=PieceSize(bytes=20, rows=1)).pieces
    assert [row for piece in pieces for part in piece.read() for row in part.frame.rows()] == expected
    file.write_text(f"{hint}\nx;y\n1\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"line 3: 1 value for 2 columns, none for 'y'"):
        read_table(file)
    file.write_text(f"{hint}\n", encoding="utf-8")
    for read in (read_table, lambda file: list(read_texts(file)), lambda file: read_parts(file, 1, tmp_path)):
        with pytest.raises(DatasetError, match=r"line 2: the file is empty"):
            read(file)
