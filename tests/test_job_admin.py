"""Retrains that are asked for in the admin, and its list of jobs."""

import ast
import re
import shutil
import uuid
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from predictor import jobs, tasks
from predictor.languages import LANGUAGES, use_language
from predictor.models import Job, JobWorker, Outcome, Prediction, Version
from predictor.models.job import from_now
from predictor.record.job_step import translate_line
from tests.staff import sign_in

pytestmark = pytest.mark.django_db
LIST, HOME = "/admin/predictor/job/", "/admin/"
STORED = {"source": "form", "duration_ms": 1.0, "created_at": timezone.now()}
# Remarks about some tables and recipes: 7 stands for any value.
ENGLISH_STEPS = {
    "7",
    "no outcome is recorded7",
    "has a pipeline.py, which is not sent to a cluster: it is trained here",
}
NO_WORKER = "No worker runs, so jobs wait. Start one: ./manage.py worker"


def read(response):
    return response.content.decode()


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_retrain_is_asked_for_on_a_version_and_the_job_shows_its_decision(line):
    client = sign_in("view_version", "can_retrain")
    page = f"/admin/predictor/version/{line.pk}/"
    ask = f"{page}retrain/"
    assert ask in read(client.get(f"{page}change/"))
    assert ask in read(client.get(HOME))
    assert "line is trained by its recipe." in read(client.get(ask))
    shown = read(client.post(ask, {"with_outcomes": "on"}, follow=True))
    assert "A worker will retrain line." in shown
    assert NO_WORKER in shown
    job = Job.objects.get()
    assert (job.kind, job.model, job.made_by, job.arguments) == ("retrain", "line", "grace", {"with_outcomes": True})
    # Asked for twice, it is done once.
    assert "waits or runs already" in read(client.post(ask, follow=True))
    assert Job.objects.count() == 1

    JobWorker.objects.create(pk=uuid.uuid4(), name="tests", seen_at=from_now(0))
    assert NO_WORKER not in read(client.get(LIST))
    held = jobs.take([jobs.RETRAIN], "tests")
    tasks.carry_out(held.job.pk, held.lease)
    job.refresh_from_db()
    assert (job.state, Version.objects.count()) == ("done", 1)
    for address in (LIST, f"{LIST}{job.pk}/change/"):
        assert "predicts as version 1, which is live: nothing to register" in read(client.get(address))


def test_only_who_may_retrain_a_model_can_ask_for_it_and_sees_its_jobs(line):
    job = jobs.enqueue(jobs.RETRAIN, by="ada", model="line")
    ask, cancel = f"/admin/predictor/version/{line.pk}/retrain/", f"{LIST}{job.pk}/cancel/"
    reviewer = sign_in("view_version", name="reviewer")
    assert [reviewer.get(address).status_code for address in (ask, LIST)] == [403, 403]
    assert ask not in read(reviewer.get(f"/admin/predictor/version/{line.pk}/change/")) + read(reviewer.get(HOME))
    other = sign_in("view_version", "can_retrain", "change_job", name="other", models=["penguins"])
    assert [other.post(address).status_code for address in (ask, cancel)] == [404, 404]
    assert f"{LIST}{job.pk}/" not in read(other.get(LIST))
    # It is not their own.
    trainer = sign_in("can_retrain", name="trainer")
    assert trainer.post(cancel).status_code == 403
    assert Job.objects.get().state == "waiting"


def test_a_job_is_cancelled_by_who_asked_for_it_or_may_change_jobs(line):
    for client, by in ((sign_in("can_retrain"), "grace"), (sign_in("view_job", "change_job", name="ops"), "ada")):
        job = jobs.enqueue(jobs.RETRAIN, by=by, model="line")
        cancel = f"{LIST}{job.pk}/cancel/"
        assert cancel in read(client.get(f"{LIST}{job.pk}/change/"))
        assert client.get(cancel).status_code == 200
        assert Job.objects.get(pk=job.pk).state == "waiting"
        assert "It is cancelled within seconds." in read(client.post(cancel, follow=True))
        assert Job.objects.get(pk=job.pk).state == "cancelled"
        assert "It is over already." in read(client.post(cancel, follow=True))


def test_the_part_of_a_page_that_changes_is_read_again_by_htmx_while_a_job_is_unfinished(line):
    job = jobs.enqueue(jobs.RETRAIN, by="grace", model="line")
    pages, htmx = (LIST, f"{LIST}{job.pk}/change/"), {"headers": {"HX-Request": "true"}}
    client = sign_in("can_retrain")
    for page in pages:
        assert f'hx-get="{page}" hx-trigger="every 2s"' in read(client.get(page))
    held = jobs.take([jobs.RETRAIN], "tests")
    jobs.report(held, "line: fits the model", done=2, total=5)
    for page in pages:
        part = read(client.get(page, **htmx))
        assert "fits the model, 2 of 5" in part  # Of a finished one, the list has its result in the same column.
        assert "every 2s" in part
        assert "<html" not in part
    # Signed out meanwhile, the whole page is loaded, and leads to the sign-in.
    assert Client().get(pages[0], follow=True, **htmx).headers["HX-Refresh"] == "true"
    jobs.finish(held, {"version": None, "promoted": False, "reason": "it predicts as version 1"})
    assert client.get(pages[1], **htmx).headers["HX-Refresh"] == "true"
    part = read(client.get(pages[0], **htmx))
    assert "it predicts as version 1" in part
    assert "every 2s" not in part
    assert "every 2s" not in read(client.get(pages[1]))


