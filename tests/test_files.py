"""Files that visitors upload to have each row answered."""

import csv
import gzip
import io
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit
from uuid import uuid4

import polars as pl
import pytest
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from python_calamine import CalamineWorkbook

from predictor import jobs
from predictor.access import visitors
from predictor.access.limits import Rate
from predictor.files import previewing
from predictor.files.keeping import remove
from predictor.models import FileToScore, Job, KeptChunk, KeptFile, ModelRight, Prediction, Version
from predictor.registry.retirement import retire
from predictor.tasks import TASKS, carry_out
from predictor.web.file_pages import bodies

pytestmark = pytest.mark.django_db

CSV = b"note,x\nfirst,1.5\n=second,many\nthird,2\n"


@pytest.fixture(autouse=True)
def nobody_was_refused():
    visitors._refused.clear()
    yield
    visitors._refused.clear()


def upload(client, content=CSV, name="new.csv", slug="line", **headers):
    return client.post(f"/{slug}/file/", {"file": SimpleUploadedFile(name, content)}, headers=headers)


def read(response):
    return BeautifulSoup(response.content, "html.parser")


def list_rows(page, heading):
    rows = page.select(f"section[aria-labelledby={heading}] tbody tr")
    return [[cell.get_text(" ", strip=True) for cell in row.select("th, td")] for row in rows]


def test_a_file_is_kept_and_its_preview_says_what_each_column_is_taken_for_and_which_rows_are_wrong(client, line):
    response = upload(client)
    table = FileToScore.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/line/file/{table.pk}/")
    assert b"".join(bytes(each.content) for each in KeptChunk.objects.all()) == CSV
    assert (table.file.name, table.file.made_by, table.file.is_whole) == ("new.csv", "a visitor", True)
    page = read(client.get(response["Location"]))
    assert page.h1.text == "Check new.csv"
    assert list_rows(page, "columns") == [
        ["note", "unknown to the model, only copied", "first"],
        ["x", "x", "1.5"],
    ]
    [[row, label, sentence]] = list_rows(page, "first")
    assert (row, label) == ("2", "x")
    assert sentence.startswith("“many” is not a number")
    assert "about 1.4 kB" in page.select_one("#history_help").text


def test_a_file_is_scored_once_however_often_its_button_is_pressed_and_again_where_that_failed(client, line):
    address = upload(client)["Location"]
    first, second = client.post(address, {"history": "on"}), client.post(address, {"history": "on"})
    job = Job.objects.get()
    assert first["Location"] == second["Location"] == f"/line/file/jobs/{job.public_id}/"
    assert (job.kind, job.model, job.arguments["history"]) == ("score", "line", True)
    assert job.arguments["file"] == str(FileToScore.objects.get().pk)
    page = read(client.get(first["Location"]))
    assert page.select_one("#state").text == "It waits for a worker"
    assert "No worker runs" in page.text
    assert page.select_one("#job")["hx-get"] == first["Location"]
    assert client.post(f"{first['Location']}cancel/")["Location"] == first["Location"]
    page = read(client.get(first["Location"]))
    assert page.select_one("#state").text == "Cancelled"
    assert not page.select_one("#job").has_attr("hx-get")
    client.post(address)
    assert [each.arguments["history"] for each in Job.objects.order_by("id")] == [True, False]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty"),
        (b"x\n", "no rows below it"),
        (b"1,2\n3,4\n", "No column has the name of an input. The first line must name the columns; it has “1”, “2”."),
        (gzip.compress(CSV), "The file is packed: unpack it, and upload the table that is in it"),
        (b'{"x": 1}\n{"x": 2}\n', "JSON lines are not read here: save them as CSV or Parquet."),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "The file is not a table that can be read here"),
        (b"x,x\n1,2\n", "new.csv, line 1: two columns are named 'x': rename one of them."),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_at_its_field_and_nothing_is_stored(client, line, content, sentence):
    response = upload(client, content)
    page = read(response)
    assert response.status_code == 422
    assert sentence in page.select_one("#file_error").text
    assert page.select_one("#file")["aria-invalid"] == "true"
    assert "file_error" in page.select_one("#file")["aria-describedby"]
    assert page.select_one(".problems a")["href"] == "#file"
    assert not KeptFile.objects.exists()


