import sys
import threading
import time

import numpy as np
import pytest
from django.db import connection, transaction

from predictor.exceptions import ArtifactError, BadSignature, DamagedArtifact, WrongCode, WrongPlace
from predictor.lifecycle.retraining import RetrainRequest, retrain_model
from predictor.models import Artifact, ArtifactChunk, Promotion, Version
from predictor.registry import versions as registry
from predictor.registry.packing import pack_model
from predictor.serving.runtime import load_runtime
from tests.training import keep_quiet, train

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


class Bomb:
    """Unpickling this would tell."""

    went_off = False

    def __reduce__(self):
        return setattr, (Bomb, "went_off", True)


def move_pickle():
    Artifact.objects.filter(kind="onnx").delete()
    Artifact.objects.update(kind="onnx")


def test_a_rollback_is_one_more_promotion(models_dir, line):
    second = train(models_dir, "line")
    promotion = registry.promote(line, by="ada", reason="the new one is worse")

    assert (promotion.version, promotion.previous, promotion.promoted_by) == (line, second, "ada")
    assert Version.objects.live().get() == line
    assert Promotion.objects.count() == 3


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda: ArtifactChunk.objects.update(data=b"spoilt"), DamagedArtifact),
        (lambda: ArtifactChunk.objects.all().delete(), DamagedArtifact),
        (lambda: Artifact.objects.update(signature="0" * 64), BadSignature),
        (lambda: move_pickle(), DamagedArtifact),
        (lambda: Version.objects.update(number=7), WrongPlace),
        (lambda: Version.objects.update(model="other"), WrongPlace),
    ],
)
def test_a_spoilt_artifact_is_neither_loaded_nor_promoted(line, spoil, error):
    spoil()
    line.refresh_from_db()
    with pytest.raises(error):
        load_runtime(line)
    with pytest.raises(error):
        registry.promote(line, by="ada", reason="try")
    assert Promotion.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_version_that_is_pruned_while_somebody_promotes_it_does_not_go_live(models_dir):
    live = train(models_dir, "line")
    done = retrain_model(models_dir, RetrainRequest(slug="line", by="tests", mode="never", force=True), keep_quiet)
    other, refused = Version.objects.get(number=done.version), []

    def promote():
        try:
            registry.promote(other, by="ada", reason="try")
        except DamagedArtifact:
            refused.append(other)
        finally:
            connection.close()

    thread = threading.Thread(target=promote)
    with transaction.atomic():
        registry.lock_registry()
        thread.start()
        time.sleep(0.5)  # Enough to look at the artifact, if it does so before its turn.
        ArtifactChunk.objects.filter(artifact__version=other).delete()
        Artifact.objects.filter(version=other).delete()
    thread.join()
    assert refused == [other]
    assert Version.objects.find_live("line") == live


def test_other_bytes_are_never_unpickled(line):
    ArtifactChunk.objects.all().delete()
    for number, data in enumerate(pack_model(Bomb()).chunks):
        ArtifactChunk.objects.create(artifact=line.artifacts.get(kind="pickle"), number=number, data=data)

    with pytest.raises(ArtifactError):
        load_runtime(line)
    assert not Bomb.went_off


def test_what_is_served_is_parsed_by_the_signed_schema(line):
    signed = load_runtime(line).schema
    line.schema["features"][0]["minimum"] = 99.0
    line.save()
    assert load_runtime(line).schema == signed


def test_a_large_artifact_is_stored_in_chunks_of_1_mb(models_dir, db):
    recipe = models_dir / "line/model.toml"
    recipe.write_text(recipe.read_text().replace("linear_model.LinearRegression", "ensemble.ExtraTreesRegressor"))
    (models_dir / "line/data.csv").write_text("x,y\n" + "".join(f"{x / 7},{x * x % 101}\n" for x in range(4000)))
    version = train(models_dir, "line")

    sizes = [len(bytes(chunk.data)) for chunk in version.artifacts.get(kind="pickle").chunks.all()]
    assert len(sizes) > 3
    assert set(sizes[:-1]) == {1_000_000}
    assert len(load_runtime(version).predict(np.array([[1.0], [2.0]]))) == 2


@pytest.mark.django_db(transaction=True)
def test_registering_inside_a_transaction_is_refused(models_dir):
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        train(models_dir, "line")


def write_pipeline(models_dir, power):
    (models_dir / "line/pipeline.py").write_text(
        "from sklearn.base import BaseEstimator, RegressorMixin\n\n"
        "class Power(RegressorMixin, BaseEstimator):\n"
        "    def fit(self, X, y): return self\n"
        f"    def predict(self, X): return X[:, 0] ** {power}\n\n"
        "def build(schema): return Power()\n"
    )


def test_a_version_is_served_only_beside_the_pipeline_py_that_it_was_made_with(models_dir, db, monkeypatch):
    monkeypatch.syspath_prepend(models_dir.parent)
    write_pipeline(models_dir, 2)
    first = train(models_dir, "line")
    square = load_runtime(first)
    write_pipeline(models_dir, 3)
    with pytest.raises(WrongCode, match=r"another pipeline\.py"):
        load_runtime(first)

    cube = load_runtime(train(models_dir, "line"))
    matrix = np.array([[10.0]])
    assert (square.predict(matrix)[0].output, cube.predict(matrix)[0].output) == (100.0, 1000.0)


def test_a_worker_that_has_imported_an_older_pipeline_py_imports_the_new_one(models_dir, db, monkeypatch):
    monkeypatch.syspath_prepend(models_dir.parent)
    write_pipeline(models_dir, 2)
    load_runtime(train(models_dir, "line"))
    stale = sys.modules["ml_models.line.pipeline"]
    write_pipeline(models_dir, 3)
    second = train(models_dir, "line")
    sys.modules["ml_models.line.pipeline"] = stale  # As in a worker, which did not train it.

    assert load_runtime(second).predict(np.array([[2.0]]))[0].output == 8.0
