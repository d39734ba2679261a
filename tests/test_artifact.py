import pickle
import warnings
from dataclasses import replace
from hashlib import sha256

import pytest
from sklearn.linear_model import LinearRegression

from predictor.exceptions import (
    ArtifactError,
    BadSignature,
    DamagedArtifact,
    RetiredFormat,
    UntrustedArtifact,
    WrongFormat,
    WrongLibraries,
    WrongPlace,
)
from predictor.registry import artifact, manifest
from predictor.registry.manifest import Identity, open_manifest, write_manifest
from predictor.registry.signatures import sign_manifest
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target

SCHEMA = Schema(
    features=(make_feature(name="x", kind="number", label="x"),),
    target=Target(name="y", label="y", task="regression"),
)
LINE_1 = Identity(database="here", model="line", number=1, kind="pickle")
INTERVAL = {"radius": 1.5, "rows": 39, "approximate": False}
DATA = pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))


def build(data, **signed):
    given = {"interval": INTERVAL, "libraries": artifact.find_libraries()} | signed
    return manifest.build_manifest(LINE_1, SCHEMA, size=len(data), sha256=sha256(data).hexdigest(), **given)


def load(data):
    return artifact.load_pickle(build(data), data)


def sign(content):
    """The content as text, with its signature."""
    return write_manifest(content), sign_manifest(write_manifest(content))


@pytest.fixture
def signed():
    return sign(build(DATA))


def test_a_signed_manifest_opens(signed):
    content = open_manifest(*signed, LINE_1)
    assert Schema.from_json(content["schema"]) == SCHEMA
    assert content["interval"] == INTERVAL
    artifact.verify_bytes(content, DATA)


def test_the_manifest_names_all_that_is_signed(signed):
    first = {"format", "model", "number", "kind", "schema", "libraries", "code", "size", "sha256"}
    content = open_manifest(*signed, LINE_1)
    assert set(content) == first | {"database", "interval"}
    assert set(manifest.reduce_manifest(content)) == first


def test_format_1_and_format_2_come_from_each_other():
    content = build(DATA)
    reduced = manifest.reduce_manifest(content)
    assert reduced["format"] == 1
    assert manifest.extend_manifest(reduced, database="here", interval=INTERVAL) == content


def test_changed_bytes_are_damage(signed):
    content = open_manifest(*signed, LINE_1)
    with pytest.raises(DamagedArtifact):
        artifact.verify_bytes(content, DATA[:-1] + b"\x00")


@pytest.mark.parametrize(
    "change",
    [
        ('"number":1', '"number":2'),
        ('"kind":"number"', '"kind":"integer"'),
        ('"radius":1.5', '"radius":0.5'),
        ('"database":"here"', '"database":"there"'),
        ("", " "),
    ],
)
def test_a_changed_manifest_is_not_signed(signed, change):
    text, signature = signed
    assert change[0] in text
    with pytest.raises(BadSignature):
        open_manifest(text.replace(*change, 1), signature, LINE_1)


@pytest.mark.parametrize("signature", ["", "0" * 64, "é"])
def test_a_wrong_signature_is_refused(signed, signature):
    with pytest.raises(BadSignature):
        open_manifest(signed[0], signature, LINE_1)


@pytest.mark.parametrize(
    "change", [{"database": "there"}, {"model": "other"}, {"number": 2}, {"kind": "onnx"}], ids=lambda change: [*change]
)
def test_signed_bytes_cannot_move_to_another_place(signed, change):
    with pytest.raises(WrongPlace):
        open_manifest(*signed, replace(LINE_1, **change))


def test_the_secret_key_signs_no_artifact(signed, settings):
    with pytest.raises(BadSignature):
        open_manifest(signed[0], sign_manifest(signed[0], settings.SECRET_KEY), LINE_1)


def test_a_rotated_key_still_verifies_and_a_retired_one_does_not(signed, settings):
    old = settings.MODEL_SIGNING_KEY
    settings.MODEL_SIGNING_KEY = "a new key"
    with pytest.raises(BadSignature):
        open_manifest(*signed, LINE_1)
    settings.MODEL_SIGNING_KEY_FALLBACKS = ["an older one still", old]
    assert open_manifest(*signed, LINE_1)


def test_another_scikit_learn_is_refused_before_anything_is_loaded():
    content = build(DATA)
    content["libraries"]["scikit-learn"] = "0.9"
    with pytest.raises(WrongLibraries, match=r"0\.9.*retrain"):
        artifact.check_usable(content)


def test_a_library_that_is_not_installed_is_named_before_anything_is_loaded():
    libraries = {**artifact.find_libraries(), "vanished-library": "1.0"}
    with pytest.raises(WrongLibraries, match=r"needs vanished-library, .* not installed here: add vanished-library to"):
        artifact.check_usable(build(DATA, libraries=libraries))


@pytest.mark.parametrize("format", [1, 99])
def test_another_format_than_the_wanted_one_is_refused(format):
    with pytest.raises(WrongFormat, match=f"format {format}"):
        open_manifest(*sign({**build(DATA), "format": format}), LINE_1)


def test_every_distrust_says_how_to_go_on():
    kinds = [*UntrustedArtifact.__subclasses__(), RetiredFormat]
    assert len({kind.remedy for kind in kinds} - {""}) == 4


def test_a_pickle_that_names_another_scikit_learn_inside_is_refused():
    state = pickle.dumps(LinearRegression(), protocol=5)
    import sklearn

    old = state.replace(sklearn.__version__.encode(), b"0" * len(sklearn.__version__))
    assert old != state
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # As on the site, where no warning is an error by itself.
        with pytest.raises(WrongLibraries):
            load(old)


@pytest.mark.parametrize("data", [b"", b"not a pickle", pickle.dumps(len)[:-3]])
def test_what_cannot_be_unpickled_says_so(data):
    with pytest.raises(ArtifactError, match="cannot be unpickled"):
        load(data)