def test_the_preview_of_one_row_and_of_names_that_the_result_has_too_says_so(client, line):
    page = read(client.get(upload(client, b"x,id\nmany,1\n")["Location"]))
    assert "The one row would get no prediction" in page.text
    assert [each.text for each in page.select("p.notice > code")][-1] == "mlsite_id"


def test_a_form_without_a_file_and_a_file_that_is_too_large_are_refused_at_the_field(client, line, settings):
    assert "Choose a file." in read(client.post("/line/file/", {})).select_one("#file_error").text
    assert "Choose a file." in read(client.post("/line/file/", {"file": "text"})).select_one("#file_error").text
    settings.UPLOAD_MAX_BYTES = 20
    assert "at most 50 MB" in read(upload(client)).select_one("#file_error").text
    settings.UPLOAD_MAX_BODY_BYTES = 30
    response = upload(client)
    assert (response.status_code, "at most 50 MB" in read(response).select_one("#file_error").text) == (413, True)
    assert not KeptFile.objects.exists()


def test_where_there_is_no_space_the_page_says_how_much_is_missing(client, line, settings):
    settings.FILES_MAX_MB = 0
    response = upload(client)
    assert response.status_code == 507
    assert "0 B are free for files" in read(response).select_one("#file_error").text
    settings.FILES_MAX_MB = 250
    address = upload(client)["Location"]
    settings.FILES_MAX_MB = 0
    response = client.post(address)
    assert (response.status_code, Job.objects.count()) == (507, 0)
    assert "There is no space" in read(response).select_one(".problems").text


def test_only_so_many_files_come_from_an_address_in_an_hour(client, line, monkeypatch):
    monkeypatch.setattr(visitors, "UPLOADS", Rate(most=1, seconds=3600))
    assert upload(client).status_code == 303
    response = upload(client)
    assert (response.status_code, int(response["Retry-After"]) > 3000) == (429, True)
    assert "Too many files come from your network address." in read(response).select_one("#file_error").text


def test_a_form_with_many_fields_is_refused_before_they_are_parsed(client, line):
    fields = {f"field{number}": "" for number in range(bodies.MOST_PARTS)}
    response = client.post("/line/file/", {**fields, "file": SimpleUploadedFile("new.csv", CSV)})
    assert (response.status_code, KeptFile.objects.count()) == (413, 0)


def test_a_file_needs_the_token_of_a_form_which_stands_before_it(line):
    client = Client(enforce_csrf_checks=True)
    assert (upload(client).status_code, KeptFile.objects.count()) == (403, 0)
    form = read(client.get("/line/file/")).select_one("form.upload")
    fields = [field["name"] for field in form.select("input")]
    assert fields == ["csrfmiddlewaretoken", "file"]
    token = form.input["value"]
    sent = {"csrfmiddlewaretoken": token, "file": SimpleUploadedFile("new.csv", CSV)}
    assert client.post("/line/file/", sent).status_code == 303


def test_files_are_for_those_who_may_use_the_form(client, line, settings, django_user_model):
    address = upload(client)["Location"]
    job = client.post(address)["Location"]
    settings.FORM_ACCESS = "login"
    for path in ("/line/file/", address, job):
        assert client.get(path)["Location"].startswith("/sign-in/?next=%2Fline%2Ffile%2F"), path
    assert upload(client)["Location"].startswith("/sign-in/")
    assert KeptFile.objects.count() == 1
    client.force_login(django_user_model.objects.create_superuser("ada"))
    assert client.get(job).status_code == 200
    assert "private" in client.get("/line/file/")["Cache-Control"]


def test_the_files_of_a_model_that_a_user_may_not_see_are_not_found(
    client, line, penguins, settings, django_user_model
):
    address = upload(client)["Location"]
    job = client.post(address)["Location"]
    settings.FORM_ACCESS = "login"
    grace = django_user_model.objects.create_user("grace")
    ModelRight.objects.create(user=grace, model="penguins")
    client.force_login(grace)
    assert {client.get(path).status_code for path in ("/line/file/", address, job, f"{job}csv/")} == {404}
    assert {upload(client).status_code, client.post(address).status_code, client.post(f"{job}cancel/").status_code} == {
        404
    }
    assert client.get("/penguins/file/").status_code == 200
    assert (KeptFile.objects.count(), Job.objects.get().cancelled_by) == (1, "")


