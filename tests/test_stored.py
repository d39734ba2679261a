"""Rows and artifacts that earlier builds have stored go on being served, read, judged and recorded.

`tests/stored/` holds what the build of a day wrote into an empty database, by Django's dumpdata: both shipped models, a
version that was kept back, predictions and, later, imported models, compiled models and outcomes.
"""

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from predictor.lifecycle.retraining import RetrainRequest, retrain_model
from predictor.models import Outcome, Prediction, Promotion, Site, Version
from predictor.registry import versions
from predictor.registry.artifact import find_libraries
from predictor.registry.rollback import roll_back
from predictor.serving.service import service

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

STORED = Path(__file__).parent / "stored"
KEY = "a key that signs nothing but what tests/stored/ holds, 2026"


@pytest.fixture(params=sorted(file.name for file in STORED.iterdir()))
def stored(request, settings, models_dir):
    settings.MODEL_SIGNING_KEY = KEY
    Site.objects.all().delete()  # It is made anew, as in a database that held artifacts before it was migrated.
    call_command("loaddata", STORED / request.param, verbosity=0)


@pytest.mark.usefixtures("stored")
def test_each_live_version_gives_the_answers_that_it_gave():
    for prediction in Prediction.objects.select_related("version"):
        runtime = service.get_runtime(prediction.version.model)
        assert runtime.version.id == prediction.version_id
        row = runtime.schema.parse(prediction.inputs)
        [answer], _ = runtime.answer([row])
        assert answer.output == pytest.approx(prediction.output)


@pytest.mark.usefixtures("stored")
def test_every_page_of_what_is_stored_is_shown(client):
    addresses = [prediction.get_absolute_url() for prediction in Prediction.objects.all()]
    for version in Version.objects.all():
        addresses += [version.get_absolute_url(), f"/about/{version.model}/", f"/{version.model}/"]
    assert len(addresses) > 10
    assert {address: client.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 200)


@pytest.mark.usefixtures("stored")
def test_every_admin_page_of_what_is_stored_is_shown(admin_client):
    addresses = []
    for model in (Prediction, Version, Promotion, Outcome):
        name = model._meta.model_name
        addresses += [f"/admin/predictor/{name}/"]
        addresses += [f"/admin/predictor/{name}/{row.pk}/change/" for row in model.objects.all()]
    assert {address: admin_client.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 200)


@pytest.mark.usefixtures("stored")
def test_a_stored_version_is_promoted_and_rolled_back():
    live, kept_back = Version.objects.find_live("line"), Version.objects.get(model="line", number=2)
    versions.promote(kept_back, by="tests", reason="a test")
    assert Version.objects.find_live("line") == kept_back
    roll_back("line", by="tests", reason="a test")
    assert Version.objects.find_live("line") == live


@pytest.mark.usefixtures("stored")
def test_a_stored_champion_is_compared_with_a_challenger(capsys):
    call_command("retrain", "line", "penguins", force=True)
    judged = {version.model: version.decision for version in Version.objects.order_by("id")}
    for model in ("line", "penguins"):
        assert judged[model]["champion"] == 1, capsys.readouterr()
        assert judged[model]["verdict"] not in ("cannot compare", "unopposed")


@pytest.mark.usefixtures("stored")
def test_unchanged_data_register_nothing_next_to_a_stored_version(models_dir):
    recipe, live = models_dir / "line" / "model.toml", Version.objects.find_live("line")
    # A new description or translation alone is a new version, and so is another Python or numpy.
    as_then = f'description = "{live.description}"'
    untranslated = recipe.read_text().partition("[translations")[0]
    recipe.write_text(re.sub(r"^description = .*$", as_then, untranslated, flags=re.MULTILINE))
    Version.objects.filter(id=live.id).update(libraries=find_libraries())
    request = RetrainRequest(slug="line", by="tests")
    done = retrain_model(models_dir, request, lambda line, **done: None)
    assert (done.version, done.promoted, done.decision) == (None, False, None)
    assert "version 1, which is live: nothing to register" in done.reason


@pytest.mark.usefixtures("stored")
def test_an_outcome_is_recorded_for_a_stored_prediction_and_trained_on(admin_client):
    prediction = Prediction.objects.filter(version__model="line").order_by("id").first()
    assert admin_client.post(f"/predictions/{prediction.id}/outcome/", {"outcome": "12"}).status_code == 303
    call_command("retrain", "line", with_outcomes=True, force=True)
    assert Version.objects.order_by("-id").first().data["outcomes"]["used"] >= 1
