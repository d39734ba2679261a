"""A model that was fitted elsewhere, from its file to what visitors are answered."""

import json
import pickle
import re
import sys
import tracemalloc
import warnings
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from django.core.management import CommandError, call_command
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import get_tags

from predictor.estimators.compiled import CompiledModel
from predictor.estimators.imported import Imported, ImportedOnFrame
from predictor.exceptions import WrongLibraries
from predictor.models import Artifact, Kept, Prediction, Version
from predictor.record.reference import REFERENCE, read_reference
from predictor.serving.runtime import load_comparable, load_runtime
from predictor.training.pipeline import find_nested
from tests.conftest import run_manage
from tests.importing import refuse
from tests.training import train

pytestmark = pytest.mark.django_db

ROWS = 80
RANDOM = np.random.default_rng(0)
NUMBERS = pd.DataFrame({"area": RANDOM.uniform(20, 150, ROWS).round(1), "floor": RANDOM.integers(0, 9, ROWS)})
RENT = (NUMBERS["area"] * 11 + NUMBERS["floor"] * 5 + 100 + RANDOM.normal(0, 20, ROWS)).round(2)
FLATS = NUMBERS.assign(
    town=RANDOM.choice(["Ulm", "Bonn", "Kiel"], ROWS),
    lift=RANDOM.choice([True, False], ROWS),
    year=RANDOM.integers(1950, 1999, ROWS),
)
FLATS["area"] = FLATS["area"].where(FLATS.index % 7 != 0)
FLATS["town"] = FLATS["town"].where(FLATS.index % 9 != 0)
DEAR = np.where(RENT > 950, True, False)
SEVERAL = "it predicts 2 targets at once, and a model here has one: fit and save an estimator for each"


class Boosted(LinearRegression):
    """Refuses texts as LightGBM does where it was fitted on pandas categories."""

    def fit(self, inputs, target):
        self.n_features_in_, self.pandas_categorical = inputs.shape[1], [["Bonn", "Kiel", "Ulm"]]
        return self

    def predict(self, inputs):
        raise ValueError("train and valid dataset categorical_feature do not match.")


class Cat:
    """What CatBoost has of scikit-learn's interface, and what is unlike it.

    No columns, classes of a regressor, and a matrix that is read-only once it was predicted for.
    """

    model = LinearRegression()
    n_features_in_ = 0
    classes_ = np.array([])

    def fit(self, inputs, target):
        self.feature_names_ = list(map(str, getattr(inputs, "columns", range(inputs.shape[1]))))
        self.fitted = clone(self.model).fit(np.asarray(inputs), target)
        if hasattr(self.fitted, "classes_"):
            self.classes_ = self.fitted.classes_
        return self

    def predict(self, inputs):
        matrix = np.asarray(inputs)
        matrix.flags.writeable = False
        return self.fitted.predict(matrix)

    def get_params(self, deep=True):
        return {}

    def set_params(self, **params):
        return self

    def __sklearn_tags__(self):
        return get_tags(self.model)


class Scoring(LogisticRegression):
    """Gives scores where scikit-learn's interface has probabilities."""

    def predict_proba(self, inputs):
        scores = self.decision_function(inputs)
        return np.column_stack([-scores, scores])


class CatClassifier(Cat):
    model = LogisticRegression()


def fit_flats(estimator=None):
    """A pipeline that finds its columns by name."""
    towns = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    columns = [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["area", "floor", "year"]),
        ("towns", towns, ["town"]),
        ("yes or no", OneHotEncoder(drop="if_binary"), ["lift"]),
    ]
    return make_pipeline(ColumnTransformer(columns), estimator or LinearRegression()).fit(FLATS, RENT)


@pytest.fixture
def folder(tmp_path):
    """Files that somebody brings."""
    FLATS.assign(rent=RENT).to_csv(tmp_path / "flats.csv", index=False)
    NUMBERS.assign(rent=RENT).to_csv(tmp_path / "numbers.csv", index=False)
    joblib.dump(LinearRegression().fit(NUMBERS.to_numpy(), RENT), tmp_path / "model.pkl")
    return tmp_path


@pytest.fixture
def bring(folder, models_dir, capsys):
    """Call the command for an estimator, or for what the folder's model.pkl already holds; give its one result."""

    def call(estimator=None, *arguments, data="numbers.csv", target="rent", slug="rent"):
        if estimator is not None:
            (folder / "model.pkl").write_bytes(pickle.dumps(estimator))
        files = (folder / "model.pkl", "--data", folder / data, "--target", target)
        call_command("importmodel", slug, *map(str, files), "--trust", "--format", "json", *arguments)
        [done] = json.loads(capsys.readouterr().out)
        return done

    return call


