import os
import pickle
import subprocess
import sys
import tracemalloc
import zlib
from hashlib import sha256

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from predictor.exceptions import DamagedArtifact, ModelTooLarge
from predictor.lifecycle.candidate import describe_candidate
from predictor.lifecycle.judgement import LiveModel, is_same, judge_challenger
from predictor.lifecycle.retraining import RetrainRequest, retrain_model, train_model
from predictor.models import Artifact, ArtifactChunk, Version
from predictor.registry import versions as registry
from predictor.registry.packing import check_lengths, join_chunks, pack_bytes, pack_model
from tests.conftest import ROOT
from tests.training import keep_quiet

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "model",
    [
        {"small": 1},
        RANDOM.bytes(999_999),
        RANDOM.bytes(3_000_001),
        RANDOM.random((700, 500)),
        np.asfortranarray(RANDOM.random((700, 500))),
        "text" * 5_000_000,
    ],
    ids=["dict", "bytes", "more bytes", "array", "Fortran array", "long text"],
)
def test_what_is_packed_comes_back_to_the_last_bit(model):
    package = pack_model(model)
    pickled = join_chunks(iter(package.chunks), package.size)
    assert max(map(len, package.chunks)) <= 1_000_000
    assert sha256(pickled).hexdigest() == package.sha256
    assert b"".join(package.unpack()) == pickled
    np.testing.assert_equal(pickle.loads(pickled), model)  # noqa: S301  # Our own.


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: c[1:], lambda c: [c[0], c[0], *c[1:]], lambda c: []])
def test_missing_or_doubled_chunks_are_damage(spoil):
    package = pack_model(RANDOM.bytes(3_000_000))
    with pytest.raises(DamagedArtifact):
        join_chunks(iter(spoil(package.chunks)), package.size)


def test_what_unpacks_to_more_than_was_signed_is_damage():
    with pytest.raises(DamagedArtifact):
        join_chunks(iter([zlib.compress(bytes(10_000_000))]), 1000)


def test_a_model_above_the_limit_is_refused_by_its_compressed_size(settings):
    settings.MODEL_MAX_MB = 1
    assert pack_model(bytes(5_000_000)).size > 5_000_000
    with pytest.raises(ModelTooLarge, match=r"larger than 1 MB compressed: .* raise MODEL_MAX_MB"):
        pack_model(RANDOM.bytes(1_000_001))


@pytest.mark.both_databases
@pytest.mark.django_db
def test_nothing_of_a_model_above_the_limit_is_written(models_dir, settings):
    settings.MODEL_MAX_MB = 1
    (models_dir / "line/pipeline.py").write_text(
        "import numpy as np\nfrom sklearn.linear_model import LinearRegression\n\n"
        "class Large(LinearRegression):\n"
        "    def fit(self, X, y):\n"
        "        self.noise_ = np.random.default_rng(0).random(200_000)\n"
        "        return super().fit(X, y)\n\n"
        "def build(schema): return Large()\n"
    )
    with pytest.raises(ModelTooLarge):
        retrain_model(models_dir, RetrainRequest(slug="line", by="tests"), keep_quiet)
    assert not Version.objects.exists()
    assert not Artifact.objects.exists()
    assert not ArtifactChunk.objects.exists()
    assert not (models_dir / "line/model.pkl").exists()


@pytest.mark.django_db
def test_a_large_champion_is_held_in_memory_twice_at_most_while_it_is_compared(models_dir):
    trained = train_model(models_dir, "line", progress=keep_quiet)
    trained.fitted.noise_ = RANDOM.random(2_000_000)
    candidate = describe_candidate(trained)
    champion = registry.register(candidate, judge_challenger(trained, None, "always"), by="tests")
    trained.fitted.noise_ = trained.fitted.noise_ + 1
    other = describe_candidate(trained)
    tracemalloc.start()
    assert is_same(trained, other, LiveModel(version=champion))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = other.package.size
    assert peak < 2.5 * size


@pytest.mark.both_databases
@pytest.mark.django_db
@pytest.mark.parametrize(
    "lengths",
    [[2_000_000], [1] * 1_000, [0] * 1_000, [0, 500], [1_000_000, 1_000_000]],
    ids=lambda x: f"{len(x)}x{x[0]}",
)
def test_chunks_that_cannot_be_those_that_were_stored_are_refused_before_any_is_read(line, lengths):
    artifact = line.artifacts.get(kind="pickle")
    artifact.chunks.all().delete()
    ArtifactChunk.objects.bulk_create(
        ArtifactChunk(artifact=artifact, number=number, data=bytes(length)) for number, length in enumerate(lengths)
    )
    with CaptureQueriesContext(connection) as queries, pytest.raises(DamagedArtifact):
        registry.read_verified(line, "pickle")
    assert all("SELECT" in each["sql"] for each in queries)
    assert not [each["sql"] for each in queries if 'SELECT "predictor_artifactchunk"."data"' in each["sql"]]


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps no text in a column of bytes")
def test_a_chunk_that_is_text_is_damage(line):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE predictor_artifactchunk SET data = 'text'")
    with pytest.raises(DamagedArtifact, match="chunk 0 is text"):
        registry.read_verified(line, "pickle")


@pytest.mark.parametrize("size", [1, 999, 1_000_000, 2_500_000, 20_000_000])
def test_whatever_is_packed_has_lengths_that_are_accepted(size):
    package = pack_bytes(RANDOM.bytes(size))
    lengths = list(map(len, package.chunks))
    check_lengths(package.size, count=len(lengths), total=sum(lengths), shortest=min(lengths), longest=max(lengths))


@pytest.mark.both_databases
@pytest.mark.django_db
def test_a_model_that_was_stored_under_a_larger_limit_still_loads(models_dir, settings):
    trained = train_model(models_dir, "line", progress=keep_quiet)
    trained.fitted.noise_ = RANDOM.random(300_000)
    version = registry.register(describe_candidate(trained), judge_challenger(trained, None, "always"), by="tests")
    settings.MODEL_MAX_MB = 1
    assert registry.read_verified(version, "pickle")


STORE = """
import numpy as np
from django.conf import settings

from predictor.lifecycle.candidate import describe_candidate
from predictor.lifecycle.judgement import judge_challenger
from predictor.lifecycle.retraining import train_model
from predictor.registry import versions as registry
from tests.training import keep_quiet

trained = train_model(settings.MODELS_DIR, "line", progress=keep_quiet)
trained.fitted.noise_ = np.random.default_rng(0).random(12_450_000)  # 99.6 MB that no compression makes smaller
candidate = describe_candidate(trained)
registry.register(candidate, judge_challenger(trained, None, "always"), by="tests")
"""
LOAD = """
from predictor.models import Version
from predictor.serving.runtime import load_comparable

runtime = load_comparable(Version.objects.find_live("line"))
assert runtime.estimator.noise_.nbytes == 99_600_000
[answer] = runtime.predict(runtime.schema.encode([runtime.schema.parse({"x": "5"})]))
"""
PEAK = """
from tests.memory import read_memory

print(int(read_memory("VmHWM")))
"""


def test_a_100_mb_artifact_is_stored_and_loaded_within_512_mb_processes(database_url):
    peaks = []
    for part in (STORE, LOAD):
        code = f"import django\ndjango.setup()\n{part}\n{PEAK}"
        environment = {**os.environ, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "mlsite.settings"}
        done = subprocess.run(  # noqa: S603  # Our own code.
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    assert max(peaks) < 512, peaks
    assert Artifact.objects.get(kind="pickle").size > 99_600_000
