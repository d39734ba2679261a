"""Model files that contain no code: what is read without --trust, and what is refused."""

import io
import json
import pickle
import zipfile

import numpy as np
import onnx
import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from predictor.estimators.compiled import CompiledModel
from predictor.exceptions import ModelFileError
from predictor.models import Version
from predictor.serving.runtime import load_comparable, load_runtime
from predictor.training.external import limited
from predictor.training.external.model_file import ModelFile
from tests.workbooks import declare_size

pytestmark = pytest.mark.django_db

ROWS = 200
RANDOM = np.random.default_rng(0)
FLATS = pd.DataFrame({"area": RANDOM.uniform(20, 150, ROWS).round(1), "floor": RANDOM.integers(0, 9, ROWS)})
RENT = (FLATS["area"] * 11 + FLATS["floor"] * 5 + RANDOM.normal(0, 20, ROWS)).round(2)
GRADE = np.digitize(RENT, [600, 1100])


@pytest.fixture
def bring(models_dir, tmp_path, capsys):
    """Call the command for a file of these bytes; give the version that it becomes."""

    def call(content, *arguments, name="model.bin", target=RENT):
        (tmp_path / name).write_bytes(content)
        FLATS.assign(rent=target).to_csv(tmp_path / "sample.csv", index=False)
        files = [str(tmp_path / name), "--data", str(tmp_path / "sample.csv"), "--target", "rent"]
        call_command("importmodel", "rent", *files, *arguments)
        capsys.readouterr()
        return Version.objects.get(model="rent")

    return call


def refuse(bring, content, *arguments, status=1, **options):
    with pytest.raises(CommandError) as error:
        bring(content, *arguments, **options)
    assert error.value.returncode == status, error.value
    assert not Version.objects.exists()
    return str(error.value)


def predict(version, rows=None):
    matrix = (FLATS if rows is None else rows)[version.parsed_schema.names].to_numpy(dtype=float)
    return [answer.output for answer in load_runtime(version).predict(matrix)]


# Files of skops


def write_skops(estimator):
    return pytest.importorskip("skops.io", reason="needs skops").dumps(estimator)


def test_a_file_of_skops_that_it_trusts_needs_no_trust_of_ours(bring):
    original = make_pipeline(StandardScaler(), LinearRegression()).fit(FLATS, RENT)
    version = bring(write_skops(original), name="model.skops")
    assert predict(version) == pytest.approx(original.predict(FLATS), rel=1e-9)
    assert version.data["model_file"] == "model.skops"
    assert isinstance(load_runtime(version).estimator, CompiledModel)


def double(matrix):
    return matrix * 2


def test_types_that_skops_does_not_trust_are_named_and_need_trust(bring):
    original = make_pipeline(FunctionTransformer(double), LinearRegression()).fit(FLATS.to_numpy(), RENT)
    content = write_skops(original)
    message = refuse(bring, content, status=2)
    assert "is a file of skops" in message
    assert "skops does not trust these types in it, and loading them may run code: tests.test_model_formats.double" in (
        message
    )
    assert message.endswith("run this command again with --trust.")
    version = bring(content, "--trust")
    assert predict(version) == pytest.approx(original.predict(FLATS.to_numpy()), rel=1e-9)


def test_a_file_of_skops_of_another_scikit_learn_is_refused_as_its_pickle_is(bring):
    content, changed = write_skops(LinearRegression().fit(FLATS, RENT)), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            text = before.read(name)
            if name == "schema.json":
                text = change_version(json.loads(text))
            after.writestr(name, text)
    assert "made with scikit-learn 1.0.2" in refuse(bring, changed.getvalue())


def change_version(schema):
    """Write another version into the state of each estimator."""
    import sklearn

    written = json.dumps(schema)
    assert f'\\"{sklearn.__version__}\\"' in written
    return written.replace(f'\\"{sklearn.__version__}\\"', '\\"1.0.2\\"')


