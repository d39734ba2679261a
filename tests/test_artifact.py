import pickle
import warnings
from hashlib import sha256

import pytest
from sklearn.linear_model import LinearRegression

from predictor.exceptions import ArtifactError, BadSignature, DamagedArtifact, WrongLibraries, WrongPlace
from predictor.schema import Feature, Schema, Target
from predictor.serving import artifact
from predictor.serving.artifact import Identity

SCHEMA = Schema(
    features=(Feature(name="x", kind="number", label="x"),),
    target=Target(name="y", label="y", task="regression"),
)
LINE_1 = Identity(model="line", number=1, kind="pickle")
DATA = pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))


def build(data, **signed):
    return artifact.build_manifest(LINE_1, SCHEMA, size=len(data), sha256=sha256(data).hexdigest(), **signed)


def load(data):
    return artifact.load_pickle(build(data), data)


@pytest.fixture
def manifest():
    return artifact.write_manifest(build(DATA))


def test_a_signed_manifest_opens(manifest):
    content = artifact.open_manifest(manifest, artifact.sign_manifest(manifest), LINE_1)
    assert Schema.from_json(content["schema"]) == SCHEMA
    artifact.verify_bytes(content, DATA)


def test_the_manifest_names_all_that_is_signed(manifest):
    content = artifact.open_manifest(manifest, artifact.sign_manifest(manifest), LINE_1)
    assert set(content) == {"format", "model", "number", "kind", "schema", "libraries", "code", "size", "sha256"}


def test_changed_bytes_are_damage(manifest):
    content = artifact.open_manifest(manifest, artifact.sign_manifest(manifest), LINE_1)
    with pytest.raises(DamagedArtifact):
        artifact.verify_bytes(content, DATA[:-1] + b"\x00")


@pytest.mark.parametrize("change", [('"number":1', '"number":2'), ('"kind":"number"', '"kind":"integer"'), ("", " ")])
def test_a_changed_manifest_is_not_signed(manifest, change):
    with pytest.raises(BadSignature):
        artifact.open_manifest(manifest.replace(*change, 1), artifact.sign_manifest(manifest), LINE_1)


@pytest.mark.parametrize("signature", ["", "0" * 64, "é"])
def test_a_wrong_signature_is_refused(manifest, signature):
    with pytest.raises(BadSignature):
        artifact.open_manifest(manifest, signature, LINE_1)


@pytest.mark.parametrize(
    "other",
    [
        Identity(model="other", number=1, kind="pickle"),
        Identity(model="line", number=2, kind="pickle"),
        Identity(model="line", number=1, kind="onnx"),
    ],
)
def test_signed_bytes_cannot_move_to_another_place(manifest, other):
    with pytest.raises(WrongPlace):
        artifact.open_manifest(manifest, artifact.sign_manifest(manifest), other)


def test_the_secret_key_signs_no_artifact(manifest, settings):
    with pytest.raises(BadSignature):
        artifact.open_manifest(manifest, artifact.sign_manifest(manifest, settings.SECRET_KEY), LINE_1)


def test_a_rotated_key_still_verifies_and_a_retired_one_does_not(manifest, settings):
    signature, old = artifact.sign_manifest(manifest), settings.MODEL_SIGNING_KEY
    settings.MODEL_SIGNING_KEY = "a new key"
    with pytest.raises(BadSignature):
        artifact.open_manifest(manifest, signature, LINE_1)
    settings.MODEL_SIGNING_KEY_FALLBACKS = ["an older one still", old]
    assert artifact.open_manifest(manifest, signature, LINE_1)


def test_another_scikit_learn_is_refused_before_anything_is_loaded():
    content = build(DATA)
    content["libraries"]["scikit-learn"] = "0.9"
    manifest = artifact.write_manifest(content)
    with pytest.raises(WrongLibraries, match=r"0\.9.*retrain"):
        artifact.open_manifest(manifest, artifact.sign_manifest(manifest), LINE_1)


def test_a_library_that_is_not_installed_is_named_before_anything_is_loaded():
    libraries = {**artifact.find_libraries(), "vanished-library": "1.0"}
    manifest = artifact.write_manifest(build(DATA, libraries=libraries))
    with pytest.raises(WrongLibraries, match=r"needs vanished-library, .* not installed here: add vanished-library to"):
        artifact.open_manifest(manifest, artifact.sign_manifest(manifest), LINE_1)


def test_an_unknown_format_is_refused():
    manifest = artifact.write_manifest({**build(DATA), "format": 99})
    with pytest.raises(ArtifactError, match="format 99"):
        artifact.open_manifest(manifest, artifact.sign_manifest(manifest), LINE_1)


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