def test_a_retired_model_takes_no_file(client, line, settings):
    retire("line", by="ada", reason="")
    assert {client.get("/line/file/").status_code, upload(client).status_code} == {410}
    settings.UPLOAD_MAX_BODY_BYTES = 30
    assert upload(client).status_code == 413
    assert not KeptFile.objects.exists()


def test_addresses_of_other_models_files_and_of_other_jobs_are_not_found(client, line, penguins):
    address = upload(client)["Location"]
    job = client.post(address)["Location"]
    assert client.get(address.replace("line", "penguins")).status_code == 404
    assert client.get(job.replace("line", "penguins")).status_code == 404
    other = jobs.enqueue(jobs.RETRAIN, by="ada", model="line")
    assert client.get(f"/line/file/jobs/{other.public_id}/").status_code == 404
    assert client.post(f"/line/file/jobs/{other.public_id}/cancel/").status_code == 404
    assert client.get("/nosuch/file/").status_code == 404


def test_once_a_file_is_deleted_only_the_page_of_its_job_is_left(client, line):
    address = upload(client)["Location"]
    job = client.post(address)["Location"]
    remove(KeptFile.objects.get())
    assert client.get(address).status_code == 404
    assert read(client.get(job)).h1.text == "a file that was deleted"
    assert client.get(f"{job}csv/").status_code == 404


def test_a_site_may_do_without_files(client, line, settings):
    settings.FILES = False
    assert {client.get("/line/file/").status_code, upload(client).status_code} == {404}
    for path in ("/line/", "/about/line/"):
        assert "/line/file/" not in client.get(path).text
        settings.FILES = True
        assert read(client.get(path)).select_one('.lead a[href="/line/file/"]').text == "Score a file"
        settings.FILES = False


def test_htmx_gets_the_error_in_the_page_and_the_address_to_go_on_to(client, line):
    response = upload(client, b"", HX_Request="true")
    assert (response.status_code, response["HX-Retarget"]) == (422, "#main")
    assert "<html" not in response.text
    response = upload(client, HX_Request="true")
    assert response["HX-Redirect"] == f"/line/file/{FileToScore.objects.get().pk}/"


@pytest.fixture
def german(settings):
    """Headers of a request for a page in German."""
    settings.OFFERED_LANGUAGES, settings.USE_I18N = ["en", "de"], True
    settings.LANGUAGES = [("en", "en"), ("de", "de")]
    return {"Accept-Language": "de"}


def test_the_problems_of_rows_are_in_the_language_of_the_page(client, line, german):
    address = upload(client, CSV + b"fourth,1,2,3\n")["Location"]
    page = read(client.get(address, headers=german))
    first, second = list_rows(page, "first")
    assert first[2].startswith("„many“ ist keine Zahl")
    assert second == ["4", "–", "Die Zeile hat nicht so viele Werte, wie die Datei Spalten hat."]


def test_each_kind_of_error_of_a_result_is_a_sentence_in_the_language_of_the_page(client, line, german):
    [x] = line.schema["features"]
    Version.objects.filter(pk=line.pk).update(schema=line.schema | {"features": [x | {"maximum": 1_000_000}]})
    errors = {"not_a_number/x": 3, "above_maximum/x": 2_000_000, "wrong_length": 2, "no_answer": 1, "unheard_of/x": 1}
    result = {"file": "", "rows": 4_000_000, "refused": 2_000_007, "errors": errors, "version": line.number}
    job = Job.objects.create(kind=jobs.SCORE, model="line", public_id=uuid4(), state="done", result=result)
    page = read(client.get(f"/line/file/jobs/{job.public_id}/", headers=german))
    assert list_rows(page, "errors") == [
        ["x", "Der Wert ist zu groß: Höchstens 1000000 ist erlaubt.", "2\u202f000\u202f000"],
        ["x", "Der Wert ist keine Zahl: Geben Sie eine Zahl wie 5,15 an.", "3"],
        ["–", "Die Zeile hat nicht so viele Werte, wie die Datei Spalten hat.", "2"],
        [
            "–",
            "Das Modell hat für diese Eingaben keine endliche Antwort: Versuchen Sie Werte, die es gesehen hat.",
            "1",
        ],
        ["x", "unheard_of", "1"],
    ]