def test_a_file_of_skops_that_grows_when_unpacked_is_refused(bring):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("zeros.npy", b"")
        archive.writestr("schema.json", "{}")
    content = declare_size(made.getvalue(), 500_500_001)
    assert "unpacked, it has 1,001,000,002 bytes, and at most 1,000,000,000 are read" in refuse(bring, content)


# XGBoost's and LightGBM's own files


def fit_xgboost(**settings):
    return pytest.importorskip("xgboost", reason="needs requirements-boosters.txt"), {"n_estimators": 20, **settings}


@pytest.mark.parametrize(
    ("format", "target"),
    [("json", RENT), ("ubj", GRADE), ("json", GRADE > 1)],
    ids=["numbers", "classes", "two classes"],
)
def test_a_file_of_xgboost_needs_no_trust_and_predicts_as_its_model(bring, tmp_path, format, target):
    xgboost, settings = fit_xgboost()
    made = xgboost.XGBRegressor if target is RENT else xgboost.XGBClassifier
    original = made(**settings).fit(FLATS, target if target is RENT else target.astype(int))
    original.save_model(tmp_path / f"saved.{format}")
    content = (tmp_path / f"saved.{format}").read_bytes()
    version = bring(content, name=f"model.{format}", target=target if target is RENT else target.astype(int))
    assert predict(version) == pytest.approx(original.predict(FLATS), rel=1e-6)
    assert isinstance(load_runtime(version).estimator, CompiledModel)
    assert version.libraries["xgboost-cpu"]


@pytest.mark.parametrize("target", [RENT, GRADE, GRADE > 1], ids=["numbers", "classes", "two classes"])
def test_a_file_of_lightgbm_needs_no_trust_and_predicts_as_its_model(bring, tmp_path, target):
    lightgbm = pytest.importorskip("lightgbm", reason="needs requirements-boosters.txt")
    made = lightgbm.LGBMRegressor if target is RENT else lightgbm.LGBMClassifier
    labels = target if target is RENT else target.astype(int)
    original = made(n_estimators=20, verbose=-1).fit(FLATS[["floor", "area"]], labels)
    original.booster_.save_model(tmp_path / "saved.txt")
    version = bring((tmp_path / "saved.txt").read_bytes(), name="model.txt", target=labels)
    assert version.parsed_schema.names == ["floor", "area"]
    assert predict(version) == pytest.approx(original.predict(FLATS[["floor", "area"]]))
    matrix = FLATS[["floor", "area"]].to_numpy(dtype=float)
    assert [a.output for a in load_comparable(version).predict(matrix)] == pytest.approx(predict(version))
    assert isinstance(load_runtime(version).estimator, CompiledModel)


def test_a_ranking_is_no_model_for_this_site(bring, tmp_path):
    lightgbm = pytest.importorskip("lightgbm", reason="needs requirements-boosters.txt")
    ranker = lightgbm.LGBMRanker(n_estimators=2, verbose=-1).fit(FLATS, GRADE, group=[100, 100])
    content = ranker.booster_.model_to_string().encode()
    assert "its objective is 'lambdarank': only a classifier or a regressor can be served" in refuse(bring, content)


@pytest.mark.parametrize("spoil", [lambda content: content[:400], lambda content: content.replace(b"[", b"{")])
def test_a_damaged_file_of_xgboost_ends_the_process_that_reads_it_and_nothing_else(bring, spoil):
    xgboost, settings = fit_xgboost(n_estimators=2)
    content = bytes(xgboost.XGBRegressor(**settings).fit(FLATS, RENT).get_booster().save_raw("json"))
    assert "model.bin: it cannot be read" in refuse(bring, spoil(content))