def answer_form(client, inputs, slug="rent"):
    response = client.post(f"/{slug}/", inputs, follow=True)
    assert response.status_code == 200, response.content.decode()
    return Prediction.objects.latest("id")


class Trap:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@pytest.mark.both_databases
def test_without_trust_nothing_is_loaded_and_it_is_said_what_would_be(folder, models_dir):
    content = pickle.dumps(Trap(folder / "trapped"))
    (folder / "model.pkl").write_bytes(content)
    with pytest.raises(CommandError) as error:
        call_command("importmodel", "rent", str(folder / "model.pkl"), "--data", "x.csv", "--target", "rent")
    assert error.value.returncode == 2
    message = str(error.value)
    assert "a pickle of" in message
    assert sha256(content).hexdigest() in message
    assert "runs any code in it" in message
    assert "--trust" in message
    assert not (folder / "trapped").exists()
    assert not Version.objects.exists()


def test_without_trust_a_file_of_any_size_is_hashed_in_little_memory(folder, models_dir):
    large = folder / "large.pkl"
    with large.open("wb") as file:
        file.write(b"\x80\x04")
        file.truncate(100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(CommandError) as error:
            call_command("importmodel", "rent", str(large), "--data", "x.csv", "--target", "rent")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "a pickle of 100,000,000 bytes" in str(error.value)
    assert sha256(large.read_bytes()).hexdigest() in str(error.value)
    assert peak < 20_000_000


@pytest.mark.both_databases
@pytest.mark.parametrize("compress", [None, 0, 3, "xz"])
def test_pickle_and_joblib_are_read_compressed_or_not(bring, folder, client, compress):
    original = LinearRegression().fit(NUMBERS.to_numpy(), RENT)
    if compress is None:
        done = bring(original)
    else:
        joblib.dump(original, folder / "model.pkl", compress=compress)
        done = bring()
    assert (done["version"], done["promoted"], done["reason"], done["rows"]) == (1, True, "the first version", None)
    prediction = answer_form(client, {"area": "70", "floor": "3"})
    assert prediction.output == pytest.approx(original.predict([[70, 3]])[0], rel=1e-12)


@pytest.mark.both_databases
def test_an_import_says_where_it_came_from_and_on_what_it_was_tried(bring, folder):
    done = bring()
    version = Version.objects.get()
    assert version.data == {
        "origin": "imported",
        "file": "numbers.csv",
        "sha256": sha256((folder / "numbers.csv").read_bytes()).hexdigest(),
        "rows": ROWS,
        "rows_without_target": 0,
        "training_rows": None,
        "model_file": "model.pkl",
        "model_sha256": sha256((folder / "model.pkl").read_bytes()).hexdigest(),
    }
    assert version.split == {"names": ["area", "floor"], "share": None}
    assert version.metrics["method"] == "sample, may have been trained on"
    assert version.metrics["rows"] == ROWS
    assert done["metrics"]["rmse"] < done["baseline"]["rmse"] / 3
    assert (version.title, version.estimator, version.interval) == ("Rent", "LinearRegression()", None)
    assert version.libraries["scikit-learn"] == sklearn.__version__
    assert "pandas" not in version.libraries
    reference = read_reference(Kept.objects.find_content(version.id, REFERENCE))
    assert (reference.rows, [each.name for each in reference.columns]) == (ROWS, ["area", "floor"])


def test_numbers_by_name_are_answered_as_a_bare_matrix_in_the_order_they_were_fitted(bring, client):
    swapped = NUMBERS[["floor", "area"]]
    original = make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=4)).fit(swapped, RENT)
    bring(original)
    version = Version.objects.get()
    assert version.parsed_schema.names == ["floor", "area"]
    assert type(load_comparable(version).estimator) is Imported
    prediction = answer_form(client, {"area": "70", "floor": "3"})
    assert prediction.output == original.predict(swapped.assign(floor=3, area=70.0)[:1])[0]


def test_an_imported_model_that_is_not_compiled_has_reasons(bring, client):
    bring(KNeighborsRegressor().fit(NUMBERS, RENT))
    assert not Artifact.objects.filter(kind=Artifact.Kind.ONNX).exists()
    address = answer_form(client, {"area": "70", "floor": "3"}).get_absolute_url()
    page = client.get(f"{address}reasons/").content.decode()
    assert "typical cases are" in page
    assert " more</strong>" in page or " less</strong>" in page


