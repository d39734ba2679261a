"""A retrain, from the command to what every worker serves."""

import json
import re
import threading
import time
from datetime import timedelta
from hashlib import sha256

import pytest
from django.core.management import call_command

from predictor.exceptions import TrainingError
from predictor.lifecycle.candidate import describe_candidate
from predictor.lifecycle.retraining import RetrainRequest, retrain_model, train_model
from predictor.management.registering import write_text
from predictor.models import Artifact, ArtifactChunk, Prediction, Promotion, Version
from predictor.record.decision import Decision
from predictor.registry import versions as registry
from predictor.serving.runtime import load_runtime
from predictor.serving.service import service
from tests.conftest import run_manage
from tests.recipes import use_estimator, write_line
from tests.training import train
from tests.visitor import Visitor


@pytest.mark.both_databases
def test_a_retrain_makes_a_version_that_is_live_signed_and_whole(models_dir, db):
    version = train(models_dir, "line")

    promotion = Promotion.objects.get()
    assert (promotion.version, promotion.previous, promotion.promoted_by) == (version, None, "tests")
    assert version.metrics["method"] == "hold-out"
    assert version.metrics["scores"]["rmse"] < version.metrics["baseline"]["rmse"] / 3
    assert version.split == {"names": ["x"], "share": 0.2}
    assert version.data["sha256"] == sha256((models_dir / "line/data.csv").read_bytes()).hexdigest()
    assert version.data["training_rows"] + version.data["held_out_rows"] == 200
    assert load_runtime(version).schema == version.parsed_schema


def retrain_as_text(capsys, *arguments):
    call_command("retrain", "line", *arguments)
    return capsys.readouterr().out


def test_a_first_version_that_is_surely_worse_than_a_dummy_is_kept_back_until_somebody_promotes_it(
    models_dir, db, capsys
):
    write_line(models_dir, noise=1.0, slope=0.0, seed=1)
    use_estimator(models_dir, "sklearn.tree.DecisionTreeRegressor")
    printed = retrain_as_text(capsys)
    assert "line  version 1  kept back" in printed
    assert re.search(
        r"the first version, but surely worse than the baseline on \d+ rows \(RMSE 1\.\d+ against", printed
    )
    assert 'to make it live anyway: manage.py promote line 1 --reason "…"\n' in printed
    assert Version.objects.find_live("line") is None
    decision = Version.objects.get().decision
    assert (decision["verdict"], decision["rows"], decision["champion"]) == ("worse than the baseline", 0, None)
    assert decision["gain_over_baseline"]["high"] < 0
    call_command("promote", "line", "1", reason="it will do")
    assert Version.objects.find_live("line").number == 1


def test_a_first_version_that_is_surely_worse_goes_live_where_the_command_says_always(models_dir, db, capsys):
    write_line(models_dir, noise=1.0, slope=0.0, seed=1)
    use_estimator(models_dir, "sklearn.tree.DecisionTreeRegressor")
    printed = retrain_as_text(capsys, "--promote", "always")
    assert "as requested: always; otherwise the first version, but surely worse than the baseline" in printed
    assert Version.objects.find_live("line").number == 1


def test_a_first_version_that_is_not_surely_worse_goes_live_with_a_warning(models_dir, db, capsys):
    write_line(models_dir, noise=1.0, slope=0.0)
    printed = retrain_as_text(capsys)
    assert "the first version; WARNING: it does not beat the baseline" in printed
    assert Version.objects.find_live("line").number == 1


@pytest.mark.both_databases
def test_the_exported_pickle_is_the_very_bytes_that_are_signed(models_dir, db):
    version = train(models_dir, "line")

    exported = (models_dir / "line/model.pkl").read_bytes()
    assert sha256(exported).hexdigest() == version.artifacts.get(kind="pickle").sha256
    assert sorted(path.name for path in (models_dir / "line").iterdir()) == ["data.csv", "model.pkl", "model.toml"]


def test_the_same_data_recipe_seed_and_libraries_give_the_same_predictions(models_dir, db):
    recipe = models_dir / "penguins/model.toml"
    forest = recipe.read_text().replace("linear_model.LogisticRegression", "ensemble.RandomForestClassifier")
    recipe.write_text(forest.replace("max_iter = 1000", "n_estimators = 20"))
    first, second = (load_runtime(train(models_dir, "penguins")) for _ in range(2))

    row = first.schema.parse({"island": "Dream", "year": 2008, "bill_length_mm": 45, "bill_depth_mm": 17})
    matrix = first.schema.encode([row])
    assert first.predict(matrix) == second.predict(matrix)