def test_a_model_in_parts_may_have_a_file_without_code_next_to_a_pickle_that_needs_trust(models_dir, tmp_path):
    scaler = StandardScaler().fit(FLATS)
    model = LinearRegression().fit(scaler.transform(FLATS), RENT)
    (tmp_path / "scaler.skops").write_bytes(write_skops(scaler))
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    FLATS.assign(rent=RENT).to_csv(tmp_path / "sample.csv", index=False)
    files = [tmp_path / "scaler.skops", tmp_path / "model.pkl"]
    arguments = ["rent", *map(str, files), "--data", str(tmp_path / "sample.csv"), "--target", "rent"]
    with pytest.raises(CommandError) as error:
        call_command("importmodel", *arguments)
    assert error.value.returncode == 2
    assert "model.pkl is a pickle" in str(error.value)
    assert "scaler.skops" not in str(error.value)
    call_command("importmodel", *arguments, "--trust")
    version = Version.objects.get(model="rent")
    assert predict(version) == pytest.approx(model.predict(scaler.transform(FLATS)), rel=1e-9)


# The process that reads them


def test_a_file_that_takes_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(limited, "WALL_SECONDS", 0.01)
    with pytest.raises(ModelFileError, match=r"model: reading it takes more than 0\.01 seconds"):
        limited.read_limited(ModelFile(path="model", content=b"slow"), "lightgbm")


def test_the_process_that_reads_a_file_knows_no_key_and_no_database(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://")
    assert not {"SECRET_KEY", "MODEL_SIGNING_KEY", "DATABASE_URL"} & limited.make_environment().keys()


# ONNX models


def write_onnx(
    *nodes, constants=(), inputs=(("X", TensorProto.DOUBLE, 2),), outputs=(("Y", TensorProto.DOUBLE, 1),), **more
):
    """An ONNX file of these nodes; inputs and outputs are (name, type, columns)."""
    made = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info(name, kind, [None, width]) for name, kind, width in inputs],
        [helper.make_tensor_value_info(name, kind, [None, width]) for name, kind, width in outputs],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in constants],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3), *more.pop("opsets", [])]
    return helper.make_model(made, opset_imports=opsets, ir_version=10, **more).SerializeToString()


MULTIPLY = helper.make_node("MatMul", ["X", "W"], ["Y"])
WEIGHTS = [("W", np.array([[11.0], [5.0]]))]


def test_an_onnx_model_needs_no_trust_and_no_scikit_learn_of_its_own_version(bring):
    processes = limited.read_limited.cache_info().misses
    version = bring(write_onnx(MULTIPLY, constants=WEIGHTS, producer_name="somebody"), name="model.onnx")
    assert limited.read_limited.cache_info().misses == processes + 1
    assert predict(version) == pytest.approx(FLATS["area"] * 11 + FLATS["floor"] * 5)
    assert version.estimator == "ONNX model (somebody)"
    assert {"scikit-learn", "onnxruntime"} & version.libraries.keys() == {"onnxruntime"}


def test_an_onnx_model_with_one_input_a_column_gets_them_by_name_in_its_types(bring):
    nodes = [
        helper.make_node("Cast", ["floor"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["area", "f"], ["Y"]),
    ]
    inputs = [("floor", TensorProto.INT64, 1), ("area", TensorProto.FLOAT, 1)]
    outputs = [("Y", TensorProto.FLOAT, 1)]
    version = bring(write_onnx(*nodes, inputs=inputs, outputs=outputs), name="model.onnx")
    assert version.parsed_schema.names == ["floor", "area"]
    assert predict(version) == pytest.approx(FLATS["area"] - FLATS["floor"], rel=1e-6)


def write_classifier(*, maps=False, type=TensorProto.FLOAT, post_transform="SOFTMAX"):
    """An ONNX classifier of flats, whose probabilities are of a type, or maps of that."""
    words = {"classlabels_strings": ["cheap", "dear"], "domain": "ai.onnx.ml"}
    weights = {"coefficients": [-0.1, 0.0, 0.1, 0.0], "intercepts": [8.0, -8.0], "post_transform": post_transform}
    nodes = [helper.make_node("LinearClassifier", ["X"], ["label", "F"], **weights, **words)]
    nodes.append(helper.make_node("Cast", ["F"], ["P"], to=type))
    if maps:
        nodes.append(helper.make_node("ZipMap", ["P"], ["Z"], **words))
    outputs = [("label", TensorProto.STRING, 1), ("P", type, 2)]
    made = onnx.load_from_string(write_onnx(*nodes, inputs=[("X", TensorProto.FLOAT, 2)], outputs=outputs))
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("label", TensorProto.STRING, [None]))
    if maps:
        each = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(type, []))
        made.graph.output[1].CopyFrom(helper.make_value_info("Z", helper.make_sequence_type_proto(each)))
    return made.SerializeToString()


