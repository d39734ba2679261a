import bz2
import csv
import datetime
import decimal
import gzip
import hashlib
import io
import json
import zipfile

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from predictor.exceptions import DatasetError
from predictor.tables.table import read_table
from predictor.training.dataset import load_dataset
from tests.recipes import LINE, make_recipe
from tests.workbooks import declare_size, write_workbook


def read(tmp_path, content):
    file = tmp_path / "data.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(file)[0]


def catch_error(tmp_path, content):
    with pytest.raises(DatasetError) as caught:
        read(tmp_path, content)
    return str(caught.value).replace(f"{tmp_path}/", "")


def write_csv(rows, *, separator=",", decimal_mark=".", missing="", booleans=("true", "false"), **options):
    def write_cell(value):
        if value is None:
            return missing
        if isinstance(value, bool):
            return booleans[not value]
        return repr(value).replace(".", decimal_mark) if isinstance(value, float) else value

    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, **options).writerows([write_cell(value) for value in row] for row in rows)
    return text.getvalue()


def write_json_lines(rows):
    return "".join(json.dumps(dict(zip(rows[0], row, strict=True)), ensure_ascii=False) + "\n" for row in rows[1:])


def write_parquet(rows):
    content = io.BytesIO()
    pl.DataFrame(rows[1:], schema=rows[0], orient="row", infer_schema_length=None).write_parquet(content)
    return content.getvalue()


WRITERS = {
    "UTF-8, commas": lambda rows: write_csv(rows, lineterminator="\n").encode(),
    "UTF-8 with BOM, semicolons, decimal commas": lambda rows: write_csv(
        rows, separator=";", decimal_mark=",", missing="NA", booleans=("True", "False")
    ).encode("utf-8-sig"),
    "Windows-1252, semicolons, decimal commas": lambda rows: write_csv(
        rows, separator=";", decimal_mark=",", missing="n/a", booleans=("TRUE", "FALSE")
    ).encode("cp1252"),
    "UTF-16, tabs, decimal commas": lambda rows: write_csv(
        rows, separator="\t", decimal_mark=",", missing="#N/A"
    ).encode("utf-16"),
    "CR, pipes, all quoted": lambda rows: write_csv(
        rows, separator="|", missing=" ", lineterminator="\r", quoting=csv.QUOTE_ALL
    ).encode(),
    "commas, decimal commas in quotes": lambda rows: write_csv(rows, decimal_mark=",", missing="NULL").encode(),
    "blank cells and rows at the ends, semicolons": lambda rows: (
        write_csv([[*row, None, None] for row in rows], separator=";", decimal_mark=",") + ";;;;;;\r\n;\r\n"
    ).encode(),
    "Parquet": write_parquet,
    "packed Parquet": lambda rows: gzip.compress(write_parquet(rows)),
    "packed CSV": lambda rows: gzip.compress(write_csv(rows).encode()),
    "an archive with one CSV": lambda rows: zip_files("data/flats.csv", content=write_csv(rows).encode("cp1252")),
    "JSON lines": lambda rows: write_json_lines(rows).encode("utf-8-sig"),
    "a workbook": lambda rows: write_workbook([[None, ""], *[[None, *row, ""] for row in rows]]),
}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32) | st.floats(-1e9, 1e9),
            st.none() | st.integers(-(10**15), 10**15),
            st.none() | st.booleans(),
            st.none() | st.text("aé\"';,|\t\n .", min_size=1, max_size=5).map("k{}".format),
            st.floats(-1e9, 1e9),
        ),
        max_size=8,
    )
)
def test_a_table_is_the_same_whatever_it_is_saved_as(tmp_path, rows):
    header = ("Länge, in mm", 'a "whole" number', "true?", "Farbe;1", "y")
    table = [header, (0.5, 1, True, "k", 0.25), (1234.5, 2, False, "k'", 1.5), *rows]
    toml = f'{LINE}holdout = 0\ntask = "regression"\n'
    first = None
    for name, write in WRITERS.items():
        dataset = load_dataset(make_recipe(tmp_path, toml=toml, csv=write(table)))
        first = first or dataset
        assert dataset.schema == first.schema, name
        np.testing.assert_array_equal(dataset.matrix, first.matrix, name)
        np.testing.assert_array_equal(dataset.target, first.target, name)
        np.testing.assert_array_equal(dataset.hashes, first.hashes, name)
    assert [feature.kind for feature in first.schema.features] == ["number", "integer", "boolean", "category"]
    np.testing.assert_array_equal(first.target, [row[-1] for row in table[1:]])


