import pickle

import numpy as np
import pytest
from django.db import transaction

from predictor.exceptions import ArtifactError, BadSignature, DamagedArtifact, WrongPlace
from predictor.models import Artifact, ArtifactChunk, Promotion, Version
from predictor.serving import registry
from predictor.serving.runtime import load_runtime
from tests.training import train

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


class Bomb:
    """Unpickling this would tell."""

    went_off = False

    def __reduce__(self):
        return setattr, (Bomb, "went_off", True)


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
        (lambda: Artifact.objects.update(kind="onnx"), DamagedArtifact),
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


def test_other_bytes_are_never_unpickled(line):
    ArtifactChunk.objects.all().delete()
    for number, data in enumerate(registry.split_chunks(pickle.dumps(Bomb()))):
        ArtifactChunk.objects.create(artifact=line.artifacts.get(), number=number, data=data)

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

    sizes = [len(bytes(chunk.data)) for chunk in version.artifacts.get().chunks.all()]
    assert len(sizes) > 3
    assert set(sizes[:-1]) == {1_000_000}
    assert len(load_runtime(version).predict(np.array([[1.0], [2.0]]))) == 2


@pytest.mark.django_db(transaction=True)
def test_registering_inside_a_transaction_is_refused(models_dir):
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        train(models_dir, "line")
