"""A retired model makes no predictions, and keeps all of its history, until it is brought back."""

import json
import re
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from predictor.exceptions import ModelNotFound, ModelRetired
from predictor.lifecycle.judgement import find_live_model, judge_challenger
from predictor.models import Artifact, Prediction, Promotion, Retirement, Version
from predictor.registry import versions as registry
from predictor.registry.retirement import bring_back, retire
from predictor.serving import service as service_module
from predictor.serving.service import ModelService, service
from tests.training import register_shipped, train, train_shipped

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]
API = "/api/v1/models/line/predict"


@pytest.fixture
def retired(line):
    """A model that has made one prediction, and is retired."""
    runtime = service.get_runtime("line")
    [prediction] = service.predict(runtime, [runtime.schema.parse({"x": 5})], Prediction.Source.FORM)
    retire("line", by="grace", reason="the factory moved")
    service.forget()
    return prediction


@pytest.fixture
def run(models_dir, capsys):
    """Call a command; give what it printed to stdout and stderr."""

    def call(*arguments):
        call_command(*arguments)
        return capsys.readouterr()

    return call


def ask_api(client):
    return client.post(API, json.dumps({"inputs": {"x": 5}}), content_type="application/json")


def test_the_log_keeps_who_and_why_and_is_never_a_promotion(line):
    retire("line", by="grace", reason="the factory moved")
    assert retire("line", by="grace", reason="again") is None
    bring_back("line", by="ada", reason="it moved back")
    assert bring_back("line", by="ada", reason="again") is None
    events = Retirement.objects.order_by("id").values_list("model", "is_retired", "recorded_by", "reason")
    assert list(events) == [("line", True, "grace", "the factory moved"), ("line", False, "ada", "it moved back")]
    assert Promotion.objects.get().version == Version.objects.find_live("line") == line


def test_a_model_without_a_version_cannot_be_retired(line):
    for act in (retire, bring_back):
        with pytest.raises(ModelNotFound, match="there is no version of 'nothing'"):
            act("nothing", by="tests", reason="a test")
    assert not Retirement.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_form_of_a_retired_model_says_so_and_leads_to_its_history(client, penguins, retired, method):
    response = getattr(client, method)("/line/", {"x": "5"} if method == "post" else None)
    page = BeautifulSoup(response.content, "html.parser")
    assert (response.status_code, response["Cache-Control"]) == (410, "no-cache")
    assert page.h1.text == "This model is retired"
    assert "A line through points" not in page.nav.text
    assert [link["href"] for link in page.select("nav li a")] == ["/penguins/"]
    assert page.select_one("article a")["href"] == "/about/line/"
    assert Prediction.objects.count() == 1


def test_a_wide_form_that_was_open_is_not_called_too_large(client, retired):
    assert client.post("/line/", {f"f{number}": "1" for number in range(500)}).status_code == 410
    assert client.post("/about/line/", {"x": "1"}).status_code == 405