def test_the_bytes_of_the_file_are_fingerprinted(tmp_path):
    file = tmp_path / "data.csv"
    content = "x;y\r\né;1,5\r\n".encode("cp1252")
    file.write_bytes(content)
    assert read_table(file)[1] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        "x,y\n1,2\n3,4\n",
        "\ufeffx,y\n1,2\n3,4\n",
        "x,y\r\n1,2\r\n3,4\r\n",
        "x,y\r1,2\r3,4\r",
        "x,y\n1,2\r\n3,4\r",
        "x,y\n1,2\n3,4",
        "x,y\n1,2\n\n3,4\n\n\n",
        "x,y\n1,2\n3,4\n,\n,\n",
        '"x","y"\n"1","2"\n3,4\n',
        " x , y \n 1, 2\n3 ,4\n",
        "x;y\n1;2\n3;4\n",
        "x\ty\n1\t2\n3\t4\n",
        "x|y\n1|2\n3|4\n",
        "x,y\n+1,2.\n3,4\n",
        "x,y,\n1,2,\n3,4,\n",
        "x,y,,\n1,2,,\n3,4\n",
        "x,y\n1,2,\n3,4,,,\n",
        "x,y\n1,2, \n3,4\n,,,\n,\n  \n",
        "x;y;;\r\n1;2;;\r\n3;4;;\r\n;;;\r\n;;;\r\n",
        '"x";"y";""\r\n"1";"2";""\r\n"3";"4";""\r\n"";"";""\r\n',
        "x,y\n1,2\n3,4\n".encode("utf-16"),
        "x,y\n1,2\n3,4\n".encode("utf-16-be").join([b"\xfe\xff", b""]),
    ],
)
def test_the_usual_kinds_of_csv_are_read_alike(tmp_path, content):
    table = read(tmp_path, content)
    assert table.columns == ["x", "y"]
    assert table.rows() == [(1, 2), (3, 4)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"])
def test_letters_beyond_ascii_are_read_in_the_usual_encodings(tmp_path, encoding):
    assert read(tmp_path, "Größe,y\nMüller,1\nÅ,2\n".encode(encoding)).rows() == [("Müller", 1), ("Å", 2)]


def test_the_euro_sign_tells_windows_1252_from_latin_1(tmp_path):
    assert read(tmp_path, "x,y\n5 €,1\n“q”,2\n".encode("cp1252"))["x"].to_list() == ["5 €", "“q”"]


def test_letters_far_down_in_a_large_file_are_found(tmp_path):
    rows = "".join(f"{i},a\r\n" for i in range(100_000))
    assert read(tmp_path, f"x,y\r\n{rows}1,é\r\n".encode("cp1252"))["y"][-1] == "é"
    assert read(tmp_path, f"x,y\r\n{rows}1,é\r\n".encode())["y"][-1] == "é"


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a b,€/m²,x[1]\n1,2,3\n", ["a b", "€/m²", "x[1]"]),
        ('"a;b;c","d, e"\n1,2\n', ["a;b;c", "d, e"]),
        ('"a,b,c";"d;e"\n1,5;2,5\n', ["a,b,c", "d;e"]),
        ("Größe, cm;Gewicht, kg\n1,5;2,5\n2,5;3,5\n", ["Größe, cm", "Gewicht, kg"]),
        ("id,tags\n1,a;b\n2,c;d;e\n", ["id", "tags"]),
        ('"two\nlines",y\n1,2\n', ["two\nlines", "y"]),
        ('\ufeff"a,b",c\n1,2\n', ["a,b", "c"]),
        ('*,^.*$,$1\n1,a,"1,5"\n2,-,"2,5"\n', ["*", "^.*$", "$1"]),
        ('x,y\n1,"a\n;\n;\n;"\n2,b\n', ["x", "y"]),
    ],
)
def test_the_separator_is_the_one_that_divides_header_and_rows_alike(tmp_path, content, names):
    assert read(tmp_path, content).columns == names


