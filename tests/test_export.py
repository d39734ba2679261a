import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import polars as pl
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from python_calamine import CalamineWorkbook

from predictor import jobs, tasks
from predictor.admin import exporting
from predictor.exceptions import ExportsBusy
from predictor.history.commands import take_turn_of_pages, wait_for_turn_of_pages
from predictor.models import Job, KeptFile, Outcome, Prediction, Reference
from predictor.schema.kinds import make_feature
from predictor.tables import writing
from tests.outcomes import LINE, PENGUINS, make_version
from tests.test_job_admin import sign_in

FORMATS = ["csv", "jsonl", "parquet", "xlsx"]
SIZE = 0.1 + 0.2
WORDS = make_feature(name="words", kind="category", label="Words", choices=["=1+1", "-5", 'Ärger, "quoted"\nand more'])
CODE = make_feature(name="id", kind="integer", label="Code")
YES = make_feature(name="yes", kind="boolean", label="Yes")
TIME = datetime(2026, 3, 1, 12, 30, 5, 250_000, tzinfo=UTC)


@pytest.fixture
def export(db, tmp_path):
    def run(model, *filters, format="csv"):
        file = tmp_path / f"made.{format}"
        where = [f"--where={each}" for each in filters]
        call_command("export", model, *where, format=format, output=file, stderr=io.StringIO())
        return file

    return run


def read(file):
    if file.suffix == ".csv":
        return pl.read_csv(file, infer_schema=False).to_dicts()
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in file.read_text().splitlines()]
    if file.suffix == ".parquet":
        return pl.read_parquet(file).to_dicts()
    header, *rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    return [dict(zip(header, row, strict=True)) for row in rows]


def predict(version, **columns):
    given = {"inputs": {"x": SIZE}, "output": 5.0, "source": "form", "duration_ms": 1.25, "created_at": TIME}
    return Prediction.objects.create(version=version, **{**given, **columns})


@pytest.mark.both_databases
@pytest.mark.parametrize("format", FORMATS)
def test_a_row_has_all_that_is_stored_of_a_prediction_with_all_digits(export, format):
    stored = predict(make_version(LINE), interval=[SIZE, 1e22], warnings=["x: 50 is outside", "another"])
    Outcome.objects.create(prediction=stored, value=1 / 3, recorded_by="Ada")
    Reference.objects.create(prediction=stored, model="line", reference="customer-42/2026-03")
    [row] = read(export("line", format=format))
    numbers = {name: float(row[name]) for name in ("x", "prediction", "lower", "upper", "duration_ms", "outcome")}
    assert numbers == {"x": SIZE, "prediction": 5, "lower": SIZE, "upper": 1e22, "duration_ms": 1.25, "outcome": 1 / 3}
    assert (row["id"], row["model"], int(row["version"]), row["source"]) == (str(stored.id), "line", 1, "form")
    assert row["reference"] == "customer-42/2026-03"
    assert (row["warnings"], row["outcome_by"]) == ("x: 50 is outside\nanother", "Ada")
    assert str(row["created_at"]).replace("T", " ").startswith("2026-03-01 12:30:05.25")


def test_texts_stay_as_they_are_but_for_formulas_in_csv(export):
    version = make_version(PENGUINS, "penguins", WORDS)
    for choice in WORDS.choices:
        predict(version, inputs={"words": choice}, output="=Adelie", probabilities={"Adelie": 0.25, "Gentoo": 0.75})
    found = {format: read(export("penguins", format=format)) for format in FORMATS}
    plain = set(WORDS.choices)
    assert {format: {row["words"] for row in rows} for format, rows in found.items()} == {
        "csv": {"'=1+1", "-5", WORDS.choices[-1]},
        "jsonl": plain,
        "parquet": plain,
        "xlsx": plain,
    }
    assert {row["prediction"] for row in found["csv"]} == {"'=Adelie"}
    assert {float(row["probability_Gentoo"]) for rows in found.values() for row in rows} == {0.75}


