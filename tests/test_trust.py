"""What is trusted, and what a database that earlier builds have written to becomes."""

import json
import sys
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from predictor.exceptions import BadSignature, DamagedArtifact, RetiredFormat, WrongCode, WrongPlace
from predictor.models import Artifact, Promotion, Site, Version
from predictor.registry import versions as registry
from predictor.registry.artifact import load_pickle
from predictor.registry.resigning import resign_artifacts
from predictor.registry.versions import read_verified
from predictor.serving.runtime import load_runtime
from tests.earlier import opens_as_before, store_as_before
from tests.together import run_together
from tests.training import register_shipped, train

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

OTHER_KEY = "b7f1c9e2d4a6083512fedcba98765432aa01bb23cc45dd67ee89ff10213243"


@pytest.fixture
def resign(capsys):
    """Call the command; give what it printed."""

    def call(*arguments, fails=False):
        if fails:
            with pytest.raises(CommandError):
                call_command("resign", *arguments)
        else:
            call_command("resign", *arguments)
        return capsys.readouterr()

    return call


def ask(client):
    body = json.dumps({"inputs": {"x": 5}})
    answer = client.post("/api/v1/models/line/predict", body, content_type="application/json")
    assert answer.status_code == 200
    [prediction] = answer.json()["predictions"]
    return prediction


def test_answers_are_given_with_the_signed_interval(client, line):
    signed = line.interval["radius"]
    Version.objects.update(interval={**line.interval, "radius": 0.001})
    prediction = ask(client)
    low, high = prediction["interval"]
    assert high - low == pytest.approx(2 * signed)


@pytest.mark.parametrize("forged", ["wide", [], {"radius": "1.5"}, {"radius": -1}, {"rows": 3}])
def test_an_interval_that_cannot_be_read_spoils_neither_answers_nor_pages(client, line, forged):
    kept = ask(client)
    Version.objects.update(interval=forged)
    assert ask(client)["interval"] == kept["interval"]
    for page in ("/", f"/predictions/{kept['id']}/", "/about/line/"):
        assert client.get(page).status_code == 200


@pytest.mark.parametrize("forged", ["wide", {"radius": "1.5"}])
def test_of_an_earlier_build_an_interval_that_cannot_be_read_is_damage(line, forged):
    store_as_before(line)
    line.interval = forged
    with pytest.raises(DamagedArtifact, match="its interval cannot be read"):
        load_runtime(line)
    line.save()
    assert resign_artifacts().extended == 0


def test_what_was_signed_in_another_database_is_not_served_in_this_one(line):
    Site.objects.update(uuid=uuid.uuid4())
    with pytest.raises(WrongPlace, match="for another database"):
        load_runtime(line)
    with pytest.raises(WrongPlace):
        registry.promote(line, by="ada", reason="try")


@pytest.mark.django_db(transaction=True)
def test_a_dump_that_is_restored_elsewhere_keeps_its_id_and_is_served(line, tmp_path):
    dump, before = tmp_path / "dump.json", Site.objects.get()
    call_command("dumpdata", "predictor", output=str(dump), verbosity=0)
    call_command("flush", interactive=False, verbosity=0)
    assert Site.objects.find().uuid != before.uuid
    call_command("loaddata", str(dump), verbosity=0)
    assert Site.objects.get() == before
    assert Site.objects.get().uuid == before.uuid
    assert load_runtime(Version.objects.find_live("line"))


@pytest.mark.django_db(transaction=True)
def test_a_database_has_one_id_whoever_asks_first(db):
    Site.objects.all().delete()
    found = run_together([Site.objects.find] * 4)
    assert {site.uuid for site in found} == {Site.objects.get().uuid}


def test_a_new_database_never_accepts_format_1_alone(line):
    store_as_before(line)
    assert load_runtime(line)
    Artifact.objects.all().delete()
    Site.objects.all().delete()
    assert Site.objects.find().strict_since


def test_a_new_build_signs_for_processes_of_the_build_before_too(line):
    assert opens_as_before(line)


def test_what_an_earlier_build_stored_is_served_until_it_is_signed_anew_and_after(line, resign):
    store_as_before(line)
    assert load_runtime(line).interval.radius == line.interval["radius"]
    assert opens_as_before(line)
    assert "2 artifacts were signed in format 2; format 1 alone is refused." in resign().out
    assert opens_as_before(line)
    Version.objects.update(interval={**line.interval, "radius": 0.001})
    assert load_runtime(Version.objects.get()).interval.radius == line.interval["radius"]


def test_signing_anew_twice_changes_nothing_more(line, resign):
    store_as_before(line)
    resign()
    signed, since = list(Artifact.objects.order_by("id").values()), Site.objects.get().strict_since
    assert resign().out == "0 artifacts were signed in format 2; format 1 alone is refused.\n"
    assert list(Artifact.objects.order_by("id").values()) == signed
    assert Site.objects.get().strict_since == since


@pytest.mark.django_db(transaction=True)
def test_two_may_sign_anew_at_once(line):
    store_as_before(line)
    done = run_together([resign_artifacts] * 2)
    assert sorted(each.extended for each in done) == [0, 2]
    assert load_runtime(Version.objects.get())