def test_separators_quotes_and_line_ends_inside_quotes_are_part_of_the_text(tmp_path):
    table = read(tmp_path, '"x, in mm","x, in ""inches""",y\n"a,b","c\r\nd",1.5\n"a\nb","the ""e""",2.5\n')
    assert table.columns == ["x, in mm", 'x, in "inches"', "y"]
    assert table.rows() == [("a,b", "c\r\nd", 1.5), ("a\nb", 'the "e"', 2.5)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_bare_cr_in_quotes_is_a_line_end_within_the_text(tmp_path, line_end):
    content = line_end.join(["x,y", '"a\rb",1', '"c\r\r\nd ""e""",2', ""])
    assert read(tmp_path, content).rows() == [("a\nb", 1), ('c\n\nd "e"', 2)]


def test_a_bare_cr_in_quotes_is_found_far_down_in_a_large_file(tmp_path):
    rows = "".join(f'"{i}",a\r\n' for i in range(60_000))
    assert read(tmp_path, f'x,y\r\n{rows}1,"a\rb"\r\n')["y"][-1] == "a\nb"


def test_blank_cells_after_the_last_column_are_left_out_far_down_too(tmp_path):
    assert read(tmp_path, f"x,y\n{MANY}7,8,,\n,,,\n").rows()[-1] == (7, 8)


def test_blank_cells_after_the_last_column_do_not_hide_the_separator(tmp_path):
    content = "Größe, cm;Gewicht, kg;\n1,5;2,5;\n3,5;4,5;;\n;\n"
    assert read(tmp_path, content).to_dict(as_series=False) == {"Größe, cm": [1.5, 3.5], "Gewicht, kg": [2.5, 4.5]}


def test_a_quote_inside_a_text_is_a_quote(tmp_path):
    assert read(tmp_path, 'x,y\n5",1\n5" x 3",2\n"a,""b",3\n')["x"].to_list() == ['5"', '5" x 3"', 'a,"b']


def test_thousands_of_columns_are_read(tmp_path):
    names = [f"c{i}" for i in range(2000)]
    table = read(tmp_path, "\n".join([";".join(names), *[";".join(["1,5"] * 2000)] * 3]))
    assert (table.columns, set(table.dtypes)) == (names, {pl.Float64})


@pytest.mark.parametrize(
    "missing",
    ["", '""', " ", '" "', "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", '"NA"', " NA "],
)
def test_the_usual_texts_for_a_missing_value_are_missing(tmp_path, missing):
    table = read(tmp_path, f"i,f,t,c,y\n1,1.5,true,a,1\n{','.join([missing] * 4)},2\n")
    assert table.dtypes == [pl.Int64, pl.Float64, pl.Boolean, pl.String, pl.Int64]
    assert table.row(1) == (None, None, None, None, 2)


@pytest.mark.parametrize("dash", ["None", "-", "?", "."])
def test_a_dash_is_missing_among_numbers_and_truths_and_a_category_among_texts(tmp_path, dash):
    table = read(tmp_path, f"i;f;t;c\n1;1,5;true;brick\n{dash};{dash};{dash};{dash}\n")
    assert table.rows() == [(1, 1.5, True, "brick"), (None, None, None, dash)]


@pytest.mark.parametrize("late", ["1.5", "NA", "-", "1e3", "x", "99999999999999999999", " 7"])
@pytest.mark.parametrize("end", ["", "\n"], ids=["no line end", "line end"])
def test_what_stands_far_down_decides_as_what_stands_at_the_top(tmp_path, late, end):
    rows = [str(i) for i in range(12_000)]
    down = read(tmp_path, "\n".join(["x,y", *(f"{row},1" for row in rows), f"{late},1"]) + end)
    top = read(tmp_path, "\n".join(["x,y", f"{late},1", *(f"{row},1" for row in rows)]) + end)
    assert down["x"].cast(pl.Float64, strict=False)[:-1].equals(top["x"].cast(pl.Float64, strict=False)[1:])
    assert (down["x"].dtype, down["x"][-1]) == (top["x"].dtype, top["x"][0])


@pytest.mark.parametrize(("low", "high"), [("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("True", "false")])
def test_true_and_false_are_truths_in_any_case(tmp_path, low, high):
    assert read(tmp_path, f"x,y\n{low},1\n{high},2\n,3\n")["x"].to_list() == [True, False, None]


def test_dates_stay_texts(tmp_path):
    assert read(tmp_path, "x,y\n2024-01-02,1\n2024-01-03,2\n")["x"].to_list() == ["2024-01-02", "2024-01-03"]


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1,5", "2"], [1.5, 2.0]),
        (["-0,5", "+1,", ",5", "1,5e-3"], [-0.5, 1.0, 0.5, 0.0015]),
        (["0,123", "1,234"], [0.123, 1.234]),
        (["1234,567", "1,234"], [1234.567, 1.234]),
        (["1,5", "", "NA"], [1.5, None, None]),
    ],
)
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_decimal_commas_are_read_as_numbers(tmp_path, texts, numbers, separator):
    content = "\n".join([f"x{separator}y", *(f"{text}{separator}1" for text in texts)])
    assert read(tmp_path, content)["x"].to_list() == numbers


def test_the_last_of_many_rows_decides_what_a_column_contains(tmp_path):
    numbers, words = "a;b\n" + ";1,5\n" * 1_500 + "2,5;x\n", "a;b\n" + "1,5;\n" * 1_500 + "x;true\n"
    assert read(tmp_path, numbers).schema == {"a": pl.Float64, "b": pl.String}
    assert read(tmp_path, words).schema == {"a": pl.String, "b": pl.Boolean}


def test_decimal_commas_in_quotes_are_read_between_commas_too(tmp_path):
    assert read(tmp_path, 'x,y\n"1,5",1\n"2,25",2\n')["x"].to_list() == [1.5, 2.25]


@pytest.mark.parametrize(
    "texts",
    [
        ["1,234", "5"],
        ["1,234", "12,345"],
        ["1,234,567", "1,5"],
        ["1.234,56", "1,5"],
        ["1,5", "1.5"],
        ["1,5", "2,5", "x"],
    ],
)
def test_numbers_that_can_be_read_in_two_ways_are_left_to_the_recipe_and_else_refused(tmp_path, texts):
    content = "\n".join(["x;y", *(f"{text};1" for text in texts)])
    assert read(tmp_path, content)["x"].to_list() == texts
    content = content.replace(";1", ";0", 1)
    with pytest.raises(DatasetError, match=r"data\.csv: x: .* or list its choices in the recipe\."):
        load_dataset(make_recipe(tmp_path, csv=content))


def test_another_column_tells_what_its_commas_are(tmp_path):
    assert read(tmp_path, "x;y\n1,234;0,5\n2,345;1,5\n")["x"].to_list() == [1.234, 2.345]


@pytest.mark.parametrize("kind", [pl.Int8, pl.UInt16, pl.Int32, pl.UInt64, pl.Decimal(10, 0)])
def test_parquet_gives_whole_numbers(tmp_path, kind):
    assert load_parquet(tmp_path, pl.Series("x", [1, 2, None], dtype=kind)).dtypes[0].is_integer()


def load_parquet(tmp_path, *columns):
    content = io.BytesIO()
    pl.DataFrame([*columns, pl.Series("y", [1.5] * len(columns[0]))]).write_parquet(content)
    return read(tmp_path, content.getvalue())


@pytest.mark.parametrize(
    ("series", "values"),
    [
        (pl.Series([0.1, None, 1e30], dtype=pl.Float32), [0.1, None, 1e30]),
        (pl.Series([0.5, float("nan"), None]), [0.5, None, None]),
        (pl.Series([decimal.Decimal("1.50"), decimal.Decimal("0.10")]), [1.5, 0.1]),
        (pl.Series(["a", "b", "a"], dtype=pl.Categorical), ["a", "b", "a"]),
        (pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])), ["a", "b"]),
        (pl.Series(["a", " ", "NA"]), ["a", None, None]),
        (pl.Series(["True", "FALSE"]), [True, False]),
        (pl.Series([None, None]), [None, None]),
        (pl.Series([datetime.date(2024, 1, 2)]), ["2024-01-02"]),
        (pl.Series([datetime.time(1, 2, 3)]), ["01:02:03"]),
        (pl.Series([datetime.timedelta(days=1)]), ["P1D"]),
    ],
)
def test_parquet_gives_what_a_csv_file_of_the_same_table_gives(tmp_path, series, values):
    assert load_parquet(tmp_path, series.alias(" x ")).get_column("x").to_list() == values


