import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from pandas import DataFrame
from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, PoissonRegressor, Ridge, RidgeClassifier
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, RobustScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from predictor.estimators.compiled import CompiledModel
from predictor.exceptions import BadSignature, NoAnswer
from predictor.models import Artifact, ArtifactChunk
from predictor.schema.kinds import Category, Number
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.serving.runtime import load_comparable, load_runtime
from predictor.training.compiling.agreement import measure_difference
from predictor.training.compiling.checked import compile_checked
from predictor.training.compiling.compilation import compile_model
from predictor.training.compiling.edges import make_edge_rows
from predictor.training.compiling.graph import NotCompiled
from predictor.training.pipeline import _build_default
from tests.conftest import ROOT, make_database_url
from tests.importing import import_parts

REGRESSORS = [
    LinearRegression(),
    Ridge(),
    Lasso(),
    PoissonRegressor(),
    DecisionTreeRegressor(max_depth=5),
    RandomForestRegressor(8, random_state=0),
    GradientBoostingRegressor(n_estimators=12, loss="huber"),
    HistGradientBoostingRegressor(max_iter=12),
    HistGradientBoostingRegressor(max_iter=12, loss="poisson"),
]
CLASSIFIERS = [
    LogisticRegression(),
    RidgeClassifier(),
    DecisionTreeClassifier(max_depth=5),
    RandomForestClassifier(8, random_state=0),
    ExtraTreesClassifier(8, random_state=0),
    GradientBoostingClassifier(n_estimators=8),
    HistGradientBoostingClassifier(max_iter=8),
]


def make_dataset(*, gaps=False, classes=0):
    chosen = np.random.default_rng(0)
    matrix = np.column_stack([chosen.normal(size=(300, 2)).round(1), chosen.integers(0, 3, 300)])
    target = np.exp(matrix[:, 0]) + matrix[:, 1] ** 2 + matrix[:, 2]
    if classes:
        target = np.digitize(target, np.quantile(target, np.arange(1, classes) / classes)).astype(float)
    if gaps:
        matrix[chosen.random(matrix.shape) < 0.1] = np.nan
    features = (
        *(Number(name=n, label=n, required=not gaps, minimum=-9.0, seen=(-2.0, 2.0)) for n in "ab"),
        Category(name="c", label="c", required=not gaps, choices=("x", "y", "z"), seen=("x", "y", "z")),
    )
    task = "classification" if classes else "regression"
    schema = Schema(features=features, target=Target(name="t", label="t", task=task, classes=tuple(range(classes))))
    return SimpleNamespace(matrix=matrix, inputs=matrix, texts={}, target=target, schema=schema)


def fit(estimator, dataset):
    return _build_default(estimator, dataset.schema).fit(dataset.matrix, dataset.target)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize(
    ("estimator", "classes"), [*((r, 0) for r in REGRESSORS), *((c, n) for c in CLASSIFIERS for n in (2, 3))], ids=str
)
def test_what_is_compiled_answers_as_its_pickle_also_at_the_edges(estimator, classes, gaps):
    dataset = make_dataset(gaps=gaps, classes=classes)
    checked = compile_checked(fit(estimator, dataset), dataset)
    assert checked.data, checked.described
    assert checked.described.difference < 1e-12
    assert checked.described.edge_rows > 20
    assert is_classifier(estimator) == bool(len(CompiledModel(checked.data).classes_))


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("estimator", [Ridge(), HistGradientBoostingRegressor(max_iter=12)], ids=str)
def test_the_logarithm_of_a_target_is_compiled(estimator, gaps):
    dataset = make_dataset(gaps=gaps)
    model = _build_default(estimator, dataset.schema)
    fitted = TransformedTargetRegressor(model, func=np.log, inverse_func=np.exp, check_inverse=False)
    checked = compile_checked(fitted.fit(dataset.matrix, np.exp(dataset.target)), dataset)
    assert checked.data, checked.described
    assert checked.described.difference < 1e-9


@pytest.mark.parametrize("step", [PolynomialFeatures(3), MinMaxScaler(), RobustScaler()], ids=str)
def test_steps_of_an_own_pipeline_are_compiled(step):
    dataset = make_dataset()
    for last in (LinearRegression(), RandomForestRegressor(5)):
        fitted = make_pipeline(step, last).fit(dataset.matrix, dataset.target)
        assert compile_checked(fitted, dataset).described.difference < 1e-10