@pytest.mark.both_databases
def test_the_next_version_replaces_the_live_one_and_the_log_tells(client, models_dir, line):
    client.post("/", {"x": "5"})
    (models_dir / "line/data.csv").write_text("x,y\n" + "".join(f"{x},{100 * x}\n" for x in range(50)))
    second = train(models_dir, "line")
    service.forget()
    client.post("/", {"x": "5"})

    assert second.number == 2
    assert Promotion.objects.first().previous == line
    assert [p.version.number for p in Prediction.objects.order_by("id")] == [1, 2]
    assert Prediction.objects.first().output == pytest.approx(500)


@pytest.mark.both_databases
def test_the_served_version_changes_within_2_seconds_and_no_request_fails(serve, models_dir, database_url):
    train(models_dir, "line")
    server = serve(WEB_CONCURRENCY="2").wait_until("/readyz")
    statuses, stop = [], threading.Event()

    def keep_asking():
        visitor = Visitor(server.address)
        while not stop.wait(0.1):  # So that the retrain has time, too.
            statuses.append(visitor.post_form("/", {"x": "5"}).status)

    visitors = [threading.Thread(target=keep_asking) for _ in range(2)]
    for visitor in visitors:
        visitor.start()
    done = run_manage(
        "retrain", "line", "--promote", "always", "--force", "--format", "json", DATABASE_URL=database_url
    )
    served = Prediction.objects.filter(version__number=2)
    deadline = time.monotonic() + 60
    while not served.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)
    stop.set()
    for visitor in visitors:
        visitor.join()

    assert json.loads(done.stdout)[0]["version"] == 2, done.stderr
    assert set(statuses) == {200}
    promoted_at = Promotion.objects.first().promoted_at
    answered = {number: Prediction.objects.filter(version__number=number) for number in (1, 2)}
    assert answered[1].exists()
    assert answered[2].exists()
    assert not answered[1].filter(created_at__gt=promoted_at + timedelta(seconds=2)).exists()


def test_with_if_better_a_better_challenger_goes_live_and_a_worse_one_is_kept_back(models_dir, db):
    write_line(models_dir, 1.0)
    use_estimator(models_dir, "sklearn.dummy.DummyRegressor")
    assert "does not beat the baseline" in retrain(models_dir).reason
    use_estimator(models_dir, "sklearn.linear_model.LinearRegression")
    better = retrain(models_dir)
    use_estimator(models_dir, "sklearn.tree.ExtraTreeRegressor")
    worse = retrain(models_dir)

    assert (better.version, better.promoted) == (2, True)
    assert better.reason.startswith("better than version 1: RMSE gains on ")
    assert (worse.version, worse.promoted) == (3, False)
    assert worse.reason.startswith("worse than version 2")
    assert Version.objects.live().get().number == 2
    assert Version.objects.get(number=3).decision["verdict"] == "worse"
    assert Version.objects.get(number=3).decision["reason"] == worse.reason


def test_with_if_better_the_same_answers_register_nothing_unless_forced(models_dir, line):
    again = retrain(models_dir)
    assert (again.version, again.promoted) == (None, False)
    assert again.reason == "predicts as version 1, which is live: nothing to register"
    assert Version.objects.count() == 1

    forced = retrain(models_dir, force=True)
    assert (forced.version, forced.promoted) == (2, False)
    assert forced.reason.startswith("cannot tell with 39 rows")


def test_a_changed_title_is_registered_although_the_answers_are_the_same(models_dir, line):
    recipe = models_dir / "line/model.toml"
    recipe.write_text(recipe.read_text().replace("A straight line", "The line"))
    assert retrain(models_dir).version == 2


def test_other_data_are_registered_although_the_answers_are_the_same(models_dir, line):
    table = models_dir / "line/data.csv"
    table.write_text(table.read_text() + "\n")
    assert retrain(models_dir).version == 2


def test_other_libraries_are_registered_although_the_answers_are_the_same(models_dir, line):
    Version.objects.update(libraries={**line.libraries, "numpy": "1.0"})
    assert retrain(models_dir).version == 2


@pytest.mark.parametrize(("mode", "promoted"), [("always", True), ("never", False)])
def test_what_is_told_overrules_the_gate_and_the_log_says_so(models_dir, line, mode, promoted):
    done = retrain(models_dir, mode=mode, force=True)
    assert done.promoted == promoted
    assert Version.objects.live().get().number == (2 if promoted else 1)
    if promoted:
        assert done.reason.startswith("as requested: always; otherwise cannot tell")


def test_with_nothing_held_out_versions_cannot_be_compared(models_dir, line):
    recipe = models_dir / "line/model.toml"
    recipe.write_text("holdout = 0\n" + recipe.read_text())
    done = retrain(models_dir)
    assert not done.promoted
    cause = "cannot compare: this version has no hold-out"
    step = "set holdout in the recipe, or promote this version by hand if it is to replace the live one"
    assert done.reason == f"{cause}; next, {step}"
    assert 'to make it live anyway: manage.py promote line 2 --reason "…"' in write_text([done])
    as_requested = retrain(models_dir, mode="always", force=True)
    assert as_requested.reason == f"as requested: always; otherwise {cause}"