def test_times_in_parquet_are_texts(tmp_path):
    series = pl.Series("x", [datetime.datetime(2024, 1, 2, 3, 4, 5)])
    assert load_parquet(tmp_path, series)["x"][0].startswith("2024-01-02 03:04:05")


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        (pl.Series([[1, 2]]), "List(Int64)"),
        (pl.Series([{"a": 1}]), "Struct({'a': Int64})"),
        (pl.Series([b"1"]), "Binary"),
    ],
)
def test_what_no_cell_can_hold_is_refused_with_its_column(tmp_path, series, kind):
    with pytest.raises(DatasetError) as caught:
        load_parquet(tmp_path, series.alias("x"))
    assert f"data.csv: column 'x': it contains {kind}, and a cell can only hold one value" in str(caught.value)


def test_rows_of_nothing_are_left_out_of_parquet_too(tmp_path):
    content = io.BytesIO()
    pl.DataFrame({"x": [1, None, 3], "y": [None, None, 4]}).write_parquet(content)
    assert read(tmp_path, content.getvalue()).rows() == [(1, None), (3, 4)]


def test_a_parquet_file_with_one_wrong_byte_is_read_or_refused(tmp_path):
    """Polars panics for some of them, which is not an Exception of Python's."""
    content = write_parquet([("x", "y"), (1, "a"), (2, "b")])
    results = set()
    for place in range(len(content)):
        try:
            read(tmp_path, content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
            results.add("read")
        except DatasetError as error:
            results.add(type(error))
    assert results >= {DatasetError}


def zip_files(*names, content=b"x,y\n1,2\n", compression=zipfile.ZIP_DEFLATED):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as opened:
        for name in names:
            opened.writestr(name, content)
    return archive.getvalue()


def gzip_twice(content):
    return gzip.compress(gzip.compress(content, mtime=0), mtime=0)


MANY = "".join(f"{i},2\n" for i in range(100_000))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "data.csv, line 1: the file is empty: write the names of the columns there, and the rows below."),
        ("\ufeff", "data.csv, line 1: the file is empty: write the names of the columns there, and the rows below."),
        ("\nx,y\n1,2\n", "data.csv, line 1: the first line is empty: write the names of the columns there."),
        ("x,y", "data.csv has a header (line 1) but no rows."),
        ("x,y\n\n\n", "data.csv has a header (line 1) but no rows."),
        ("x;y\r\n", "data.csv has a header (line 1) but no rows."),
        ("x,x,y\n1,2,3\n", "data.csv, line 1: two columns are named 'x': rename one of them."),
        ("x, x,y\n1,2,3\n", "data.csv, line 1: two columns are named 'x': rename one of them."),
        (",x,y\nu,1,2\n", "data.csv, line 1: column 1 has no name: give it one, or remove the column."),
        (",x,y\n0.5,1,2\n", "data.csv, line 1: column 1 has no name: give it one, or remove the column."),
        (",x,y\n0,1,2\n,3,4\n", "data.csv, line 1: column 1 has no name: give it one, or remove the column."),
        (",,y\n0,1,2\n", "data.csv, line 1: column 2 has no name: give it one, or remove the column."),
        ("x,y, \n0,1,2\n", "data.csv, line 1: column 3 has no name: give it one, or remove the column."),
        ("x,y\n1,2\n1,2,3\n", "data.csv, line 3: 3 values for 2 columns: '3' comes after the last, 'y'; write a text"),
        ("x,y\n1,2\n1,2,,3\n", "data.csv, line 3: 4 values for 2 columns: '' comes after the last, 'y'; write a text"),
        ("x,y,,\n1,2,,\n1,2,,3\n", "data.csv, line 1: column 4 has no name: give it one, or remove the column."),
        (
            "x,y,\n1,2,\n1,2,,3\n",
            "data.csv, line 3: 4 values for 2 columns: '' comes after the last, 'y'; write a text",
        ),
        ("x,y,,\n1,,,\n1,,\n1\n", "data.csv, line 4: 1 value for 2 columns, none for 'y': write an empty value"),
        ("x,y\n1,2\n3\n", "data.csv, line 3: 1 value for 2 columns, none for 'y': write an empty value where one"),
        ("x;y;z\n1;2;3\n3;1,5\n", "data.csv, line 3: 2 values for 3 columns, none for 'z': write an empty value where"),
        ('x,y\n"a\nb",2\n3\n', "data.csv, line 4: 1 value for 2 columns, none for 'y': write"),
        ("x,y\n\n1,2\n\n3\n", "data.csv, line 5: 1 value for 2 columns, none for 'y': write"),
        (f"x,y\n{MANY}3\n", "data.csv, line 100002: 1 value for 2 columns, none for 'y': write"),
        (f"x,y\n{MANY}1,2,3\n", "data.csv, line 100002: 3 values for 2 columns: '3' comes after the last, 'y'"),
        ("x,y\r1,2\r3\r", "data.csv, line 3: 1 value for 2 columns, none for 'y': write"),
        ('x,y\n1,"a"b\n', "data.csv, line 2: column 'y': ',' expected after '\"'; write a text with a separator or a"),
        ('x,y\n"a,2\n', "data.csv, line 2: column 'x': unexpected end of data; write a text with a separator or a"),
        ('x,y\n1,2\n1,"a\n2,3\n', "data.csv, line 3: column 'y': unexpected end of data; write a text with"),
        ('"x,y\n1,2\n', "data.csv, line 1: column '1': unexpected end of data; write a text with"),
        ("x\x00,y\n1,2\n", "data.csv, line 1: a NUL byte, so the file is binary and not a table: save it as"),
        (b"x,y\n1,2\n\x00\x01", "data.csv, line 3: a NUL byte, so the file is binary and not a table: save it as"),
        ("\x00x".encode("utf-16"), "data.csv, line 1: a NUL byte, so the file is binary and not a table"),
        ("x,y\n1,2\n".encode("utf-16") + b"1", "data.csv, line 3: byte 0x31 is not text in UTF-16: save the table as"),
        (b"x,y\n1,2\n\x81,3\n", "data.csv, line 3: byte 0x81 is not text in CP1252: save the table as “CSV UTF-8”."),
        ("é,y\n1,2\n".encode() + b"\xe9,3", "data.csv, line 3: byte 0xe9 is not text in UTF-8: save the table as “CSV"),
        (bz2.compress(b"x,y\n1,2\n"), "data.csv is compressed: unpack it first, with bunzip2."),
        (b"a.csv" + bytes(252) + b"ustar", "data.csv is an archive: unpack it first, with tar."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "data.csv is an old spreadsheet, or one with a password: save the one sheet as"),
        (b"PAR1", "data.csv cannot be read as Parquet: "),
        (write_parquet([("x", "y"), (1, 2)])[:-9], "data.csv cannot be read as Parquet: "),
        (write_parquet([("x", " ")]), "data.csv: column 2 has no name: give it one, or remove the column."),
        (write_parquet([("x", "x ")]), "data.csv: two columns are named 'x': rename one of them."),
        (write_parquet([("x", "y")]), "data.csv has a header (line 1) but no rows."),
        (write_parquet([()]), "data.csv has no columns."),
        ("x;y\n1.234;0,5\n12.345;1,5\n", "data.csv: column 'x': '1.234' may be in thousands, since other columns have"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(tmp_path, content, message):
    assert message in catch_error(tmp_path, content)


@pytest.mark.parametrize(
    "names",
    [
        ["flats.csv"],
        ["flats.txt"],
        ["data/", "data/flats.CSV", "__MACOSX/data/._flats.csv", "data/.DS_Store"],
        ["README.txt", "flats.tsv", "licence.pdf"],
    ],
)
def test_an_archive_with_one_table_is_read(tmp_path, names):
    assert read(tmp_path, zip_files(*names)).rows() == [(1, 2)]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_may_be_compressed_in_any_usual_way(tmp_path, compression):
    assert read(tmp_path, zip_files("flats.csv", compression=compression)).rows() == [(1, 2)]


def protect(archive):
    """Set the flags by which an archive says that its file is encrypted."""
    local, central = archive.index(b"PK\x03\x04") + 6, archive.index(b"PK\x01\x02") + 8
    changed = bytearray(archive)
    changed[local] |= 1
    changed[central] |= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zip_files("[Content_Types].xml", "xl/workbook.bin"), "is a spreadsheet or another document: save the one"),
        (zip_files("mimetype", "content.xml"), "data.csv is a spreadsheet or another document: save the one sheet as"),
        (
            zip_files("a.csv", "b.csv", "c.txt"),
            "data.csv must contain one table, and contains 'a.csv', 'b.csv': unpack",
        ),
        (
            zip_files("a.md", "b.pdf"),
            "data.csv must contain one table, and contains 'a.md', 'b.pdf': unpack it, and use",
        ),
        (
            zip_files("data/"),
            "data.csv must contain one table, and contains nothing: unpack it, and use one of its files.",
        ),
        (zip_files(), "data.csv must contain one table, and contains nothing: unpack it, and use one of its files."),
        (protect(zip_files("a.csv")), "data.csv is protected by a password: unpack it first."),
        (zip_files("a.csv")[:-30], "data.csv cannot be unpacked: File is not a zip file."),
        (zip_files("a.csv").replace(b"a.csv", b"b.csv", 1), "data.csv cannot be unpacked: File name in directory"),
        (zip_files("a.csv", content=b"x,y\n1\n"), "data.csv: a.csv, line 2: 1 value for 2 columns, none for 'y'"),
        (
            zip_files("a.csv", content=b"<html></html>"),
            "data.csv: a.csv is HTML or XML, such as a web page: open it in",
        ),
        (zip_files("\x1b[31m.csv", content=b""), "data.csv: \\x1b[31m.csv, line 1: the file is empty"),
        (zip_files("a.csv", content=zip_files("b.csv")), "data.csv: a.csv is packed twice: unpack it first."),
        (gzip_twice(b"x,y\n1,2\n"), "data.csv is packed twice: unpack it first."),
        (
            gzip.compress(b"x,y\n1,2\n")[:-9],
            "data.csv cannot be unpacked: Compressed file ended before the end-of-stream",
        ),
        (gzip.compress(b"x,y\n1,2\n") + b"junk", "data.csv cannot be unpacked: Not a gzipped file (b'ju')."),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\xff" * 20, "data.csv cannot be unpacked: Error -3 while decompressing"),
        (gzip.compress(b"x,y\n1\n"), "data.csv, line 2: 1 value for 2 columns, none for 'y'"),
    ],
)
def test_what_cannot_be_unpacked_is_refused_with_its_cause(tmp_path, content, message):
    assert message in catch_error(tmp_path, content)


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zip_files("a.csv", content=content)])
def test_a_file_that_unpacks_to_more_than_a_gigabyte_is_refused(tmp_path, pack):
    many = (
        gzip.compress(bytes(1 << 20)) * 1_025 if pack is gzip.compress else declare_size(pack(b"x,y\n1,2\n"), 2 << 30)
    )
    limit = "data.csv unpacks to more than 1,073,741,824 bytes, the limit for packed files: unpack it first."
    assert catch_error(tmp_path, many) == limit


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_json_lines_are_read(tmp_path, encoding, line_end):
    lines = ['{"Größe": 1.5, " town ": "Köln", "new": true}', "", '{"Größe": "NA", " town ": "Ulm", "y": 2}']
    table = read(tmp_path, line_end.join(lines).encode(encoding))
    assert table.columns == ["Größe", "town", "new", "y"]
    assert table.rows() == [(1.5, "Köln", True, None), (None, "Ulm", None, 2)]


