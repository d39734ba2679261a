"""Requests to MLflow's scoring server, and why our answer to some of them is another one."""

import io
import json
from dataclasses import dataclass

import polars as pl

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
PENGUIN = {
    "island": "Biscoe",
    "bill_length_mm": 48.7,
    "bill_depth_mm": 14.1,
    "flipper_length_mm": 210,
    "body_mass_g": 4450,
    "sex": "female",
    "year": 2007,
}
OTHER = {**PENGUIN, "island": "Torgersen", "bill_length_mm": 39.1, "bill_depth_mm": 18.7, "flipper_length_mm": 181}
GAPS = {**PENGUIN, "bill_length_mm": None, "sex": None}
COLUMNS = list(PENGUIN)
ROWS = [list(PENGUIN.values()), list(OTHER.values())]


@dataclass(frozen=True, kw_only=True)
class Request:
    """`status` is MLflow's, and `differs` says why ours is another one. A Parquet body is written from JSON records."""

    title: str
    status: int
    model: str = "line"
    content_type: str = JSON
    body: str = ""
    differs: str = ""

    def write(self) -> bytes:
        """The body as it is sent."""
        if self.content_type != PARQUET or not self.body.startswith("["):
            return self.body.encode()
        file = io.BytesIO()
        pl.DataFrame(json.loads(self.body)).write_parquet(file)
        return file.getvalue()


def as_json(status: int, title: str, body: object, model: str = "line", differs: str = "") -> Request:
    return Request(status=status, title=title, model=model, body=json.dumps(body), differs=differs)


def as_csv(
    status: int, title: str, body: str, model: str = "line", content_type: str = CSV, differs: str = ""
) -> Request:
    return Request(status=status, title=title, model=model, content_type=content_type, body=body, differs=differs)


def leave_out(row: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in row.items() if key != name}


# Why some answers are not MLflow's.
BY_PLACE = "Rows without names are taken in the order of the inputs; a model with a signature refuses them in MLflow."
DOCUMENTED = "MLflow's documentation shows it, but its server refuses it."
CHECKED = "Values are checked as in a form: their kind, and the limits of the recipe."
OPTIONAL = "An input that may be missing may be left out."
WIDTH = "Every line of CSV must have a value for each column; pandas takes another one for an index, or for gaps."
NO_CAST = "Whole numbers are numbers; MLflow casts no column of Parquet."
TWICE = "An object with a key twice is refused; MLflow takes the last value."
NO_FAULT = "MLflow's server ends with an error of its own."