class ByName(LinearRegression):
    """Predictions a table with names otherwise than a bare matrix."""

    def predict(self, table):
        return super().predict(table) + 1000 * hasattr(table, "columns")


class Odd(LinearRegression):
    def __sklearn_tags__(self):
        raise RuntimeError("no tags today")


def test_numbers_by_name_stay_a_data_frame_where_that_is_answered_otherwise(bring):
    original = ByName().fit(NUMBERS, RENT)
    bring(original)
    [answer] = load_runtime(Version.objects.get()).predict(np.array([[70.0, 3.0]]))
    assert answer.output == pytest.approx(original.predict(NUMBERS.assign(area=70.0, floor=3)[:1])[0])


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "inputs",
    [
        {"area": "70.5", "floor": "3", "town": "Ulm", "lift": "true", "year": "1960"},
        {"area": "", "floor": "0", "town": "Kiel", "lift": "false", "year": "1960"},
        {"area": "12", "floor": "1", "town": "", "lift": "true", "year": "1998"},
    ],
)
def test_a_pipeline_by_names_answers_the_form_as_it_answers_its_data_frame(bring, client, inputs):
    original = fit_flats()
    bring(original, data="flats.csv")
    version = Version.objects.get()
    kinds = {feature.name: (feature.kind, feature.required) for feature in version.parsed_schema.features}
    assert kinds == {
        "area": ("number", False),
        "floor": ("integer", True),
        "town": ("category", False),
        "lift": ("boolean", True),
        "year": ("integer", True),
    }
    assert version.libraries["pandas"] == pd.__version__
    assert isinstance(load_runtime(version).estimator, CompiledModel)
    row = pd.DataFrame(
        {
            "area": [float(inputs["area"] or "nan")],
            "floor": [int(inputs["floor"])],
            "town": [inputs["town"] or np.nan],
            "lift": [inputs["lift"] == "true"],
            "year": [int(inputs["year"])],
        }
    )
    assert answer_form(client, inputs).output == pytest.approx(original.predict(row)[0], rel=1e-12)


def test_the_data_frame_is_the_one_that_pandas_reads_from_the_file(bring, folder):
    table = FLATS.assign(rent=RENT, lift=FLATS["lift"].where(FLATS.index % 5 != 0))
    table.to_csv(folder / "gaps.csv", index=False)
    original = make_pipeline(
        ColumnTransformer(
            [("all", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["town", "lift"])]
        ),
        LinearRegression(),
    ).fit(table.drop(columns="rent").fillna({"town": "Ulm", "lift": True}), RENT)
    bring(original, data="gaps.csv")
    wrapper = load_runtime(Version.objects.get()).estimator
    schema = Version.objects.get().parsed_schema
    table = pd.read_csv(folder / "gaps.csv").drop(columns="rent")
    rows = [schema.parse({k: v for k, v in row.items() if not pd.isna(v)}) for row in table.to_dict("records")]
    pd.testing.assert_frame_equal(wrapper.prepare(schema.encode(rows)), table)


def test_whole_numbers_written_as_decimals_stay_what_pandas_reads(bring, folder):
    table = FLATS.assign(rent=RENT, floor=FLATS["floor"].astype(float))
    table.to_csv(folder / "decimals.csv", index=False)
    columns = ColumnTransformer([("floor", OneHotEncoder(), ["floor"]), ("town", OneHotEncoder(), ["town"])])
    bring(make_pipeline(columns, LinearRegression()).fit(table.drop(columns="rent"), RENT), data="decimals.csv")
    version = Version.objects.get()
    assert {f.name: f.kind for f in version.parsed_schema.features}["floor"] == "integer"
    frame = load_comparable(version).estimator.prepare(np.array([[70.0, 3.0, 0.0, 1.0, 1960.0]]))
    assert frame["floor"].dtype == float


@pytest.mark.parametrize("features", [NUMBERS, NUMBERS.to_numpy()], ids=["by name", "bare"])
def test_an_index_that_pandas_wrote_is_no_input_of_a_model_that_does_not_know_it(bring, folder, features):
    NUMBERS.assign(rent=RENT).to_csv(folder / "indexed.csv")
    original = LinearRegression().fit(features, RENT)
    assert bring(original, data="indexed.csv")["version"] == 1
    assert Version.objects.get().parsed_schema.names == ["area", "floor"]