DEAR = np.where(FLATS["area"] > 80, "dear", "cheap")


@pytest.mark.parametrize("maps", [True, False])
@pytest.mark.parametrize("type", [TensorProto.FLOAT, TensorProto.DOUBLE])
def test_the_classes_of_an_onnx_classifier_are_its_own(bring, maps, type):
    version = bring(write_classifier(maps=maps, type=type), name="model.onnx", target=DEAR)
    assert predict(version) == DEAR.tolist()
    [answer] = load_runtime(version).predict(np.array([[80.0, 3.0]]))
    assert answer.probabilities == pytest.approx({"cheap": 0.5, "dear": 0.5}, abs=1e-4)


def test_scores_of_an_onnx_classifier_are_not_shown_as_probabilities(bring):
    version = bring(write_classifier(post_transform="NONE"), name="model.onnx", target=DEAR)
    [answer] = load_runtime(version).predict(np.array([[90.0, 3.0]]))
    assert (answer.output, answer.probabilities) == ("dear", None)


def nest(node):
    """The same node in both branches of an If."""
    branch = helper.make_graph([node], "branch", [], [helper.make_tensor_value_info("Z", TensorProto.DOUBLE, None)])
    return [
        helper.make_node("If", ["condition"], ["Y"], then_branch=branch, else_branch=branch),
    ]


def refer_elsewhere(content):
    model = onnx.load_from_string(content)
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")
    return model.SerializeToString()


LOOP = helper.make_node("Loop", ["", "condition"], ["Z"], body=helper.make_graph([], "body", [], []))
CONDITION = [("condition", np.array(True))]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (refer_elsewhere(write_onnx(MULTIPLY, constants=WEIGHTS)), "its tensor 'W' is in another file"),
        (
            write_onnx(helper.make_node("Gelu", ["X"], ["Y"], domain="com.microsoft")),
            "it has the operator Gelu of 'com.microsoft', and only ONNX's own are run",
        ),
        (
            write_onnx(MULTIPLY, constants=WEIGHTS, opsets=[helper.make_opsetid("own", 1)]),
            "it has operators of its own (own), which are not run here",
        ),
        (write_onnx(*nest(LOOP), constants=CONDITION), "it has the loop Loop, which may never end"),
        (
            write_onnx(helper.make_node("RandomUniformLike", ["X"], ["Y"])),
            "the same inputs would get other predictions",
        ),
        (
            write_onnx(helper.make_node("Concat", ["X", "X"], ["Y"], axis=1), outputs=[("Y", TensorProto.DOUBLE, 4)]),
            "its output 'Y' has 4 columns, and it names no classes",
        ),
        (
            write_onnx(
                helper.make_node("Expand", ["X", "shape"], ["E"]),
                helper.make_node("ReduceSum", ["E"], ["Y"], keepdims=0),
                constants=[("shape", np.array([40_000, 40_000, 1, 2]))],
            ),
            "takes too much memory",
        ),
        (b"nothing of the kind", "it cannot be read"),
        (b"", "it cannot be read, since it is empty: did its conversion fail?"),
    ],
)
def test_an_onnx_model_that_reaches_out_or_may_not_end_is_refused(bring, content, problem):
    assert problem in refuse(bring, content, name="model.onnx")


def test_a_pipeline_that_skl2onnx_converted_predicts_as_it_did(bring):
    to_onnx = pytest.importorskip("skl2onnx", reason="needs skl2onnx").to_onnx
    original = make_pipeline(StandardScaler(), LinearRegression()).fit(FLATS.to_numpy(), RENT)
    version = bring(to_onnx(original, FLATS.to_numpy()[:1]).SerializeToString(), name="model.onnx")
    assert predict(version) == pytest.approx(original.predict(FLATS.to_numpy()))