IN_ONE_PIECE = "data.csv is JSON in one piece: save it as JSON lines, one object a line (in pandas, df.to_json("
MARKUP = (
    "data.csv is HTML or XML, such as a web page: open it in a spreadsheet and save the one sheet as .xlsx or as “CSV"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"x": 1, "y": 2}, {"x": 3, "y": 4}]', IN_ONE_PIECE),
        ('\n[\n  {"x": 1,\n"y": 2}\n]\n', IN_ONE_PIECE),
        ('{\n  "x": 1,\n  "y": 2\n}\n', IN_ONE_PIECE),
        ('{"x": {"0": 1}, "y": {"0": 2}}', IN_ONE_PIECE),
        ('[["x", "y"], [1, 2]]', IN_ONE_PIECE),
        ("{}", IN_ONE_PIECE),
        ('{"x": [1, 2]', IN_ONE_PIECE),
        ('[{"x": 1}]'.encode("utf-16"), IN_ONE_PIECE),
        (
            '{"x": 1}\n{"x": 2\n',
            "data.csv, line 2: this is not JSON (Expecting ',' delimiter: line 1 column 8 (char 7))",
        ),
        ('{"x": 1\n{"x": 2}\n', "data.csv, line 1: this is not JSON ("),
        ('{"x": 1}\n\n[2]\n{"x": 2}\n', "data.csv, line 3: this is not an object: write one a line, such as {"),
        ('{"x": 1}\n{"x": 3}\n[2]\n', "data.csv, line 3: this is not an object: write one a line, such as {"),
        ('{"x": 1}\n{"x": NaN}\n', "data.csv, line 2: this is not JSON (NaN is not a value in JSON, write null)"),
        ('{"x": 1}\n{"x": true}\n', "data.csv, line 2: column 'x': it contains 1 and true: write true and false only"),
        ('{"x": 1}\n{"x": [2]}\n', "data.csv, line 2: column 'x': it contains a list, and a cell can only hold one"),
        ('{"x": [1], "y": 2}\n', "data.csv: column 'x': it contains List(Int64), and a cell can only hold one value"),
        ('{"x": 1, " x": 2}\n{"x": 2}\n', "data.csv: two columns are named 'x': rename one of them."),
        ("<!DOCTYPE html>\n<p>x,y</p>", MARKUP),
        ('\ufeff \n<table border="1"><tr><th>x</th></tr></table>', MARKUP),
        ("<HTML><body>", MARKUP),
        ('<?xml version="1.0"?><Workbook/>', MARKUP),
        ("<html>".encode("utf-16"), MARKUP),
    ],
)
def test_json_and_html_are_not_read_as_csv(tmp_path, content, message):
    assert message in catch_error(tmp_path, content)


