"""Sensitive inputs are stored as a keyed hash or not at all, wherever a prediction is stored or shown."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from predictor.history.hiding import hash_input, list_hashes
from predictor.models import Artifact, Prediction, Version
from predictor.monitoring.watch import watch
from predictor.registry.manifest import FORMAT_OF_SENSITIVE
from predictor.scoring.replay import NothingToReplay, replay
from predictor.scoring.rows import score_rows
from predictor.serving.service import service
from tests.test_erasure import dump_tables
from tests.test_retention import record_outcomes
from tests.training import train

pytestmark = pytest.mark.django_db

# Far outside of what the model has seen, so that it is in the warning, too.
SECRET = 71609.15243


@pytest.fixture
def hiding(models_dir, db):
    """A version of the line whose input is sensitive."""
    return make_sensitive(models_dir, "hash")


def make_sensitive(models_dir, how):
    recipe = models_dir / "line" / "model.toml"
    recipe.write_text(recipe.read_text().replace("[features.x]", f'[features.x]\nsensitive = "{how}"'))
    return train(models_dir, "line")


def predict(value=SECRET):
    runtime = service.get_runtime("line")
    [prediction] = service.predict(runtime, [runtime.schema.parse({"x": value})], Prediction.Source.FORM)
    return prediction


@pytest.mark.both_databases
@pytest.mark.parametrize(("how", "hashed"), [("hash", {"x"}), ("drop", set())])
def test_the_model_gets_the_value_and_no_table_does(models_dir, how, hashed):
    make_sensitive(models_dir, how)
    assert predict().output > SECRET
    assert [row for _, row in dump_tables() if str(SECRET) in row] == []
    kept = Prediction.objects.get()
    assert kept.inputs == {}
    assert kept.warnings == ["x: this value, which is not kept, is unlike the training data."]
    assert (kept.hashed_inputs or {}).keys() == hashed


def test_no_page_shows_the_value_again(hiding, client, admin_client):
    posted = client.post("/line/", {"x": SECRET}, HTTP_HX_REQUEST="true")
    address = Prediction.objects.get().get_absolute_url()
    others = [client.get(f"{address}{page}", follow=True) for page in ("", "examples/", "inputs/", "try/", "compare/")]
    admins = [admin_client.get(f"/admin/predictor/prediction/{page}") for page in ("", "?model=line")]
    admins.append(admin_client.get(f"/admin/predictor/prediction/{Prediction.objects.get().id}/change/"))
    for response in (posted, *others, *admins):
        assert response.status_code in (200, 404), response.request
        assert str(SECRET) not in response.content.decode()
        assert "71,609" not in response.content.decode()
    assert "not kept" in posted.content.decode()
    assert "not kept" in admins[-1].content.decode()


def test_the_api_gives_a_warning_without_the_value(hiding, client):
    body = json.dumps({"inputs": {"x": SECRET}})
    answered = client.post("/api/v1/models/line/predict", body, content_type="application/json")
    assert "which is not kept" in answered.content.decode()
    assert str(SECRET) not in answered.content.decode()


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_rows_that_are_scored_store_no_value(models_dir):
    make_sensitive(models_dir, "hash")
    runtime = service.get_runtime("line")
    list(score_rows(runtime, [runtime.schema.parse({"x": SECRET})], Prediction.Source.CSV))
    given = models_dir / "given.csv"
    given.write_text(f"x\n{SECRET}\n5\n")
    call_command("score", "line", given, models_dir / "made.csv", stderr=io.StringIO())
    stored = list(Prediction.objects.order_by("created_at"))
    assert [each.inputs for each in stored] == [{}] * 3
    assert [each.hashed_inputs["x"] for each in stored[:2]] == list_hashes("x", SECRET) * 2
    assert str(SECRET) not in "".join(each.warnings[0] for each in stored if each.warnings)


@pytest.mark.both_databases
def test_equal_values_have_equal_hashes_and_former_keys_still_find_them(models_dir, db, settings, capsys):
    make_sensitive(models_dir, "hash")
    former = settings.SECRET_KEY
    first = predict()
    settings.INPUT_HASH_KEY, settings.INPUT_HASH_KEY_FALLBACKS = "n" * 64, [former]
    second, other = predict(), predict(5)
    hashes = [each.hashed_inputs["x"] for each in (first, second, other)]
    assert len(set(hashes)) == 3
    assert list_hashes("x", SECRET) == [hashes[1], hashes[0]]
    assert hash_input("y", SECRET, former) != hashes[0]
    call_command("forget", "--model", "line", "--where", f"x={SECRET}", "--format", "json")
    assert json.loads(capsys.readouterr().out)[0]["predictions"] == 2
    assert list(Prediction.objects.without_forgotten()) == [other]


def test_what_is_dropped_finds_no_prediction_and_that_is_said(models_dir, db):
    make_sensitive(models_dir, "drop")
    with pytest.raises(CommandError, match="Nothing is stored of x, by which predictions could be found"):
        call_command("forget", "--model", "line", "--where", "x=5")


def test_hidden_inputs_are_neither_repeated_nor_trained_on_and_that_is_said(hiding, models_dir, capsys):
    record_outcomes(predict(), 5)
    with pytest.raises(NothingToReplay, match="keeps sensitive inputs of no prediction"):
        replay(service.get_runtime("line"), 10)
    call_command("retrain", "line", "--with-outcomes", "--dry-run")
    assert "x is sensitive, and not kept" in capsys.readouterr().err


def test_builds_that_would_store_the_value_refuse_such_a_version(hiding):
    for artifact in Artifact.objects.filter(version=hiding):
        assert json.loads(artifact.manifest_2)["format"] == FORMAT_OF_SENSITIVE
        assert artifact.manifest == ""
    assert Version.objects.get(id=hiding.id).parsed_schema == hiding.parsed_schema


def test_monitoring_says_nothing_of_a_hidden_input_and_judges_the_rest(models_dir, db):
    make_sensitive(models_dir, "drop")
    runtime = service.get_runtime("line")
    service.predict(runtime, [runtime.schema.parse({"x": x / 25}) for x in range(250)], Prediction.Source.API)
    found = watch("line", timedelta(days=1), timezone.now() + timedelta(minutes=1))
    assert (found.predictions, found.drift.rows) == (250, 250)
    assert {(each.name, each.part) for each in found.drift.shifts} == {("y", "output")}