def test_the_columns_are_those_of_all_versions_and_none_hides_another(export):
    predict(make_version(LINE, "line", CODE), inputs={"id": 7})
    predict(make_version(LINE, "line", YES), inputs={"yes": True})
    predict(make_version(LINE, "line", make_feature(name="yes", kind="number", label="Yes")), inputs={"yes": 2.5})
    # They may be of one millisecond, in which ids have no order.
    rows = sorted(read(export("line", format="parquet")), key=lambda row: -row["version"])
    assert [(row["yes"], row["input_id"]) for row in rows] == [("2.5", None), ("true", None), (None, 7)]
    assert list(rows[0])[:5] == ["id", "created_at", "model", "version", "source"]


@pytest.mark.parametrize("format", FORMATS)
def test_filters_choose_as_in_the_list_and_may_choose_nothing(export, format):
    version = make_version(LINE)
    old, new = (predict(version, output=output) for output in (1.0, 9.0))
    assert [row["id"] for row in read(export("line", "output_from=5", format=format))] == [str(new.id)]
    assert {row["id"] for row in read(export("line", format=format))} == {str(new.id), str(old.id)}
    assert read(export("line", "output_from=50", format=format)) == []


def test_what_is_exported_can_come_back_with_outcomes(export, tmp_path):
    version = make_version(LINE)
    stored = [predict(version) for _ in range(3)]
    table = pl.read_csv(export("line")).with_columns(outcome=pl.lit(4.5))
    table.write_csv(tmp_path / "outcomes.csv")
    call_command("record_outcomes", tmp_path / "outcomes.csv", stdout=io.StringIO())
    assert {each.value for each in Outcome.objects.all()} == {4.5}
    assert Outcome.objects.count() == len(stored)


def test_what_has_no_room_in_xlsx_is_said_and_leaves_the_former_file_alone(export, monkeypatch):
    version = make_version(LINE)
    predict(version)
    file = export("line", format="xlsx")
    former = file.read_bytes()
    monkeypatch.setattr(writing, "MOST_ROWS", 1)
    predict(version)
    with pytest.raises(CommandError, match=r"1 rows are the most that are written as \.xlsx: choose fewer by filters"):
        export("line", format="xlsx")
    predict(version, inputs={"x": 1.0}, warnings=["w" * 40_000])
    monkeypatch.undo()
    with pytest.raises(CommandError, match=r"Column “warnings”, row 1: a cell of .xlsx takes 32,767 characters"):
        export("line", format="xlsx")
    assert file.read_bytes() == former
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["nothing"], "there is no version of 'nothing'"),
        (["line", "warned=perhaps"], "warned: “perhaps” is neither yes nor no: give “yes”, “no”."),
        (["line", "colour=red"], "“colour” is not the name of a filter"),
        (["line", "red"], "“red” is not a filter: write name=value"),
        (["line", "model=other"], "“model” is not the name of a filter"),
    ],
)
def test_what_cannot_be_exported_is_said(export, given, problem):
    make_version(LINE)
    with pytest.raises(CommandError, match=problem.replace("?", r"\?")):
        export(*given)


def test_a_file_that_cannot_be_written_is_said(db, tmp_path):
    make_version(LINE)
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        call_command("export", "line", output=tmp_path / "nowhere" / "made.csv")


@pytest.fixture
def site(admin_client, database_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database_url)
    return admin_client


@pytest.mark.both_databases
def test_the_admin_exports_what_its_list_shows(site, tmp_path):
    version = make_version(LINE)
    predict(version, output=1.0)
    shown = predict(version, output=9.0)
    made_by = {}
    for format in FORMATS:
        answer = site.get(f"/admin/predictor/prediction/export/?model=line&output_from=5&format={format}")
        made_by[format] = tmp_path / f"made.{format}"
        made_by[format].write_bytes(b"".join(answer.streaming_content))
        answer.close()
        assert 'filename="line-' in answer["Content-Disposition"]
    assert {format: [row["id"] for row in read(file)] for format, file in made_by.items()} == {
        format: [str(shown.id)] for format in FORMATS
    }