def test_an_index_that_the_model_was_fitted_on_is_an_input(bring, folder):
    NUMBERS.assign(rent=RENT).to_csv(folder / "indexed.csv")
    original = LinearRegression().fit(pd.read_csv(folder / "indexed.csv").drop(columns="rent"), RENT)
    bring(original, data="indexed.csv")
    assert Version.objects.get().parsed_schema.names == ["Unnamed: 0", "area", "floor"]


def test_a_sample_of_free_text_is_refused_since_its_form_would_show_it(bring, folder):
    FLATS.assign(rent=RENT, town=[f"text {i}" for i in range(len(FLATS))]).to_csv(folder / "texts.csv", index=False)
    message = refuse(bring, data="texts.csv")
    assert f"town: {len(FLATS)} different texts in {len(FLATS)} rows are free text" in message
    assert "use a sample in which each category occurs more than once" in message


def test_categories_of_pandas_itself_are_known_again(bring, client):
    frame = FLATS.astype({"town": "category"})
    original = HistGradientBoostingRegressor(max_iter=2).fit(frame, RENT)
    bring(original, data="flats.csv")
    assert isinstance(load_runtime(Version.objects.get()).estimator, CompiledModel)
    prediction = answer_form(client, {"area": "70", "floor": "3", "town": "Kiel", "lift": "true", "year": "1960"})
    row = frame[frame["town"] == "Kiel"][:1].assign(area=70.0, floor=3, lift=True, year=1960)
    assert prediction.output == pytest.approx(original.predict(row)[0], rel=1e-12)


@pytest.mark.parametrize(
    ("fitted", "written", "classes"),
    [
        (np.where(DEAR, "dear", "cheap"), np.where(DEAR, "dear", "cheap"), ("cheap", "dear")),
        (DEAR.astype(int) + 1, DEAR.astype(int) + 1, (1, 2)),
        (DEAR, DEAR, (False, True)),
        (DEAR.astype(float), DEAR.astype(int), (0, 1)),
        (DEAR.astype(float), DEAR.astype(float), (0, 1)),
        (DEAR.astype(int) + 1, DEAR.astype(float) + 1, (1, 2)),
        (DEAR.astype(int), DEAR, (0, 1)),
        (DEAR.astype(int).astype(str), DEAR.astype(int), ("0", "1")),
    ],
)
def test_classes_are_the_estimators_own_however_the_sample_writes_them(bring, folder, client, fitted, written, classes):
    texts = [str(label).lower() for label in written]
    NUMBERS.assign(dear=texts).to_csv(folder / "classes.csv", index=False)
    original = make_pipeline(StandardScaler(), LogisticRegression()).fit(NUMBERS.to_numpy(), fitted)
    done = bring(original, data="classes.csv", target="dear")
    assert done["metrics"]["accuracy"] == pytest.approx(original.score(NUMBERS.to_numpy(), fitted))
    assert Version.objects.get().parsed_schema.target.classes == classes

    prediction = answer_form(client, {"area": "140", "floor": "8"})
    assert prediction.output == classes[1]
    assert type(prediction.output) is type(classes[1])
    shares = original.predict_proba([[140, 8]])[0]
    names = [str(label).lower() for label in classes]
    assert prediction.probabilities == pytest.approx(dict(zip(names, shares, strict=True)))


def test_a_class_that_the_sample_lacks_is_one_and_one_that_the_model_lacks_is_refused(bring, folder):
    grades = np.digitize(RENT, RENT.quantile([0.3, 0.6]))
    original = LogisticRegression(max_iter=10_000).fit(NUMBERS.to_numpy(), np.array(["low", "mid", "top"])[grades])
    table = NUMBERS.assign(grade=np.array(["low", "mid", "new"])[grades])
    table.to_csv(folder / "grades.csv", index=False)
    message = refuse(bring, original, data="grades.csv", target="grade")
    assert "grades.csv: grade: the model does not know 'new'; its classes are 'low', 'mid', 'top'." in message
    coded = LogisticRegression(max_iter=10_000).fit(NUMBERS.to_numpy(), grades)
    message = refuse(bring, coded, data="grades.csv", target="grade")
    assert "its classes are 0, 1, 2: write these codes in the sample, or add the file of the LabelEncoder" in message
    message = refuse(bring, LinearRegression().fit(NUMBERS.to_numpy(), RENT), data="grades.csv", target="grade")
    assert "its LinearRegression predicts numbers" in message
    assert "the column 'grade' of the sample contains words" in message

    table[table["grade"] != "new"].to_csv(folder / "grades.csv", index=False)
    bring(original, data="grades.csv", target="grade")
    assert Version.objects.get().parsed_schema.target.classes == ("low", "mid", "top")