def test_a_form_that_was_open_keeps_what_was_typed(client, retired):
    response = client.post("/line/", {"x": "5"}, headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Retarget"]) == (410, "#notice")
    assert "<html" not in response.content.decode()


def test_the_api_of_a_retired_model_says_so_in_json(client, retired):
    response = ask_api(client)
    assert (response.status_code, response["Cache-Control"]) == (410, "no-cache")
    error = response.json()["error"]
    assert error["code"] == "model_retired"
    assert re.fullmatch(
        r"The model line was retired on \S+ at \S+ UTC: it makes no new predictions\.", error["message"]
    )
    assert Prediction.objects.count() == 1


def test_pages_of_its_predictions_versions_and_figures_stay(client, admin_client, retired, line):
    page = client.get(retired.get_absolute_url())
    assert page.status_code == 200
    assert "This model was retired on" in page.content.decode()
    assert "Change inputs" not in page.content.decode()
    assert admin_client.post(f"{retired.get_absolute_url()}outcome/", {"outcome": "12"}).status_code == 303
    assert client.get(line.figures.first().get_absolute_url()).status_code == 200
    for address in ("/about/line/", line.get_absolute_url()):
        content = client.get(address).content.decode()
        assert re.search(r"This model was retired</strong> on .* \(<bdi>the factory moved</bdi>\)", content)
        assert 'href="/line/"' not in content


def test_the_home_page_says_that_the_default_model_is_retired_and_the_site_stays_ready(client, penguins, retired):
    assert client.get("/").status_code == 410
    assert client.post("/", {"x": "5"}).status_code == 410
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.content.decode().startswith("ready; line was retired on ")
    assert client.get("/penguins/").status_code == 200


def test_an_undone_retirement_serves_the_live_version_again(client, retired):
    bring_back("line", by="ada", reason="it moved back")
    service.forget()
    assert ask_api(client).json()["version"] == 1
    assert "Use this model" in client.get("/about/line/").content.decode()
    assert "live now" in client.get("/about/line/").content.decode()


def test_a_worker_notices_both_and_gives_the_memory_back(line, monkeypatch):
    worker = ModelService()
    monkeypatch.setattr(service_module, "SECONDS_BETWEEN_LOOKS", 0)
    worker.get_runtime("line")
    retire("line", by="tests", reason="a test")
    with pytest.raises(ModelRetired, match="line was retired on"):
        worker.get_runtime("line")
    worker.refresh()
    assert worker.find_held(line.id) is None
    assert worker.list_live() == []
    bring_back("line", by="tests", reason="a test")
    assert worker.get_runtime("line").version == line


def test_a_look_at_the_models_stays_one_query(line, retired):
    with CaptureQueriesContext(connection) as queries:
        ModelService().refresh()
    assert len(queries) == 1


def test_which_version_was_live_at_a_moment_knows_when_the_model_was_retired(client, line):
    now = timezone.now()
    Promotion.objects.update(promoted_at=now - timedelta(hours=9))
    for hours, is_retired in ((8, True), (6, False), (4, True)):
        at = now - timedelta(hours=hours)
        Retirement.objects.create(model="line", is_retired=is_retired, recorded_at=at, recorded_by="x", reason="x")

    def look_up(hours):
        at = (now - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S")
        return BeautifulSoup(client.get(f"/about/line/?at={at}").content, "html.parser").select_one("#moment").text

    assert [look_up(hours) for hours in (8.5, 7, 5, 3)] == [
        "Version 1 was live then.",
        "The model was retired then.",
        "Version 1 was live then.",
        "The model was retired then.",
    ]


def test_the_command_retires_and_brings_back(run, retired, line):
    assert run("retire", "line").out == "line is already retired.\n"
    assert run("retire", "line", "--undo", "--reason", "it moved back").out == "line is back: version 1 is live.\n"
    assert run("retire", "line", "--undo").out == "line is not retired.\n"
    printed = run("retire", "line")
    assert printed.out == "line is retired.\n"
    assert "WARNING: line is the default model" in printed.err
    newest = Retirement.objects.first()
    assert (newest.recorded_by, newest.reason) == ("command line", "no reason given")
    for arguments, message in (
        (["nothing"], "nothing cannot be retired: there is no version of 'nothing'."),
        (["nothing", "--undo"], "nothing cannot be brought back"),
        (["line", "--reason", " "], "give the reason in one line of text"),
    ):
        with pytest.raises(CommandError, match=re.escape(message)):
            run("retire", *arguments)


def test_undo_says_where_the_live_version_cannot_be_loaded(run, retired):
    Artifact.objects.update(signature="0" * 64, signature_2="0" * 64)
    assert re.search(
        r"version 1 is live, but cannot be loaded \(.*\): run `manage.py retrain", run("retire", "line", "--undo").out
    )


def test_versions_lists_what_was_retired_by_whom_and_why(run, retired, penguins):
    text = run("versions").out
    assert re.search(r"line 1 +retired ", text)
    assert re.search(r"\nline retired on \S+ \S+ UTC by grace: the factory moved\npenguins 1 +live ", text)
    line, penguin = json.loads(run("versions", "--format", "json").out)
    assert (line["live"], line["retired"], penguin["live"], penguin["retired"]) == (False, True, True, False)


def test_a_retrain_of_a_retired_model_registers_a_version_and_says_that_it_stays_retired(run, retired, client):
    printed = run("retrain", "line", "--promote", "always", "--force").out
    assert "line  version 2  kept back" in printed
    assert "the model is retired; otherwise as requested: always" in printed
    assert "to bring the model back: manage.py retire line --undo\n" in printed
    assert 'and then to make this version live: manage.py promote line 2 --reason "…"' in printed
    assert Promotion.objects.count() == 1
    assert ask_api(client).status_code == 410
    assert "the model is retired; " in run("retrain", "line", "--force", "--dry-run").out
    assert "the live one of the retired model: nothing to register" in run("retrain", "line").out
    run("retire", "line", "--undo")
    assert Version.objects.find_live("line").number == 1
    assert run("promote", "line", "2", "--reason", "newer").out == "line 2 is live.\n"


def test_a_release_leaves_a_retired_model_alone_and_succeeds(run, retired, penguins):
    Artifact.objects.filter(version__model="line").update(signature="0" * 64, signature_2="0" * 64)
    assert "are refused" not in run("resign").err
    printed = run("retrain", "--missing", "--promote", "always").out
    assert re.fullmatch(r"line  skipped\n  retired on .* `manage.py retire line --undo` brings it back\n", printed)
    assert Version.objects.filter(model="line").count() == 1


def test_missing_trains_again_what_was_kept_back_only_because_its_model_was_retired(run, models_dir):
    run("retrain", "line", "--promote", "never")
    run("retire", "line")
    run("retrain", "line", "--force")
    run("retire", "line", "--undo")
    [done] = json.loads(run("retrain", "line", "--missing", "--format", "json").out)
    assert (done["version"], done["promoted"]) == (3, True)


@pytest.mark.parametrize("arguments", [("promote", "line", "1", "--reason", "x"), ("rollback", "line")])
def test_nothing_goes_live_while_its_model_is_retired(run, models_dir, line, arguments):
    train(models_dir, "line")
    retire("line", by="tests", reason="a test")
    with pytest.raises(CommandError, match=r"line was retired on .*; `manage.py retire line --undo` brings it back\."):
        run(*arguments)
    assert Promotion.objects.count() == 2


@pytest.mark.parametrize("act", [retire, bring_back])
def test_a_version_that_was_judged_before_its_model_was_retired_or_brought_back_is_judged_again(line, act):
    if act is bring_back:
        retire("line", by="tests", reason="a test")
    trained, candidate = train_shipped("line")
    judgement = judge_challenger(trained, find_live_model("line"), "always")
    act("line", by="tests", reason="a test")
    assert registry.register(candidate, judgement, by="tests") is None
    judgement = judge_challenger(trained, find_live_model("line"), "always")
    assert registry.register(candidate, judgement, by="tests").number == 2
    assert Promotion.objects.count() == (1 if act is retire else 2)


def test_a_version_that_the_former_build_promotes_stays_retired_with_its_model(client, retired):
    second = Version.objects.get(id=register_shipped("line").id)
    Promotion.objects.create(version=second, promoted_by="the former build", reason="better")
    assert ask_api(client).status_code == 410
    bring_back("line", by="tests", reason="a test")
    service.forget()
    assert ask_api(client).json()["version"] == 2
