"""From a table of dates to answers, and to a version that is trained on what happened."""

import json

import polars as pl
import pytest
from bs4 import BeautifulSoup
from django.core.management import call_command

from predictor.models import Artifact, Prediction, Site, Version
from predictor.outcomes.recording import record_outcome
from predictor.registry.resigning import resign_artifacts
from predictor.registry.trust import open_artifact
from tests.answers import change_inputs
from tests.recipes import make_dates
from tests.training import train

TITLE = 'title = "Rides"\ntarget = "y"\ndata = "data.csv"\n[estimator]\nclass = "sklearn.linear_model.Ridge"\n'


@pytest.fixture
def rides(models_dir):
    folder = models_dir / "rides"
    folder.mkdir()
    table = make_dates(200).with_columns(pl.col("start").dt.to_string("%Y-%m-%dT%H:%M:%S+01:00"))
    (folder / "data.csv").write_text(table.write_csv())
    (folder / "model.toml").write_text(TITLE + '[features.start]\nzone = "Europe/Berlin"\nrequired = false\n')
    return train(models_dir, "rides")


TYPED = {"day": "2024-02-29", "start": "2024-02-29T12:30", "clock": "08:30"}


@pytest.mark.both_databases
@pytest.mark.django_db
def test_dates_are_asked_answered_kept_and_trained_on_again(rides, client, models_dir):
    form = BeautifulSoup(client.get("/rides/").content, "html.parser")
    types = {each["name"]: each.get("type") for each in form.select(".field input")}
    assert types == {"day": "date", "start": "datetime-local", "clock": "time"}
    assert form.select_one("[name=start] + .unit").text == "Europe/Berlin"
    answer = client.post("/rides/", TYPED)
    kept = Prediction.objects.get()
    assert kept.inputs == {"day": "2024-02-29", "start": "2024-02-29T12:30:00+01:00", "clock": "08:30:00"}
    page = BeautifulSoup(client.get(answer["Location"]).content, "html.parser")
    shown = page.select(".inputs dd")
    assert [each.text for each in shown] == ["29 Feb 2024", "29 Feb 2024, 12:30 UTC+01:00", "08:30"]
    assert [each["data-value"] for each in shown] == ["2024-02-29", "2024-02-29T12:30:00+01:00", "08:30:00"]
    form = change_inputs(client, answer["Location"])
    again = {each["name"]: each["value"] for each in form.select(".field input")}
    assert again == {"day": "2024-02-29", "start": "2024-02-29T12:30:00", "clock": "08:30:00"}
    record_outcome(kept, "9.5", by="tests", seen=None)
    call_command("retrain", "rides", with_outcomes=True, force=True)
    assert Version.objects.order_by("-id").first().data["outcomes"]["used"] == 1


@pytest.mark.django_db
def test_the_api_takes_iso_8601_and_gives_a_code_for_what_it_refuses(rides, client):
    def post(**changed):
        sent = json.dumps({"inputs": {**TYPED, **changed}})
        return client.post("/api/v1/models/rides/predict", sent, content_type="application/json")

    [warning] = post(start="2031-02-28T11:30Z").json()["predictions"][0]["warnings"]
    assert warning.startswith(
        "start: 2031-02-28 11:30+00:00 is outside what the model has seen: 2023-01-04 17:55+01:00 to"
    )
    assert post(start=None).status_code == 200
    refused = post(day="2024-02-30", clock=8, start="noon").json()["error"]
    assert refused["codes"] == {"day": "not_a_date", "start": "not_a_datetime", "clock": "not_a_time"}
    assert refused["fields"]["day"].startswith("“2024-02-30” is not a date: give a date such as ")


@pytest.mark.django_db
def test_a_build_that_knows_no_dates_refuses_such_a_version_and_every_other_is_signed_for_it(rides, line):
    for artifact in Artifact.objects.filter(version=rides):
        assert (artifact.manifest, json.loads(artifact.manifest_2)["format"]) == ("", 3)
        resign_artifacts(rotate=True)
        assert open_artifact(artifact, Site.objects.find())["format"] == 3
    for artifact in Artifact.objects.filter(version=line):
        assert [json.loads(each)["format"] for each in (artifact.manifest, artifact.manifest_2)] == [1, 2]