def test_edge_rows_stand_on_and_beside_each_split():
    dataset = make_dataset()
    tree = DecisionTreeRegressor(max_depth=3).fit(dataset.matrix, dataset.target)
    splits = compile_model(tree, 3).splits
    met = np.vstack(make_edge_rows(dataset.schema, dataset.matrix, splits))[:, 0]
    for split in splits[0]:
        assert {split, np.nextafter(split, np.inf), np.nextafter(split, -np.inf)} <= set(met)


@pytest.mark.parametrize(("moved", "says"), [(1e-4, "differ by up to"), (np.nan, "refuses other rows"), (1e-9, None)])
def test_a_disagreement_is_found(moved, says):
    dataset = make_dataset()
    right = fit(LinearRegression(), dataset)
    other = SimpleNamespace(predict=lambda rows: right.predict(rows) + moved)
    if says is None:
        assert measure_difference(right, other, [dataset.matrix], spread=1.0) <= 1.01e-9
    else:
        with pytest.raises(NotCompiled, match=says):
            measure_difference(right, other, [dataset.matrix], spread=1.0)


def test_another_class_is_a_disagreement():
    dataset = make_dataset(classes=2)
    right = fit(LogisticRegression(), dataset)
    wrong = CompiledModel(compile_model(fit(LogisticRegression(C=1e-4), dataset), 3).data)
    with pytest.raises(NotCompiled, match="another class"):
        measure_difference(right, wrong, [dataset.matrix], spread=None)


class Twice(LinearRegression):
    def predict(self, matrix):
        return 2 * super().predict(matrix)


@pytest.mark.parametrize("estimator", [KNeighborsRegressor(), Twice(), DummyRegressor()])
def test_what_is_not_compiled_says_so(estimator):
    dataset = make_dataset()
    checked = compile_checked(fit(estimator, dataset), dataset)
    assert (checked.data, checked.described.reason) == (None, f"{type(estimator).__name__} is not compiled")


@pytest.mark.django_db
def test_a_compiled_version_is_served_compiled_and_says_so(line, client):
    runtime = load_runtime(line)
    assert isinstance(runtime.estimator, CompiledModel)
    matrix = np.array([[1.0], [2.5]])
    ours, theirs = runtime.predict(matrix), load_comparable(line).predict(matrix)
    assert [a.output for a in ours] == pytest.approx([a.output for a in theirs], rel=1e-12)
    assert "compiled; on " in client.get("/about/line/").content.decode()
    with pytest.raises(NoAnswer):
        runtime.predict(np.array([[np.nan]]))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "spoil",
    [
        lambda compiled: compiled.update(signature="0" * 64),
        lambda compiled: ArtifactChunk.objects.filter(artifact__in=compiled).update(data=b"spoilt"),
    ],
)
def test_a_compiled_model_that_is_not_trusted_is_logged_and_the_pickle_answers(line, spoil, caplog):
    spoil(Artifact.objects.filter(kind="onnx"))
    assert not isinstance(load_runtime(line).estimator, CompiledModel)
    assert "is served by its pickle" in caplog.text
    Artifact.objects.update(signature="0" * 64)
    with pytest.raises(BadSignature):
        load_runtime(line)


@pytest.mark.django_db(transaction=True)
def test_a_process_that_serves_compiled_models_imports_no_scikit_learn(line, tmp_path):
    texts, labels = ["free cash", "lunch with mum"] * 20, ["spam", "ham"] * 20
    pipeline = make_pipeline(TfidfVectorizer(stop_words="english"), LogisticRegression()).fit(texts, labels)
    import_parts(tmp_path, "spam", {"model": pipeline}, DataFrame({"message": texts, "label": labels}), "label")
    code = """
import sys, django
django.setup()
import numpy as np
from predictor.models import Version
from predictor.serving.runtime import load_runtime
import predictor.web.views
answers = load_runtime(Version.objects.find_live("line")).predict(np.array([[1.0]]))
assert answers[0].interval
spam = load_runtime(Version.objects.find_live("spam"))
[answer], _ = spam.answer([spam.schema.parse({"message": "the cash is free"})])
assert answer.output == "spam"
assert not {"sklearn", "scipy", "polars", "pandas", "onnx"} & set(sys.modules)
"""
    environment = {**os.environ, "DATABASE_URL": make_database_url(), "DJANGO_SETTINGS_MODULE": "mlsite.settings"}
    done = subprocess.run(  # noqa: S603  # Our own code.
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
