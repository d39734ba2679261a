"""A retrain, from the command to what every worker serves."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from hashlib import sha256

import pytest

from predictor.models import Artifact, ArtifactChunk, Prediction, Promotion, Version
from predictor.serving.runtime import load_runtime
from predictor.serving.service import service
from tests.conftest import ROOT, run_manage
from tests.training import train
from tests.visitor import Visitor

pytestmark = pytest.mark.both_databases

KILLS = 10


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


def test_the_exported_pickle_is_the_very_bytes_that_are_signed(models_dir, db):
    version = train(models_dir, "line")

    exported = (models_dir / "line/model.pkl").read_bytes()
    assert sha256(exported).hexdigest() == version.artifacts.get().sha256
    assert sorted(path.name for path in (models_dir / "line").iterdir()) == ["data.csv", "model.pkl", "model.toml"]


def test_the_same_data_recipe_seed_and_libraries_give_the_same_predictions(models_dir, db):
    recipe = models_dir / "penguins/model.toml"
    forest = recipe.read_text().replace("linear_model.LogisticRegression", "ensemble.RandomForestClassifier")
    recipe.write_text(forest.replace("max_iter = 1000", "n_estimators = 20"))
    first, second = (load_runtime(train(models_dir, "penguins")) for _ in range(2))

    row = first.schema.parse({"island": "Dream", "year": 2008, "bill_length_mm": 45, "bill_depth_mm": 17})
    matrix = first.schema.encode([row])
    assert first.predict(matrix) == second.predict(matrix)


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


def test_the_served_version_changes_within_2_seconds_and_no_request_fails(serve, models_dir, database_url):
    train(models_dir, "line")
    server = serve(WEB_CONCURRENCY="2").wait_until("/readyz")
    statuses, stop = [], threading.Event()

    def keep_asking():
        visitor = Visitor(server.address)
        while not stop.is_set():
            statuses.append(visitor.post_form("/", {"x": "5"}).status)

    visitors = [threading.Thread(target=keep_asking) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    done = run_manage("retrain", "line", "--format", "json", DATABASE_URL=database_url)
    time.sleep(4)
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


def test_a_retrain_killed_at_any_moment_leaves_nothing_half_registered(database_url, models_dir):
    train(models_dir, "line")
    whole = measure_retrain(database_url)
    chosen = random.Random(7)  # noqa: S311  # Nothing secret: moments.
    for _ in range(KILLS):
        process = start_retrain(database_url)
        # Most of the time goes to imports; the end, where it writes, is what matters.
        time.sleep(whole * chosen.uniform(0.5, 1.05))
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert_registry_is_whole()
    assert load_runtime(Version.objects.live().get())


def test_two_retrains_at_once_give_two_whole_versions(database_url, models_dir):
    processes = [start_retrain(database_url) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]

    assert sorted(Version.objects.values_list("number", flat=True)) == [1, 2]
    assert_registry_is_whole()


def start_retrain(database_url):
    return subprocess.Popen(  # Our own command.
        [sys.executable, "manage.py", "retrain", "line"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def measure_retrain(database_url):
    started = time.monotonic()
    assert start_retrain(database_url).wait() == 0
    return time.monotonic() - started


def assert_registry_is_whole():
    versions = Version.objects.order_by("number")
    assert [version.number for version in versions] == list(range(1, len(versions) + 1))
    assert Artifact.objects.count() == Promotion.objects.count() == len(versions)
    assert ArtifactChunk.objects.values("artifact").distinct().count() == len(versions)
    log = Promotion.objects.order_by("id")
    assert [promotion.version.number for promotion in log] == [version.number for version in versions]
    assert [promotion.previous for promotion in log] == [None, *versions][: len(versions)]
    for version in versions:
        load_runtime(version)