def test_what_the_admin_cannot_export_is_said_on_its_list(site):
    make_version(LINE), make_version(PENGUINS, "penguins")
    for query, problem in [
        ("", "Choose a model first"),
        ("model=line&since=soon", "since: “soon” is not a date"),
        ("model=line&format=doc", "Choose one of the formats csv, jsonl, parquet, xlsx."),
        ("model=nothing", "There is no version of"),
    ]:
        answer = site.get(f"/admin/predictor/prediction/export/?{query}", follow=True)
        [message] = answer.context["messages"]
        assert problem in str(message)


def test_one_export_is_written_at_a_time_and_the_next_one_once_it_is_closed(site):
    predict(make_version(LINE))
    first = site.get("/admin/predictor/prediction/export/?model=line")
    assert "Another file" in site.get("/admin/predictor/prediction/export/", follow=True).content.decode()
    first.close()
    site.get("/admin/predictor/prediction/export/").close()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connections to count")
def test_all_web_processes_together_write_one_file_at_a_time_each_has_a_connection(site):
    predict(make_version(LINE))
    with take_turn_of_pages():
        shown = site.get("/admin/predictor/prediction/export/", follow=True).content.decode()
        assert "Another file" in shown
        with pytest.raises(ExportsBusy):
            wait_for_turn_of_pages()
        began = time.monotonic()
        with ThreadPoolExecutor(1) as other, pytest.raises(ExportsBusy):
            other.submit(wait_for_turn).result()
        assert time.monotonic() - began >= 1
    wait_for_turn_of_pages()
    answer = site.get("/admin/predictor/prediction/export/")
    assert answer.status_code == 200
    answer.close()


def wait_for_turn():
    try:
        with take_turn_of_pages(seconds=1):
            pass
    finally:
        connection.close()


def test_only_who_may_see_predictions_exports_them(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("nobody", is_staff=True))
    assert client.get("/admin/predictor/prediction/export/").status_code == 403


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_large_export_is_written_by_a_worker_and_downloaded_by_who_may_see_the_predictions(
    site, monkeypatch, tmp_path
):
    version = make_version(LINE)
    shown = [predict(version, output=float(number)) for number in (9, 7, 8)]
    predict(version, output=1.0)
    monkeypatch.setattr(exporting, "MOST_AT_ONCE", 2)
    address = "/admin/predictor/prediction/export/?model=line&output_from=5&format=parquet"
    asked = site.get(address)
    assert "There may be more than 2: a worker writes the file" in asked.content.decode()
    assert not Job.objects.exists()
    assert [site.post(address).status_code for _ in range(2)] == [302, 302]
    job = Job.objects.get()  # Asked for twice, it is written once.
    page, file = f"/admin/predictor/job/{job.pk}/change/", f"/admin/predictor/job/{job.pk}/file/"
    assert file not in site.get(page).content.decode()
    held = jobs.take([jobs.EXPORT], "tests")
    tasks.carry_out(held.job.pk, held.lease)
    assert "Predictions: 3." in site.get(page).content.decode()
    answer = site.get(file)
    made = tmp_path / "made.parquet"
    made.write_bytes(b"".join(answer.streaming_content))
    # Newest first; ids of one millisecond are in no order.
    assert [row["id"] for row in read(made)] == sorted((str(each.id) for each in shown), reverse=True)
    assert 'filename="line-' in answer["Content-Disposition"]
    assert int(answer["Content-Length"]) == made.stat().st_size
    for codenames, models, status in (
        (["view_prediction"], [], 404),  # Of another user,
        (["view_prediction", "view_job"], [], 200),
        (["view_prediction", "view_job"], ["penguins"], 404),  # of another model,
        (["view_job"], [], 403),  # or without the right to see predictions.
    ):
        other = sign_in(*codenames, name="-".join([*codenames, *models]), models=models)
        assert other.get(file).status_code == status
    KeptFile.objects.all().delete()
    assert "The file is no longer kept" in site.get(file, follow=True).content.decode()