@pytest.mark.parametrize(
    ("problem", "shown"),
    [
        ({"code": "no_space", "values": {"needed": 76_000_000, "free": 0}}, "Es braucht 76"),
        ({"code": "too_many_rows", "values": {"limit": 100_000}}, "höchstens 100\u202f000 Zeilen"),
        ({"code": "missing", "values": {"columns": ["area"]}}, "„area“"),
        ({"code": "failed_often", "values": {"times": 3}, "detail": "OSError: odd"}, "gescheitert. OSError: odd"),
        ({"code": "unheard_of", "values": {"times": 3}}, "in English"),
        (None, "in English"),
    ],
)
def test_why_a_job_failed_is_said_in_the_language_of_the_page_where_its_kind_is_known(
    client, line, german, problem, shown
):
    failed = {"state": "failed", "error": "in English", "problem": problem}
    job = Job.objects.create(kind=jobs.SCORE, model="line", public_id=uuid4(), **failed)
    page = read(client.get(f"/line/file/jobs/{job.public_id}/", headers=german))
    text = page.select_one("#job .problems").get_text(" ", strip=True)
    assert shown in text
    assert ("in English" in text) == (shown == "in English")


def test_a_table_that_takes_too_long_is_refused(client, line, monkeypatch):
    monkeypatch.setattr(previewing, "SECONDS", 0.01)
    response = upload(client)
    assert "too much memory or time" in read(response).select_one("#file_error").text
    assert not KeptFile.objects.exists()


def score(client, content=CSV, name="new.csv", history="on"):
    """The address of a job that is done."""
    address = client.post(upload(client, content, name)["Location"], {"history": history})["Location"]
    carry_out_waiting()
    return address


def fetch(server, path):
    with closing(HTTPConnection(urlsplit(server.address).netloc)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response, response.read()


def carry_out_waiting():
    held = jobs.take(TASKS, "a worker")
    carry_out(held.job.pk, held.lease)


@pytest.mark.django_db(transaction=True)
def test_a_scored_file_is_downloaded_as_csv_parquet_and_excel(client, line, tmp_path, serve):
    server = serve(WEB_CONCURRENCY="1").wait_until("/line/file/")
    address = score(client, name='ne\u00fc "1".csv')
    page = read(client.get(address))
    assert page.select_one("#state").text == "Done"
    assert [each.text for each in page.select(".facts dd")] == ["3", "1", "1"]
    assert list_rows(page, "errors") == [["x", "The value is not a number: give a number such as 5.15.", "1"]]
    response, content = fetch(server, f"{address}csv/")
    assert response.headers["Content-Disposition"].endswith("filename*=utf-8''ne%C3%BC%20%221%22-scored.csv")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [list(rows[0])[:3], [row["note"] for row in rows]] == [
        ["note", "x", "prediction"],
        ["first", "'=second", "third"],
    ]
    assert [bool(row["prediction"]) for row in rows] == [True, False, True]
    assert str(Prediction.objects.order_by("created_at").first().id) in {row["id"] for row in rows}
    table = pl.read_parquet(io.BytesIO(fetch(server, f"{address}parquet/")[1]))
    assert table["note"].to_list() == ["first", "=second", "third"]
    assert client.get(f"{address}xlsx/").status_code == 404
    client.post(f"{address}xlsx/")
    client.post(f"{address}xlsx/")
    page = read(client.get(address))
    assert ("The Excel file is being written." in page.text, page.select_one("#job")["hx-get"]) == (True, address)
    assert Job.objects.count() == 2
    carry_out_waiting()
    assert read(client.get(address)).select_one(f'a[href="{address}xlsx/"]')
    response = client.get(f"{address}xlsx/")
    (tmp_path / "result.xlsx").write_bytes(b"".join(response.streaming_content))
    assert int(response["Content-Length"]) == (tmp_path / "result.xlsx").stat().st_size
    workbook = CalamineWorkbook.from_path(tmp_path / "result.xlsx").get_sheet_by_index(0).to_python()
    assert [row[0] for row in workbook] == ["note", "first", "=second", "third"]