def test_a_target_of_one_column_is_answered_as_one_number(bring):
    original = LinearRegression().fit(NUMBERS.to_numpy(), RENT.to_frame())
    bring(original)
    [answer] = load_runtime(Version.objects.get()).predict(np.array([[70.0, 3.0]]))
    assert answer.output == pytest.approx(original.predict([[70, 3]])[0, 0])


@pytest.mark.parametrize(
    ("estimator", "data", "problem"),
    [
        (
            LinearRegression().fit(NUMBERS[["area"]].to_numpy(), RENT),
            "numbers.csv",
            "1 column, and .*leave the others out",
        ),
        (LinearRegression().fit(NUMBERS.rename(columns={"area": "size"}), RENT), "numbers.csv", "missing: 'size'; not"),
        (LinearRegression().fit(NUMBERS[["area"]], RENT), "numbers.csv", "other columns; not among them: 'floor'"),
        (
            LinearRegression().fit(NUMBERS.assign(a=1).to_numpy(), RENT),
            "numbers.csv",
            "on 3 columns.*add the file of",
        ),
        (
            LinearRegression().fit(FLATS.assign(town=0, area=1), RENT),
            "flats.csv",
            "it takes numbers, and .town. contains texts or dates .*add the file of what made numbers of them",
        ),
        (LinearRegression().fit(NUMBERS.to_numpy(), np.c_[RENT, RENT]), "numbers.csv", SEVERAL),
        (RandomForestRegressor(2).fit(NUMBERS[["area"]], np.c_[RENT, RENT]), "numbers.csv", SEVERAL),
        (RandomForestClassifier(2).fit(NUMBERS, np.c_[DEAR, ~DEAR]), "numbers.csv", SEVERAL),
        (MultiOutputRegressor(LinearRegression()).fit(NUMBERS, np.c_[RENT, RENT]), "numbers.csv", SEVERAL),
        (MultiOutputClassifier(LogisticRegression()).fit(NUMBERS, np.c_[DEAR, ~DEAR]), "numbers.csv", SEVERAL),
        (KNeighborsRegressor().fit(NUMBERS, np.c_[RENT, RENT]), "numbers.csv", SEVERAL),
        (KNeighborsClassifier().fit(NUMBERS, np.c_[DEAR, ~DEAR]), "numbers.csv", SEVERAL),
        (
            make_pipeline(TfidfVectorizer(token_pattern="."), Ridge()).fit(["a", "b"], [1.0, 2.0]),
            "numbers.csv",
            "the model takes one column of texts, and the sample has 'area', 'floor': add --text with its name",
        ),
        (LinearRegression(), "numbers.csv", "the model cannot predict for the sample: NotFittedError"),
        (KMeans(2, n_init=1).fit(NUMBERS.to_numpy()), "numbers.csv", "KMeans is a clusterer"),
        (
            IsolationForest(n_estimators=2).fit(NUMBERS.to_numpy()),
            "numbers.csv",
            "IsolationForest is an outlier detector: only a",
        ),
        (Boosted().fit(FLATS, RENT), "flats.csv", "it was fitted on pandas columns of the type “category”, which the"),
        (LogisticRegression().fit(NUMBERS.to_numpy(), DEAR), "numbers.csv", "task: 'rent' contains decimal numbers"),
        (Odd(), "numbers.csv", "model.pkl: estimator: RuntimeError: no tags today"),
        (LinearRegression, "numbers.csv", "it contains a class, which has no predict"),
        ({}, "numbers.csv", "it contains a dict, which has no predict: save the fitted estimator itself"),
        (8, "numbers.csv", "it contains an int, which has no predict"),
        (StandardScaler(), "numbers.csv", "it contains a StandardScaler, which has no predict"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_stored(bring, estimator, data, problem):
    message = refuse(bring, estimator, data=data)
    assert re.search(problem, message), message


@pytest.mark.parametrize(
    ("contents", "described"),
    [
        (
            {"scaler": StandardScaler(), 2: LinearRegression, "encoder": LabelEncoder()},
            "it contains a dict with the keys 'scaler', 2, 'encoder'; loaded['scaler'] is a StandardScaler, loaded[2]"
            " is a class, loaded['encoder'] is a LabelEncoder",
        ),
        ((StandardScaler(), [1.0]), "it contains a tuple of 2; loaded[0] is a StandardScaler, loaded[1] is a list"),
    ],
)
def test_a_file_in_which_nothing_predicts_names_its_parts(bring, contents, described):
    message = refuse(bring, contents)
    assert f"{described}: none of these has predict; save the fitted estimator itself, or add the file that" in message


def test_a_lambda_of_cloudpickle_says_where_to_put_it(bring, folder):
    doubled = make_pipeline(FunctionTransformer(lambda matrix: matrix * 2), LinearRegression()).fit(NUMBERS, RENT)
    (folder / "model.pkl").write_bytes(cloudpickle.dumps(doubled))
    message = refuse(bring)
    assert "it cannot be stored (Can't pickle" in message
    assert "define each lambda, inner function and class of a notebook by its own name in a module that the" in message


@pytest.mark.parametrize("named", [True, False])
def test_a_regressor_with_the_attributes_of_catboost_is_one(bring, folder, named):
    columns = ["floor", "area"]
    inputs = NUMBERS[columns] if named else NUMBERS.to_numpy()
    fitted = Cat().fit(inputs, RENT)
    assert bring(fitted)["metrics"]["r2"] > 0.9
    assert Version.objects.get().parsed_report.importances.rows == len(NUMBERS)
    NUMBERS.assign(age=RENT, rent=RENT).to_csv(folder / "more.csv", index=False)
    with pytest.raises(CommandError, match=r"the model was fitted on (other|2) columns.*'age'"):
        bring(fitted, data="more.csv")


def test_a_classifier_with_the_attributes_of_catboost_is_one(bring, folder):
    NUMBERS.assign(dear=DEAR).to_csv(folder / "dear.csv", index=False)
    bring(CatClassifier().fit(NUMBERS, DEAR), data="dear.csv", target="dear")
    assert Version.objects.get().parsed_schema.target.classes == (False, True)


def test_a_classifier_whose_probabilities_are_scores_is_refused(bring, folder):
    NUMBERS.assign(dear=DEAR).to_csv(folder / "dear.csv", index=False)
    message = refuse(bring, Scoring(max_iter=10_000).fit(NUMBERS.to_numpy(), DEAR), data="dear.csv", target="dear")
    assert "which are not the probabilities of its 2 classes" in message


@pytest.mark.parametrize("classifier", [MLPClassifier(5, max_iter=5, tol=9), LogisticRegression(max_iter=5, tol=9)])
def test_a_classifier_of_three_classes_has_one_target(bring, folder, classifier):
    grades = np.array(["low", "mid", "top"])[np.digitize(RENT, RENT.quantile([0.3, 0.6]))]
    NUMBERS.assign(grade=grades).to_csv(folder / "grades.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It need not converge.
        classifier.fit(NUMBERS.to_numpy(), grades)
    bring(classifier, "--promote", "always", data="grades.csv", target="grade")
    assert Version.objects.get().parsed_schema.target.classes == ("low", "mid", "top")


def test_pages_name_no_class_of_this_site(bring, client):
    bring(fit_flats(), data="flats.csv", slug="flats")
    version = Version.objects.get()
    assert version.runtime_note.startswith("compiled; on ")
    stored = {**version.report, "compiled": {"state": "skipped", "reason": "ImportedOnFrame is not compiled"}}
    Version.objects.update(report=stored)
    note = "from its pickle: a model that takes a pandas DataFrame is not compiled."
    assert Version.objects.get().runtime_note == note
    for page in ("/flats/", "/about/flats/"):
        assert "ImportedOnFrame" not in client.get(page).content.decode()


def test_another_scikit_learn_is_refused_and_both_versions_are_named(bring, folder):
    here = sklearn.__version__
    state = pickle.dumps(LinearRegression().fit(NUMBERS.to_numpy(), RENT))
    for old in (state.replace(here.encode(), b"1.0.2"), state.replace(here.encode(), b"1.0.2")[:-2]):
        assert old != state
        (folder / "model.pkl").write_bytes(old)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # As on the site, where no warning is an error by itself.
            message = refuse(bring)
        assert "made with scikit-learn 1.0.2" in message
        assert f"this site has {here}" in message
        assert f"from a recipe: ./manage.py startmodel rent --data {folder / 'numbers.csv'} --target rent\n" in message
        assert "to_onnx(model, X[:1].to_numpy()).SerializeToString())\nwith X[:1] in place" in message
        assert "that selects columns by name.\nThen import model.onnx." in message


def test_a_module_that_is_not_installed_is_named(bring, folder):
    module = ModuleType("vanished")
    module.Model = type("Model", (), {"__module__": "vanished"})
    sys.modules["vanished"] = module
    (folder / "model.pkl").write_bytes(pickle.dumps(module.Model()))
    del sys.modules["vanished"]
    assert "it needs the module 'vanished', which is not installed here: add it to requirements.in" in refuse(bring)


def test_a_function_of_a_notebook_is_named(bring, folder):
    (folder / "model.pkl").write_bytes(pickle.dumps(refuse).replace(b"refuse", b"refute"))
    message = refuse(bring)
    assert "'refute'" in message
    assert "move functions and classes of a notebook into a module that the site has too" in message


@pytest.mark.parametrize(
    ("spoil", "looks"),
    [
        (lambda content: content[:-20], "a pickle, cut short or damaged"),
        (lambda content: b"(dp0", "a pickle of an old protocol, cut short or damaged"),
        (lambda content: b"\x1f\x8b" + content, "a pickle compressed with gzip, cut short or damaged"),
    ],
)
def test_a_broken_or_other_file_is_called_so(bring, folder, spoil, looks):
    file = folder / "model.pkl"
    file.write_bytes(spoil(pickle.dumps(LinearRegression().fit(NUMBERS.to_numpy(), RENT))))
    assert looks in refuse(bring)


@pytest.mark.parametrize("trust", [[], ["--trust"]])
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"area,rent\n1,2\n", "is no model that is read here: a model is a file of pickle, joblib or skops, an ONNX"),
        (b"", "is empty: a model is a file of pickle"),
        (b"PK\x03\x04", "is a zip archive, and no whole file of skops: unpack it, or save the model by pickle"),
        (b"\x89HDF\r\n", "is an HDF5 file, as Keras writes it: networks of Keras or PyTorch are not served here"),
        (b"CBM1", "is CatBoost's own format: load it with CatBoost's load_model, and save the estimator by pickle"),
        (b'["area", "floor"]', "is JSON, but no model of XGBoost as save_model writes it: name columns with --columns"),
    ],
)
def test_nobody_is_asked_to_trust_a_file_that_is_no_pickle(folder, models_dir, content, problem, trust):
    (folder / "model.pkl").write_bytes(content)
    arguments = (folder / "model.pkl", "--data", folder / "numbers.csv", "--target", "rent")
    with pytest.raises(CommandError) as error:
        call_command("importmodel", "rent", *map(str, arguments), *trust)
    assert error.value.returncode == 1
    assert f"model.pkl {problem}" in str(error.value)


@pytest.mark.parametrize(("option", "value"), [("slug", "Rent"), ("slug", "admin"), ("data", "none.csv")])
def test_a_wrong_slug_or_sample_is_refused(bring, option, value):
    assert value in refuse(bring, **{option: value})


def test_what_is_stored_works_in_one_thread(bring):
    search = GridSearchCV(RandomForestRegressor(5), {"max_depth": [2, 3]}, cv=2).fit(NUMBERS, RENT)
    search.n_jobs = search.estimator.n_jobs = search.best_estimator_.n_jobs = 2
    bring(search)
    stored = load_comparable(Version.objects.get()).estimator.estimator
    jobs = [vars(each)["n_jobs"] for each in find_nested(stored) if vars(each).get("n_jobs") is not None]
    assert jobs == [1, 1, 1]


def test_pandas_is_missed_at_the_import_and_at_serving(bring, client, monkeypatch):
    original = fit_flats(KNeighborsRegressor())
    bring(original, data="flats.csv", slug="flats")
    version = Version.objects.get()
    assert type(load_runtime(version).estimator) is ImportedOnFrame
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(WrongLibraries, match=r"pandas is not installed here: add pandas to requirements\.in"):
        load_runtime(version)
    assert client.get("/flats/").status_code == 503
    with pytest.raises(CommandError, match=r"pandas is not installed here: add pandas to requirements\.in"):
        bring(original, data="flats.csv")


@pytest.mark.both_databases
def test_neither_an_import_nor_what_meets_one_can_be_compared(bring, folder, models_dir):
    train(models_dir, "line")
    x = np.arange(100.0).reshape(-1, 1)
    pd.DataFrame({"x": x[:, 0], "y": x[:, 0] * 3}).to_csv(folder / "line.csv", index=False)
    done = bring(LinearRegression().fit(x, x[:, 0] * 3), data="line.csv", target="y", slug="line")
    cause = "cannot compare: the training rows of {} are unknown; next, promote this version by hand"
    assert (done["version"], done["promoted"]) == (2, False)
    assert done["reason"] == f"{cause.format('the challenger')} if it is to replace the live one"

    done = bring(None, "--promote", "always", data="line.csv", target="y", slug="line")
    assert (done["version"], done["promoted"]) == (3, True)
    call_command("retrain", "line")
    newest = Version.objects.get(number=4)
    assert newest.decision["reason"] == f"{cause.format('version 3')}, and later ones can be compared with it"
    assert Version.objects.find_live("line").number == 3


@pytest.mark.both_databases
def test_the_same_file_twice_registers_once_unless_forced(bring):
    bring()
    again = bring()
    assert (again["version"], again["reason"]) == (None, "predicts as version 1, which is live: nothing to register")
    assert bring(None, "--force")["version"] == 2
    assert bring(None, "--dry-run", "--force")["version"] is None
    assert Version.objects.count() == 2


@pytest.mark.both_databases
def test_the_same_file_registers_nothing_next_to_an_import_of_a_build_that_stored_no_origin(bring):
    bring()
    version = Version.objects.get()
    del version.data["origin"]
    version.save()
    assert Version.objects.get().is_imported
    again = bring()
    assert (again["version"], again["promoted"]) == (None, False)
    assert "nothing to register" in again["reason"]


@pytest.mark.both_databases
def test_a_model_without_a_recipe_lives_as_any_other(bring, client, admin_client, capsys):
    bring(None, "--title", "Rents in Ulm")
    bring(None, "--force", "--promote", "always")
    about = client.get("/about/rent/").content.decode()
    assert "measured on 80 rows (sample, may have been trained on)." in about
    assert "imported from model.pkl; its training rows are unknown. Tested here on 80 rows of numbers.csv" in about
    shown = admin_client.get("/admin/predictor/version/").content.decode()
    assert "unknown / 80 (sample, may have been trained on)" in shown
    call_command("rollback", "rent", "--reason", "as it was")
    call_command("promote", "rent", "2", "--reason", "forward again")
    call_command("versions", "rent")
    call_command("retrain")
    call_command("check", "--database", "default")
    assert "rent" in capsys.readouterr().out
    assert sorted(Version.objects.live().values_list("model", "number")) == [("line", 1), ("penguins", 1), ("rent", 2)]


def test_the_text_says_that_it_was_fitted_elsewhere(folder, models_dir, capsys):
    files = (folder / "model.pkl", "--data", folder / "numbers.csv", "--target", "rent")
    call_command("importmodel", "line", *map(str, files), "--trust")
    printed = capsys.readouterr()
    first, _, header, *scores = printed.out.splitlines()
    assert first == "line  version 1  live  trained elsewhere"
    assert header.startswith("  sample, may have been trained on, 80 rows")
    assert {len(line) for line in (header, *scores)} == {len(header)}
    assert "a recipe of this name exists; it is not used" in printed.err
    assert "the model is given a matrix of numbers" in printed.err


ASK_WORKER = """
import sys
from predictor.exceptions import ModelNotReady
from predictor.serving.service import service

def ask(slug):
    runtime = service.get_runtime(slug)
    row = runtime.schema.parse({{name: {inputs!r}[name] for name in runtime.schema.names}})
    print(runtime.predict(runtime.schema.encode([row]))[0].output)

sys.modules["pandas"] = None  # As if it were not installed.
ask("rent")
try:
    ask("flats")
except ModelNotReady as error:
    print(error)
del sys.modules["pandas"]
service.forget()
ask("flats")
print({{"predictor.training", "polars", "matplotlib"}} & set(sys.modules))
"""


def test_a_fresh_worker_serves_it_without_training_and_only_a_data_frame_needs_pandas(bring, database_url):
    on_names, on_frame = LinearRegression().fit(NUMBERS, RENT), fit_flats(KNeighborsRegressor())
    bring(on_names)
    bring(on_frame, data="flats.csv", slug="flats")
    inputs = {"area": 70.0, "floor": 3, "town": "Ulm", "lift": True, "year": 1960}
    done = run_manage("shell", "--no-imports", "-c", ASK_WORKER.format(inputs=inputs), DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    rent, refused, flats, imported = done.stdout.splitlines()
    assert float(rent) == pytest.approx(on_names.predict(NUMBERS[:1].assign(area=70.0, floor=3))[0], rel=1e-12)
    assert "pandas is not installed here: add pandas to requirements.in" in refused
    assert float(flats) == pytest.approx(on_frame.predict(FLATS[:1].assign(**inputs))[0], rel=1e-12)
    assert imported == "set()"