def test_once_signed_anew_a_version_cannot_fall_back_to_format_1(line, resign):
    store_as_before(line)
    resign()
    Artifact.objects.update(manifest_2="", signature_2="")
    with pytest.raises(RetiredFormat):
        load_runtime(line)
    printed = resign(fails=True)
    assert "line 1 is live but not trusted here: it is signed in format 1 alone" in printed.err
    assert "`manage.py resign --accept-format-1`" in printed.err
    assert Artifact.objects.filter(manifest_2="").count() == 2

    resign("--accept-format-1")
    assert load_runtime(line)


@pytest.mark.parametrize("spoil", [{"signature_2": ""}, {"signature_2": "0" * 64}, {"manifest_2": "{}"}])
def test_a_spoilt_new_signature_is_not_made_up_for_by_the_old_one(line, spoil):
    Site.objects.update(strict_since=None)
    Artifact.objects.update(**spoil)
    with pytest.raises(BadSignature):
        load_runtime(line)


def test_what_an_unknown_key_signed_is_left_alone_and_said(line, resign, settings):
    store_as_before(line)
    before = list(Artifact.objects.order_by("id").values())
    settings.MODEL_SIGNING_KEY = OTHER_KEY
    printed = resign(fails=True)
    assert "line 1 is live but not trusted here: its manifest is not signed" in printed.err
    assert "set MODEL_SIGNING_KEY" in printed.err
    assert "`manage.py retrain line --replace-untrusted`" in printed.err
    assert "2 were left unchanged; format 1 alone is still accepted" in printed.out
    assert list(Artifact.objects.order_by("id").values()) == before


def test_what_is_not_live_and_not_trusted_blocks_nothing(models_dir, line, resign):
    store_as_before(line, key=OTHER_KEY)
    train(models_dir, "line")
    printed = resign()
    assert "line 1 (pickle): its manifest is not signed" in printed.err
    assert "format 1 alone is refused" in printed.out


def test_signing_anew_keeps_the_key_so_that_who_trusted_it_still_does(line, resign, settings):
    store_as_before(line)
    old = settings.MODEL_SIGNING_KEY
    settings.MODEL_SIGNING_KEY, settings.MODEL_SIGNING_KEY_FALLBACKS = OTHER_KEY, [old]
    resign()
    settings.MODEL_SIGNING_KEY, settings.MODEL_SIGNING_KEY_FALLBACKS = old, []
    assert load_runtime(line)


def test_a_rotation_ends_when_all_is_signed_with_the_new_key(models_dir, line, resign, settings):
    store_as_before(line)
    train(models_dir, "line")
    old = settings.MODEL_SIGNING_KEY
    settings.MODEL_SIGNING_KEY, settings.MODEL_SIGNING_KEY_FALLBACKS = OTHER_KEY, [old]
    assert "4 were signed again with MODEL_SIGNING_KEY" in resign("--rotate").out
    assert "0 were signed again with MODEL_SIGNING_KEY" in resign("--rotate").out
    settings.MODEL_SIGNING_KEY_FALLBACKS = []
    for version in Version.objects.all():
        assert load_runtime(version)
        assert opens_as_before(version)


def test_a_rotation_blesses_nothing_that_is_not_trusted(line, resign, settings):
    Artifact.objects.update(signature="0" * 64)
    old = settings.MODEL_SIGNING_KEY
    settings.MODEL_SIGNING_KEY, settings.MODEL_SIGNING_KEY_FALLBACKS = OTHER_KEY, [old]
    resign("--rotate", fails=True)
    assert set(Artifact.objects.values_list("signature", flat=True)) == {"0" * 64}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_artifacts", [True, False])
def test_the_migration_makes_an_id_and_is_strict_only_where_no_earlier_build_has_stored_anything(
    has_artifacts, models_dir
):
    if has_artifacts:
        register_shipped("line")
    try:
        MigrationExecutor(connection).migrate([("predictor", "0002_reports_and_outcomes")])
        assert "predictor_site" not in connection.introspection.table_names()
    finally:
        # With its checks, as on the command line: they must bear that columns are missing.
        call_command("migrate", verbosity=0, skip_checks=False)
    assert (Site.objects.get().strict_since is None) == has_artifacts
    if has_artifacts:
        assert load_runtime(Version.objects.get())


PIPELINE = """
from sklearn.linear_model import LinearRegression

class Own(LinearRegression):
    pass

def build(schema):
    return Own()
"""


def test_the_bytes_of_pipeline_py_that_are_run_are_those_that_were_verified(models_dir, db, monkeypatch):
    monkeypatch.syspath_prepend(models_dir.parent)
    pipeline = models_dir / "line/pipeline.py"
    pipeline.write_text(PIPELINE)
    content, data = read_verified(train(models_dir, "line"), "pickle")
    pipeline.write_text(PIPELINE + "\nraise SystemExit('unsigned code was run')\n")
    monkeypatch.delitem(sys.modules, "ml_models.line.pipeline")
    with pytest.raises(WrongCode):
        load_pickle(content, data)
    assert Promotion.objects.count() == 1