def test_a_live_version_that_cannot_be_loaded_is_no_champion(models_dir, line):
    ArtifactChunk.objects.all().delete()
    done = retrain(models_dir)
    assert (done.version, done.promoted) == (2, True)
    assert done.reason.startswith("version 1 is live but cannot be loaded: ")


def test_a_live_version_that_is_only_not_trusted_here_is_left_alone(models_dir, line):
    Artifact.objects.update(signature="0" * 64)
    done = retrain(models_dir)
    assert not done.promoted
    assert done.reason.startswith("cannot compare: version 1 is not trusted: its manifest is not signed")
    assert (
        "; next, set MODEL_SIGNING_KEY, or one of MODEL_SIGNING_KEY_FALLBACKS, to the key that signed it" in done.reason
    )
    assert done.reason.endswith("; or replace it, by a retrain with --replace-untrusted")


def test_after_versions_that_were_all_kept_back_the_next_is_not_called_the_first(models_dir, db):
    assert not retrain(models_dir, mode="never").promoted
    done = retrain(models_dir)
    assert (done.version, done.promoted, done.reason) == (2, True, "no version was live")


def test_a_champion_that_cannot_answer_new_rows_does_not_keep_its_successor_away(models_dir, db):
    write_line(models_dir, 0.1)
    use_estimator(models_dir, "sklearn.linear_model.PoissonRegressor")
    retrain(models_dir)
    rows = "".join(f"{10_000 + x},5\n" for x in range(100))
    with (models_dir / "line/data.csv").open("a") as table:
        table.write(rows)
    use_estimator(models_dir, "sklearn.tree.DecisionTreeRegressor")
    done = retrain(models_dir)
    assert done.reason.startswith("cannot compare: ")
    assert retrain(models_dir, mode="always").promoted


def test_code_that_changes_during_the_training_is_not_registered(models_dir, db, monkeypatch):
    monkeypatch.syspath_prepend(models_dir.parent)
    pipeline = models_dir / "line/pipeline.py"
    pipeline.write_text(
        "from pathlib import Path\nfrom sklearn.linear_model import LinearRegression\n\n"
        "def build(schema):\n"
        "    Path(__file__).write_text(Path(__file__).read_text() + '# changed')\n"
        "    return LinearRegression()\n"
    )
    with pytest.raises(TrainingError, match="was changed during the training"):
        retrain(models_dir)
    assert not Version.objects.exists()


@pytest.mark.parametrize(("force", "version", "says"), [(True, 3, "beats version 2"), (False, None, "predicts as")])
def test_a_champion_that_changed_meanwhile_is_judged_against_again(models_dir, line, force, version, says):
    def promote_another(line, **how):
        if line == "line: drawing its report":  # The challenger has been judged by now, against version 1.
            train(models_dir, "line")

    write_line(models_dir, 1.0)
    done = retrain_model(models_dir, RetrainRequest(slug="line", by="tests", force=force), promote_another)
    assert Version.objects.live().get().number == 2
    assert (done.version, done.promoted) == (version, False)
    assert says in done.reason
    assert {each.decision["champion"] for each in Version.objects.filter(number=3)} == ({2} if force else set())


@pytest.mark.both_databases
def test_what_was_judged_against_another_champion_is_not_registered(models_dir, line):
    other = train(models_dir, "line")
    candidate = make_candidate(models_dir)
    stale = registry.Judgement(promoted=True, reason="stale", champion_id=line.id, decision=Decision())
    assert registry.register(candidate, stale, by="tests") is None
    assert Version.objects.live().get() == other
    assert Version.objects.count() == 2


def retrain(models_dir, mode="if-better", **options):
    return retrain_model(models_dir, RetrainRequest(slug="line", by="tests", mode=mode, **options), lambda line: None)


def make_candidate(models_dir):
    return describe_candidate(train_model(models_dir, "line", progress=lambda line: None))


@pytest.mark.both_databases
def test_the_report_is_stored_with_its_version(models_dir, db):
    version = train(models_dir, "line")
    assert [figure.name for figure in version.figures.all()] == ["predictions", "residuals"]
    assert 0 < version.report["fit_seconds"] < version.report["seconds"]
    assert version.report["importances"]["metric"] == "rmse"
    again = train(models_dir, "line")
    assert [figure.svg for figure in again.figures.all()] == [figure.svg for figure in version.figures.all()]


def test_what_registers_nothing_is_not_reported_on(models_dir, line):
    lines = []
    for dry_run in (False, True):
        retrain_model(models_dir, RetrainRequest(slug="line", by="tests", dry_run=dry_run, force=dry_run), lines.append)
    assert Version.objects.count() == 1
    assert not [line for line in lines if "report" in line]