REQUESTS = [
    as_json(200, "split", {"dataframe_split": {"columns": ["x"], "data": [[5], [6.5]]}}),
    as_json(200, "split with an index", {"dataframe_split": {"index": [7, 9], "columns": ["x"], "data": [[5], [6.5]]}}),
    as_json(200, "split, penguins", {"dataframe_split": {"columns": COLUMNS, "data": ROWS}}, "penguins"),
    as_json(
        200,
        "split, columns in another order",
        {"dataframe_split": {"columns": COLUMNS[::-1], "data": [row[::-1] for row in ROWS]}},
        "penguins",
    ),
    as_json(400, "split without columns", {"dataframe_split": {"data": [[5]]}}, differs=BY_PLACE),
    as_json(400, "split, numbered columns", {"dataframe_split": {"columns": [0], "data": [[5]]}}, differs=BY_PLACE),
    as_json(200, "split, one column more", {"dataframe_split": {"columns": ["x", "more"], "data": [[5, 1]]}}),
    as_json(400, "split, another column", {"dataframe_split": {"columns": ["y"], "data": [[5]]}}),
    as_json(400, "split, a column twice", {"dataframe_split": {"columns": ["x", "x"], "data": [[5, 6]]}}),
    as_json(
        400,
        "split, a short row",
        {"dataframe_split": {"columns": COLUMNS, "data": [ROWS[0], ROWS[1][:-1]]}},
        "penguins",
    ),
    as_json(400, "split, a long row", {"dataframe_split": {"columns": ["x"], "data": [[5, 6]]}}),
    as_json(400, "split without rows", {"dataframe_split": {"columns": ["x"], "data": []}}),
    as_json(400, "split without data", {"dataframe_split": {"columns": ["x"]}}),
    as_json(400, "split, another key", {"dataframe_split": {"columns": ["x"], "data": [[5]], "dtype": "f"}}),
    as_json(400, "split as a list", {"dataframe_split": [[5]]}),
    as_json(200, "records", {"dataframe_records": [{"x": 5}, {"x": 6.5}]}),
    as_json(200, "records, penguins", {"dataframe_records": [PENGUIN, OTHER]}, "penguins"),
    as_json(200, "records with gaps", {"dataframe_records": [PENGUIN, GAPS]}, "penguins"),
    as_json(
        400,
        "records, optional inputs left out",
        {"dataframe_records": [leave_out(PENGUIN, "sex")]},
        "penguins",
        differs=OPTIONAL,
    ),
    as_json(
        200,
        "records, all gaps left out",
        {"dataframe_records": [PENGUIN, leave_out(leave_out(GAPS, "sex"), "bill_length_mm")]},
        "penguins",
    ),
    as_json(200, "records, one key more", {"dataframe_records": [{**PENGUIN, "more": 1}]}, "penguins"),
    as_json(
        400,
        "records, a misspelt optional key",
        {"dataframe_records": [{**leave_out(PENGUIN, "sex"), "Sex": "male"}]},
        "penguins",
    ),
    as_json(400, "records as an object", {"dataframe_records": {"x": 5}}),
    as_json(400, "records, a null", {"dataframe_records": [{"x": None}]}),
    as_json(400, "records, a text for a number", {"dataframe_records": [{"x": "five"}]}),
    as_json(200, "records, a number as text", {"dataframe_records": [{"x": "5"}]}),
    as_json(200, "records, true for a number", {"dataframe_records": [{"x": True}]}, differs=CHECKED),
    as_json(400, "records, a list for a number", {"dataframe_records": [{"x": [5]}]}),
    as_json(400, "records, an unknown category", {"dataframe_records": [{**PENGUIN, "island": "Iona"}]}, "penguins"),
    as_json(
        200,
        "records, a fraction for a whole number",
        {"dataframe_records": [{**PENGUIN, "year": 2007.5}]},
        "penguins",
        differs=CHECKED,
    ),
    as_json(
        200,
        "records, a number beyond a limit",
        {"dataframe_records": [{**PENGUIN, "bill_length_mm": -1}]},
        "penguins",
        differs=CHECKED,
    ),
    as_json(200, "instances of one input", {"instances": [5, 6.5]}),
    as_json(400, "instances as lists", {"instances": [[5], [6.5]]}, differs=BY_PLACE),
    as_json(200, "instances as objects", {"instances": [{"x": 5}, {"x": 6.5}]}),
    as_json(200, "instances as objects, penguins", {"instances": [PENGUIN, OTHER]}, "penguins"),
    as_json(200, "instances as columns", {"instances": {"x": [5, 6.5]}}),
    as_json(
        400,
        "instances, columns of two lengths",
        {"instances": {**{k: [v] for k, v in PENGUIN.items()}, "year": [2007, 2008]}},
        "penguins",
    ),
    as_json(200, "inputs of one input", {"inputs": [5, 6.5]}),
    as_json(400, "inputs as lists", {"inputs": [[5], [6.5]]}, differs=BY_PLACE),
    as_json(400, "inputs as lists, penguins", {"inputs": ROWS}, "penguins", differs=BY_PLACE),
    as_json(200, "inputs as objects", {"inputs": [{"x": 5}, {"x": 6.5}]}),
    as_json(200, "inputs as columns", {"inputs": {"x": [5, 6.5]}}),
    as_json(200, "inputs as columns, penguins", {"inputs": {k: [v, OTHER[k]] for k, v in PENGUIN.items()}}, "penguins"),
    as_json(400, "inputs as columns of lists", {"inputs": {"x": [[5], [6.5]]}}, differs=BY_PLACE),
    as_json(200, "inputs as one object", {"inputs": {"x": 5}}),
    as_json(200, "inputs as one object, penguins", {"inputs": PENGUIN}, "penguins"),
    as_json(400, "inputs as one number", {"inputs": 5}, differs=BY_PLACE),
    as_json(400, "inputs, a list for several inputs", {"inputs": [1, 2]}, "penguins"),
    as_json(200, "params", {"inputs": {"x": [5]}, "params": {"any": 1}}),
    as_json(200, "params as a list", {"inputs": {"x": [5]}, "params": [1]}),
    as_json(200, "another key", {"inputs": {"x": [5]}, "more": 1}),
    Request(status=200, title="a key twice", body='{"inputs": {"x": [5]}, "inputs": {"x": [6]}}', differs=TWICE),
    as_json(400, "two forms", {"inputs": [[5]], "instances": [[5]]}),
    as_json(400, "no form", {"data": [[5]]}),
    as_json(400, "an empty object", {}),
    as_json(400, "a list of records", [{"x": 5}], differs=DOCUMENTED),
    as_json(400, "a list of numbers", [5]),
    as_json(400, "a text", "x"),
    as_json(400, "an empty list of inputs", {"inputs": []}),
    Request(
        status=200,
        title="NaN for a gap",
        model="penguins",
        body=json.dumps({"dataframe_records": [{**PENGUIN, "bill_length_mm": float("nan")}]}),
    ),
    Request(status=400, title="Infinity", body='{"inputs": [[Infinity]]}'),
    Request(status=400, title="1e400", body='{"inputs": [[1e400]]}'),
    Request(status=400, title="no JSON", body="{"),
    Request(status=400, title="an empty body", body=""),
    Request(status=500, title="deep nesting", body="[" * 100_000, differs=NO_FAULT),
    as_csv(200, "CSV", "x\n5\n6.5\n"),
    as_csv(
        200,
        "CSV, penguins",
        ",".join(COLUMNS) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in ROWS),
        "penguins",
    ),
    as_csv(200, "CSV with an index", ",x\n0,5\n1,6.5\n"),
    as_csv(200, "CSV with gaps", ",".join(COLUMNS) + "\nBiscoe,,14.1,210,NA,,2007\n", "penguins"),
    as_csv(400, "CSV, another column", "y\n5\n"),
    as_csv(200, "CSV, a long row", "x\n5,6\n", differs=WIDTH),
    as_csv(200, "CSV, a short row", "x,more\n5\n", differs=WIDTH),
    as_csv(200, "CSV, a blank line", "x\n5\n\n6.5\n"),
    as_csv(400, "CSV without rows", "x\n"),
    as_csv(400, "CSV without a header", "5\n", differs=DOCUMENTED),
    as_csv(400, "CSV, empty", ""),
    as_csv(400, "CSV, a text for a number", "x\nfive\n"),
    as_csv(400, "CSV, semicolons", "x;more\n5;1\n"),
    as_csv(415, "application/csv", "x\n5\n", content_type="application/csv", differs=DOCUMENTED),
    as_csv(200, "CSV, charset", "x\n5\n", content_type="text/csv; charset=utf-8"),
    as_csv(415, "CSV, another charset", "x\n5\n", content_type="text/csv; charset=latin-1"),
    as_csv(415, "CSV, another parameter", "x\n5\n", content_type="text/csv; header=present"),
    as_csv(415, "a form", "x=5", content_type="application/x-www-form-urlencoded"),
    as_csv(415, "plain text", "5", content_type="text/plain"),
    as_csv(415, "no content type", "x\n5\n", content_type=""),
    Request(
        status=415,
        title="application/json;",
        content_type="application/json;",
        body='{"inputs": [[5]]}',
        differs=DOCUMENTED,
    ),
    Request(status=200, title="Parquet", content_type=PARQUET, body=json.dumps([{"x": 5.0}, {"x": 6.5}])),
    Request(
        status=400,
        title="Parquet, penguins",
        model="penguins",
        content_type=PARQUET,
        body=json.dumps([PENGUIN, GAPS]),
        differs=NO_CAST,
    ),
    Request(
        status=200, title="Parquet, one column more", content_type=PARQUET, body=json.dumps([{"x": 5.0, "more": 1}])
    ),
    Request(status=400, title="Parquet, another column", content_type=PARQUET, body=json.dumps([{"y": 5.0}])),
    Request(status=400, title="Parquet, no such file", content_type=PARQUET, body="no Parquet"),
]