@pytest.mark.parametrize("header", ["{x},y", "[x],y", "[1],y", "<x>,y", "<age,y", "{,y", '"{""x""}",y'])
def test_a_header_may_begin_like_json_or_html(tmp_path, header):
    assert read(tmp_path, f"{header}\n1,2\n").rows() == [(1, 2)]


@pytest.mark.parametrize(("name", "problem"), [("none.csv", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_opened_is_named(tmp_path, name, problem):
    with pytest.raises(DatasetError) as caught:
        read_table(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name} cannot be read: {problem}."


def test_signs_in_a_file_name_stand_for_themselves(tmp_path):
    (tmp_path / "a[1]*.csv").write_text("x,y\n1,2\n")
    (tmp_path / "a1.csv").write_text("x,y\n3,4\n")
    assert read_table(tmp_path / "a[1]*.csv")[0].rows() == [(1, 2)]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (",x,y", ["Unnamed: 0", "x", "y"]),
        (" ,x,y", ["Unnamed: 0", "x", "y"]),
        (",Unnamed: 0,y", ["Unnamed: 0.1", "Unnamed: 0", "y"]),
    ],
)
@pytest.mark.parametrize("index", [(0, 1, 2), (3, 17, 4), (0, 1, 0)], ids=["counting", "sampled", "joined"])
def test_an_index_without_a_name_is_called_as_pandas_calls_it(tmp_path, header, names, index):
    rows = [f"{i},{i + 1.5},{i + 2.5}" for i in index]
    file = tmp_path / "data.csv"
    file.write_text("\n".join([header, *rows]))
    table, _ = read_table(file)
    assert table.columns == names
    assert table.to_series(0).to_list() == list(index)


def test_an_index_without_a_name_is_read_from_parquet_too(tmp_path):
    file = tmp_path / "data.parquet"
    pl.DataFrame({"": [0, 1], "y": [2.5, 3.5]}).write_parquet(file)
    assert read_table(file)[0].columns == ["Unnamed: 0", "y"]