@pytest.mark.django_db(transaction=True)
def test_steps_and_errors_of_a_retrain_are_in_the_language_of_the_page(line, models_dir, settings):
    settings.OFFERED_LANGUAGES, settings.USE_I18N = ["en", "de"], True
    settings.LANGUAGES = [("en", "en"), ("de", "de")]
    job = jobs.enqueue(jobs.RETRAIN, by="grace", model="line")
    page, client, german = f"{LIST}{job.pk}/change/", sign_in("can_retrain"), {"Accept-Language": "de"}
    held = jobs.take([jobs.RETRAIN], "tests")
    for step, shown in [
        ("line: fitting on 12,345 rows", "Das Modell wird mit 12\u202f345 Zeilen trainiert, 2 von 5"),
        ("line: tuning: 9 candidates on 5 folds", "Parameter werden gesucht: 9 Kandidaten auf 5 Teilen, 2 von 5"),
        ("line: x: <a remark>", '<span lang="en" dir="auto">x: &lt;a remark&gt;</span>, 2 von 5'),
    ]:
        jobs.report(held, step, done=2, total=5)
        assert shown in read(client.get(page, headers=german))
    assert "x: &lt;a remark&gt;, 2 of 5" in read(client.get(page))

    shutil.move(models_dir / "line/data.csv", models_dir / "kept.csv")
    tasks.carry_out(held.job.pk, held.lease)
    assert "Die Tabelle „data.csv“ des Rezepts wurde nicht gefunden" in read(client.get(page, headers=german))
    assert "The table “data.csv” of the recipe was not found: put it there" in read(client.get(page))
    assert "model.toml: data: &#x27;data.csv&#x27; was not found" in read(client.get(page))

    shutil.move(models_dir / "kept.csv", models_dir / "line/data.csv")
    again = jobs.enqueue(jobs.RETRAIN, by="grace", model="line")
    held = jobs.take([jobs.RETRAIN], "tests")
    tasks.carry_out(held.job.pk, held.lease)
    page = f"{LIST}{again.pk}/change/"
    assert "sagt dasselbe voraus wie Version 1, die live ist" in read(client.get(page, headers=german))
    Job.objects.filter(pk=again.pk).update(result={"version": 1, "promoted": True, "reason": line.decision["reason"]})
    assert 'live: <span dir="auto">die erste Version</span>' in read(client.get(page, headers=german))


def test_each_step_of_a_job_has_a_translation():
    calls = [
        node
        for folder in ("tasks", "training", "lifecycle", "scoring")
        for file in Path("predictor", folder).rglob("*.py")
        if file.stem != "importing"  # By a command alone.
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("progress", "jobs.report")
    ]
    steps = {write_step(each).removeprefix("7: ") for call in calls for each in call.args[-1:]}
    assert {"measuring", "fitting on 7 rows", "reading 7", "answering rows"} <= steps
    with use_language(LANGUAGES["de"]):
        assert {step for step in steps if step and translate_line(step) in (None, step)} == ENGLISH_STEPS


def write_step(given):
    """The text of an f-string, with a number for each value; of other expressions only that."""
    if isinstance(given, ast.JoinedStr):
        return "".join(map(write_step, given.values))
    noun = re.search(r"write_count\(\w+, '(\w+)'\)", ast.unparse(given))
    return str(given.value) if isinstance(given, ast.Constant) else f"7 {noun[1]}s" if noun else "7"


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_outcomes_of_a_file_are_recorded_by_a_worker_all_or_none_with_a_report_on_each_row(line):
    first, second = (Prediction.objects.create(version=line, inputs={"x": 1}, output=5.0, **STORED) for _ in range(2))
    client, upload = sign_in("add_outcome", "view_outcome"), "/admin/predictor/outcome/upload/"
    assert upload in read(client.get("/admin/predictor/outcome/"))
    table = f"id,outcome\n{first.pk},4.5\n{second.pk},7\nnonsense,1\n"

    def send(**options):
        file = SimpleUploadedFile("march.csv", table.encode())
        job = Job.objects.get(pk=client.post(upload, {"file": file, "model": "line", **options}).url.split("/")[-3])
        held = jobs.take([jobs.OUTCOMES], "tests")
        assert held.job.pk == job.pk
        tasks.carry_out(held.job.pk, held.lease)
        job.refresh_from_db()
        report = b"".join(client.get(f"{LIST}{job.pk}/file/").streaming_content).decode()
        return job, read(client.get(f"{LIST}{job.pk}/change/")), [row.split(",") for row in report.splitlines()]

    job, page, report = send()
    assert (job.state, Outcome.objects.count()) == ("failed", 0)
    assert "1 of 3 rows is refused, and nothing was stored" in page
    assert f"&rsaquo; a file&#x27;s outcomes line ({job.pk})" in page
    assert report[0] == ["line", "id", "reference", "outcome", "result", "reason"]
    assert [(row[0], row[4]) for row in report[1:]] == [("2", "accepted"), ("3", "accepted"), ("4", "malformed")]
    job, page, _ = send(partial="on")
    assert "accepted: 2, malformed: 1." in page
    assert (job.state, job.done, job.total, job.result["stored"]) == ("done", 3, 3, True)
    assert {(each.value, each.recorded_by) for each in Outcome.objects.all()} == {(4.5, "grace"), (7, "grace")}
    job, page, _ = send(partial="on")  # Sent again, it changes nothing.
    assert "unchanged: 2, malformed: 1." in page
    assert Outcome.objects.count() == 2
    # Only of models that the user may see.
    other = sign_in("add_outcome", name="other", models=["penguins"])
    assert "line" not in str(other.get(upload).context["form"]["model"])
    assert sign_in("view_outcome", name="reader").get(upload).status_code == 403
