"""Models that were saved in parts: dicts, tuples, several files, dummies and label encoders, up to what is answered."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from django.core.management import CommandError, call_command
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, MinMaxScaler, OneHotEncoder, StandardScaler

from predictor.estimators.imported import ImportedOnFrame
from predictor.models import Prediction, Version
from predictor.outcomes.recording import record_outcome
from predictor.serving.runtime import load_comparable
from tests.importing import import_parts, refuse

pytestmark = pytest.mark.django_db

ROWS = 120
RANDOM = np.random.default_rng(0)
TOWNS = ["Bonn", "Kiel", "Ulm"]
FLATS = pd.DataFrame(
    {
        "area": RANDOM.uniform(20, 150, ROWS).round(1),
        "rooms": RANDOM.integers(1, 6, ROWS),
        "town": RANDOM.choice(TOWNS, ROWS),
        "floor": RANDOM.integers(0, 3, ROWS),
    }
)
NUMBERS = FLATS[["area", "rooms"]]
RENT = (FLATS["area"] * 11 + FLATS["rooms"] * 40 + FLATS["town"].map({"Bonn": 0, "Kiel": 90, "Ulm": -50})).round(1)
CLASS = np.select([RENT < 800, RENT < 1200], ["cheap", "fair"], "dear")


@pytest.fixture
def bring(tmp_path, models_dir, capsys):
    """Import files by their names, and give the result and what was said meanwhile."""

    def call(*arguments, sample, target="rent", **files):
        import_parts(tmp_path, "flat", files, sample, target, "--format", "json", *arguments)
        printed = capsys.readouterr()
        [done] = json.loads(printed.out)
        return done, printed.err

    return call


def answer(client, **inputs):
    """The output of the form and of the API, which are the same, with an outcome recorded for it."""
    response = client.post("/flat/", inputs, follow=True)
    assert response.status_code == 200, response.content.decode()
    prediction = Prediction.objects.latest("id")
    sent = client.post("/api/v1/models/flat/predict", json.dumps({"inputs": inputs}), content_type="application/json")
    assert sent.status_code == 200, sent.content
    [sent_back] = sent.json()["predictions"]
    assert sent_back["output"] == prediction.output
    outcome, _ = record_outcome(prediction, str(prediction.output), by="ada", seen=None)
    assert outcome.value == prediction.output
    page = BeautifulSoup(client.get(prediction.get_absolute_url()).content, "html.parser")
    assert page.select_one("#prediction")["data-value"] == str(prediction.output)
    assert page.select_one("#outcome strong").text
    return prediction.output


def test_a_dict_of_model_scaler_and_columns_is_one_model(bring, client):
    scaler = StandardScaler().fit(NUMBERS)
    model = LinearRegression().fit(scaler.transform(NUMBERS), RENT)
    content = {"model": model, "scaler": scaler, "columns": list(NUMBERS), "threshold": 0.3}
    done, said = bring(model=content, sample=NUMBERS[["rooms", "area"]].assign(rent=RENT))
    assert done["promoted"]
    assert "not used: threshold (a float)" in said
    expected = model.predict(scaler.transform(pd.DataFrame({"area": [70.0], "rooms": [3]})))[0]
    assert answer(client, area="70", rooms="3") == pytest.approx(expected, rel=1e-12)
    assert Version.objects.get().report["compiled"]["state"] == "compiled"


def test_columns_that_only_the_list_of_names_knows_are_taken_by_name(bring, client):
    scaler = StandardScaler().fit(NUMBERS.to_numpy())
    model = LinearRegression().fit(scaler.transform(NUMBERS.to_numpy()), RENT)
    bring(model=(model, scaler, pd.Index(["area", "rooms"])), sample=FLATS[["rooms", "area"]].assign(rent=RENT))
    expected = model.predict(scaler.transform([[70.0, 3]]))[0]
    assert answer(client, area="70", rooms="3") == pytest.approx(expected, rel=1e-12)


def test_several_files_are_one_model(bring, client):
    scaler = MinMaxScaler().fit(NUMBERS)
    model = HistGradientBoostingRegressor(max_iter=5).fit(scaler.transform(NUMBERS), RENT)
    bring(scaler=scaler, regressor=model, sample=NUMBERS.assign(rent=RENT))
    expected = model.predict(scaler.transform(pd.DataFrame({"area": [70.0], "rooms": [3]})))[0]
    assert answer(client, area="70", rooms="3") == pytest.approx(expected, rel=1e-12)
    data = Version.objects.get().data
    assert data["model_file"] == "scaler.pkl, regressor.pkl"
    assert [len(sha) for sha in data["model_sha256"].split(", ")] == [64, 64]
    about = client.get("/about/flat/").content.decode()
    assert "imported from scaler.pkl, regressor.pkl" in about


def test_without_trust_every_file_is_named_and_none_is_loaded(tmp_path, models_dir):
    for name in ("scaler.pkl", "model.pkl"):
        (tmp_path / name).write_bytes(b"\x80not to be loaded")
    files = (tmp_path / "scaler.pkl", tmp_path / "model.pkl", "--data", "x.csv", "--target", "rent")
    with pytest.raises(CommandError) as error:
        call_command("importmodel", "flat", *map(str, files))
    assert error.value.returncode == 2
    for part in ("scaler.pkl is a pickle of", "model.pkl is a pickle of", "not loaded"):
        assert part in str(error.value)


def test_the_order_of_several_steps_is_asked_for_and_taken_from_the_option(bring, client):
    gaps = NUMBERS.assign(area=NUMBERS["area"].where(NUMBERS.index % 7 != 0))
    imputer = SimpleImputer().fit(gaps.to_numpy())
    scaler = StandardScaler().fit(imputer.transform(gaps.to_numpy()))
    model = Ridge().fit(scaler.transform(imputer.transform(gaps.to_numpy())), RENT)
    parts = {"scaler": scaler, "imputer": imputer, "model": model}
    message = refuse(bring, model=parts, sample=gaps.assign(rent=RENT))
    assert (
        "their order is not known: add --steps with those to apply, in that order; they are 'scaler', 'imput" in message
    )
    bring("--steps", "imputer", "scaler", model=parts, sample=gaps.assign(rent=RENT))
    expected = make_pipeline(imputer, scaler, model).predict([[np.nan, 3]])[0]
    assert answer(client, area="", rooms="3") == pytest.approx(expected, rel=1e-12)


def test_a_scaler_of_some_columns_is_applied_to_these(bring, client):
    scaler = StandardScaler().fit(NUMBERS)
    table = FLATS[["floor", "rooms", "area"]]
    scaled = table.astype(float)
    scaled[["area", "rooms"]] = scaler.transform(NUMBERS)
    model = Ridge().fit(scaled, RENT)
    bring(model={"model": model, "scaler": scaler}, sample=table.assign(rent=RENT))
    row = pd.DataFrame({"area": [70.0], "rooms": [3]})
    [[area, rooms]] = scaler.transform(row)
    expected = model.predict(pd.DataFrame({"floor": [2.0], "rooms": [rooms], "area": [area]}))[0]
    assert answer(client, area="70", rooms="3", floor="2") == pytest.approx(expected, rel=1e-12)
    assert Version.objects.get().report["compiled"]["state"] == "compiled"


def test_the_columns_of_a_scaler_that_knows_no_names_are_asked_for(bring, client):
    scaler = StandardScaler().fit(NUMBERS.to_numpy())
    scaled = FLATS[["floor", "area", "rooms"]].astype(float)
    scaled[["area", "rooms"]] = scaler.transform(NUMBERS.to_numpy())
    model = Ridge().fit(scaled, RENT)
    sample = FLATS[["floor", "area", "rooms"]].assign(rent=RENT)
    message = refuse(bring, model=(scaler, model), sample=sample)
    assert "0, a StandardScaler, gives 2 columns, and 3 are wanted after it" in message
    assert 'add --steps "0=COLUMN,…" with the 2 that it takes' in message
    bring("--steps", "0=area,rooms", model=(scaler, model), sample=sample)
    [[area, rooms]] = scaler.transform([[70.0, 3]])
    expected = model.predict(pd.DataFrame({"floor": [2.0], "area": [area], "rooms": [rooms]}))[0]
    assert answer(client, area="70", rooms="3", floor="2") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("knows_names", [True, False])
def test_a_scaler_of_some_columns_of_an_estimator_without_names_is_applied_to_these(bring, client, knows_names):
    scaler = StandardScaler().fit(NUMBERS[["rooms"]] if knows_names else NUMBERS[["rooms"]].to_numpy())
    inputs = np.column_stack([NUMBERS["area"], (NUMBERS["rooms"] - scaler.mean_[0]) / scaler.scale_[0]])
    parts = {"model": LinearRegression().fit(inputs, RENT), "scaler": scaler}
    if not knows_names:
        message = refuse(bring, model=parts, sample=NUMBERS.assign(rent=RENT))
        assert "scaler, a StandardScaler, gives 1 column, and 2 are wanted after it" in message
        assert 'add --steps "scaler=COLUMN,…" with the 1 that it takes' in message
    bring(*([] if knows_names else ["--steps", "scaler=rooms"]), model=parts, sample=NUMBERS.assign(rent=RENT))
    expected = parts["model"].predict([[70.0, (3 - scaler.mean_[0]) / scaler.scale_[0]]])[0]
    assert answer(client, area="70", rooms="3") == pytest.approx(expected, rel=1e-12)


def test_the_names_of_a_matrix_that_was_put_together_are_asked_for_and_written_out(bring, client):
    scaler, encoder = StandardScaler().fit(NUMBERS), OneHotEncoder(sparse_output=False).fit(FLATS[["town"]])
    model = LinearRegression().fit(np.hstack([scaler.transform(NUMBERS), encoder.transform(FLATS[["town"]])]), RENT)
    files = {"encoder": encoder, "scaler": scaler, "model": model}
    sample = FLATS.drop(columns="floor").assign(rent=RENT)
    message = refuse(bring, "--steps", "encoder.pkl", "scaler.pkl", **files, sample=sample)
    columns = "area,rooms,town_Bonn,town_Kiel,town_Ulm"
    assert f'such as --columns "{columns}"' in message
    bring("--columns", columns, **files, sample=sample)
    row = np.hstack([scaler.transform(NUMBERS[:1]), [[0, 1, 0]]])
    inputs = {"area": str(NUMBERS["area"][0]), "rooms": str(NUMBERS["rooms"][0]), "town": "Kiel"}
    assert answer(client, **inputs) == pytest.approx(model.predict(row)[0], rel=1e-12)


TEXTS = pd.DataFrame({"message": ["good day", "bad day", "good news", "no news"] * 20})


def test_an_estimator_that_takes_no_sparse_matrix_gets_the_terms_of_a_vectoriser_dense(bring, client):
    words = TfidfVectorizer().fit(TEXTS["message"])
    model = GaussianNB().fit(words.transform(TEXTS["message"]).toarray(), [1, 0, 1, 0] * 20)
    bring(model=model, words=words, sample=TEXTS.assign(rent=[1, 0, 1, 0] * 20))
    assert answer(client, message="good news") == 1


def test_a_column_that_a_model_of_texts_does_not_take_is_left_out_by_its_description(bring, client, models_dir):
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS["message"], [1, 0, 1, 0] * 20)
    sample = TEXTS.assign(length=TEXTS["message"].str.len(), rent=[1, 0, 1, 0] * 20)
    message = refuse(bring, "--text", "message", model=model, sample=sample)
    assert "not among them: 'length'; leave such out of the sample, or write exclude = true" in message
    describe(models_dir, "[features.length]\nexclude = true")
    bring(model=model, sample=sample)
    assert answer(client, message="good news") == 1


def test_a_missing_text_reaches_a_vectoriser_of_a_column_as_an_empty_one(bring, client):
    texts = TEXTS.assign(length=TEXTS["message"].str.len())
    columns = ColumnTransformer([("words", TfidfVectorizer(), "message")], remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression()).fit(texts, [1, 0, 1, 0] * 20)
    sample = texts.assign(rent=[1, 0, 1, 0] * 20)
    sample.loc[0, "message"] = None
    bring(model=model, sample=sample)
    expected = model.predict_proba(pd.DataFrame({"message": [""], "length": [9]}))[0]
    answer(client, message="", length="9")
    assert list(Prediction.objects.latest("id").probabilities.values()) == pytest.approx(expected, rel=1e-9)


def test_xgboost_is_asked_how_it_got_the_terms_of_a_vectoriser(bring, client):
    xgboost = pytest.importorskip("xgboost", reason="needs requirements-boosters.txt")
    words, target = TfidfVectorizer().fit(TEXTS["message"]), [1, 0, 1, 0] * 20
    terms = words.transform(TEXTS["message"]).toarray()
    model = xgboost.XGBClassifier(n_estimators=5).fit(terms, target)
    sample = TEXTS.assign(rent=target)
    assert "add --terms dense where it was fitted on what toarray()" in refuse(
        bring, model=model, words=words, sample=sample
    )
    bring("--terms", "dense", model=model, words=words, sample=sample)
    assert answer(client, message="no news") == 0
    shares = model.predict_proba(terms[3:4])[0]
    assert list(Prediction.objects.latest("id").probabilities.values()) == pytest.approx(shares, rel=1e-6)


def test_a_vectoriser_of_another_model_is_named(bring):
    model = LogisticRegression().fit(np.eye(6), [0, 1] * 3)
    files = {"model": model, "words": TfidfVectorizer().fit(TEXTS["message"])}
    message = refuse(bring, **files, sample=TEXTS.assign(rent=[0, 1] * 40))
    assert "words.pkl, a TfidfVectorizer, gives 5 columns, and 6 are wanted after it: they were not fitted" in message


def test_steps_that_the_option_leaves_out_are_named_and_two_files_of_one_name_are_refused(bring, tmp_path):
    scaler, other = StandardScaler().fit(NUMBERS), StandardScaler().fit(RENT.to_frame())
    model = LinearRegression().fit(scaler.transform(NUMBERS), RENT)
    files = {"model": model, "scaler_x": scaler, "scaler_y": other}
    _, said = bring("--steps", "scaler_x.pkl", **files, sample=NUMBERS.assign(rent=RENT))
    assert "not used: scaler_y.pkl (a StandardScaler)" in said
    (tmp_path / "old").mkdir()
    paths = [tmp_path / "model.pkl", (tmp_path / "scaler_x.pkl").rename(tmp_path / "old" / "model.pkl")]
    with pytest.raises(CommandError, match=r"several files of the name 'model\.pkl'"):
        call_command(
            "importmodel",
            "flat",
            *map(str, paths),
            "--data",
            str(tmp_path / "sample.csv"),
            "--target",
            "rent",
            "--trust",
        )


def test_encoder_and_scaler_of_columns_of_their_own_need_no_order(bring, client):
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(FLATS[["town"]])
    scaler = StandardScaler().fit(NUMBERS)
    encoded = pd.DataFrame(encoder.transform(FLATS[["town"]]), columns=encoder.get_feature_names_out())
    scaled = pd.DataFrame(scaler.transform(NUMBERS), columns=list(NUMBERS))
    model = Ridge().fit(pd.concat([scaled, encoded], axis=1), RENT)
    parts = {"model": model, "encoder": encoder, "scaler": scaler}
    bring(model=parts, sample=FLATS[["town", "area", "rooms"]].assign(rent=RENT))
    [number] = scaler.transform(pd.DataFrame({"area": [70.0], "rooms": [3]}))
    expected = model.predict(pd.DataFrame([[*number, 0, 1, 0]], columns=[*NUMBERS, *encoded]))[0]
    assert answer(client, area="70", rooms="3", town="Kiel") == pytest.approx(expected, rel=1e-12)
    assert type(load_comparable(Version.objects.get()).estimator) is ImportedOnFrame


def fit_dummies(table, **options):
    dummies = pd.get_dummies(table, **options)
    return Ridge().fit(dummies, RENT), partial(predict_dummies, list(dummies))


def predict_dummies(columns, model, **values):
    return model.predict(pd.DataFrame([{**dict.fromkeys(columns, 0), **values}])[columns])[0]


def test_dummies_are_one_choice_of_the_column_that_they_were_made_of(bring, client):
    model, predict = fit_dummies(FLATS[["area", "town"]])
    _, said = bring(model=model, sample=FLATS[["area", "town"]].assign(rent=RENT))
    assert "town: one choice for 3 columns of the model" in said
    page = BeautifulSoup(client.get("/flat/").content, "html.parser")
    assert [field["name"] for field in page.select("form .field :is(input, select)")] == ["area", "town"]
    assert [option["value"] for option in page.select("select[name=town] option")] == ["", *TOWNS]
    for town in TOWNS:
        expected = predict(model, area=70.0, **{f"town_{town}": 1})
        assert answer(client, area="70", town=town) == pytest.approx(expected, rel=1e-12)
    version = Version.objects.get()
    assert version.report["compiled"]["state"] == "compiled"
    assert "pandas" not in version.libraries


def test_dummies_of_whole_numbers_and_in_any_order_are_known_again(bring, client):
    table = FLATS[["area", "town", "floor"]]
    dummies = pd.get_dummies(table, columns=["floor", "town"])
    names = [*dummies][::-1]
    model = Ridge().fit(dummies[names].to_numpy(dtype=float), RENT)
    bring(model={"model": model, "columns": names}, sample=table.assign(rent=RENT))
    expected = model.predict([[{"area": 70.0, "floor_2": 1, "town_Ulm": 1}.get(name, 0) for name in names]])[0]
    assert answer(client, area="70", town="Ulm", floor="2") == pytest.approx(expected, rel=1e-12)


def test_the_category_without_a_column_is_asked_for(bring, client):
    model, predict = fit_dummies(FLATS[["area", "town"]], drop_first=True)
    sample = FLATS[["area", "town"]].assign(rent=RENT)
    message = refuse(bring, model=model, sample=sample)
    assert "the model has a column for each of 'Kiel', 'Ulm', and none for 'Bonn'" in message
    assert 'if drop_first left it out, add --dropped "town=Bonn"' in message
    bring("--dropped", "town=Bonn", model=model, sample=sample)
    assert Version.objects.get().parsed_schema.features[1].choices == ("Bonn", "Kiel", "Ulm")
    assert answer(client, area="70", town="Bonn") == pytest.approx(predict(model, area=70.0), rel=1e-12)
    assert answer(client, area="70", town="Ulm") == pytest.approx(predict(model, area=70.0, town_Ulm=1), rel=1e-12)


@pytest.mark.parametrize(("dummy_na", "column"), [(False, {}), (True, {"town_nan": 1})])
def test_missing_values_of_dummies_are_what_get_dummies_makes_of_them(bring, client, dummy_na, column):
    table = FLATS[["area", "town"]].assign(town=FLATS["town"].where(FLATS.index % 9 != 0))
    model, predict = fit_dummies(table, dummy_na=dummy_na)
    bring(model=model, sample=table.assign(rent=RENT))
    assert answer(client, area="70", town="") == pytest.approx(predict(model, area=70.0, **column), rel=1e-12)


PREFIXES = [("t_", {"prefix": "t"}), ("town.", {"prefix_sep": "."}), ("", {"prefix": "", "prefix_sep": ""})]


@pytest.mark.parametrize(("prefix", "given"), PREFIXES)
def test_what_get_dummies_wrote_before_a_category_is_asked_for(bring, client, prefix, given):
    flats = FLATS.drop(columns="floor")
    dummies = pd.get_dummies(flats, columns=["town"], drop_first=True, **given)
    model, sample = LinearRegression().fit(dummies, RENT), flats.assign(rent=RENT)
    assert f"if get_dummies made them of 'town', add --dummies \"town={prefix}\"" in refuse(
        bring, model=model, sample=sample
    )
    options = ["--dummies", f"town={prefix}"]
    assert 'add --dropped "town=Bonn"' in refuse(bring, *options, model=model, sample=sample)
    bring(*options, "--dropped", "town=Bonn", model=model, sample=sample)
    expected = model.predict(dummies[flats["town"] == "Kiel"][:1].assign(area=70.0, rooms=3))[0]
    assert answer(client, area="70", rooms="3", town="Kiel") == pytest.approx(expected, rel=1e-12)


def test_a_scaler_over_dummies_is_applied_to_them(bring, client):
    dummies = pd.get_dummies(FLATS[["area", "town"]])
    scaler = StandardScaler().fit(dummies)
    model = Ridge().fit(scaler.transform(dummies), RENT)
    bring(model={"scaler": scaler, "model": model}, sample=FLATS[["area", "town"]].assign(rent=RENT))
    row = pd.DataFrame([[70.0, 0, 1, 0]], columns=list(dummies))
    assert answer(client, area="70", town="Kiel") == pytest.approx(model.predict(scaler.transform(row))[0], rel=1e-12)


def test_a_column_that_only_begins_like_another_is_no_category(bring):
    table = FLATS[["area"]].assign(area_squared=FLATS["area"] ** 2)
    message = refuse(bring, model=Ridge().fit(table, RENT), sample=FLATS[["area"]].assign(rent=RENT))
    assert "the model was fitted on other columns; missing: 'area_squared'" in message


def test_a_category_that_fits_two_columns_is_not_guessed(bring):
    table = pd.DataFrame({"town": ["a", "b"] * 60, "town_part": ["x", "y"] * 60})
    model = Ridge().fit(pd.get_dummies(table).assign(town_part_z=0), RENT)
    message = refuse(bring, model=model, sample=table.assign(rent=RENT))
    assert "the model's column 'town_part_z' may be a category of 'town', 'town_part': rename one of them" in message


@pytest.mark.parametrize("is_coded", [True, False])
@pytest.mark.parametrize("classifier", [LogisticRegression(max_iter=9000), RandomForestClassifier(5, random_state=0)])
def test_classes_get_the_words_of_their_label_encoder(bring, client, is_coded, classifier):
    encoder = LabelEncoder().fit(CLASS)
    model = classifier.fit(NUMBERS, encoder.transform(CLASS))
    target = encoder.transform(CLASS) if is_coded else CLASS
    done, said = bring(model={"model": model, "le": encoder}, sample=NUMBERS.assign(price=target), target="price")
    assert done["metrics"]["accuracy"] == pytest.approx(model.score(NUMBERS, encoder.transform(CLASS)))
    assert "price: a LabelEncoder gives its codes their words" in said
    assert Version.objects.get().parsed_schema.target.classes == ("cheap", "dear", "fair")
    row = pd.DataFrame({"area": [149.0], "rooms": [5]})
    assert answer(client, area="149", rooms="5") == encoder.inverse_transform(model.predict(row))[0] == "dear"
    probabilities = Prediction.objects.latest("id").probabilities
    assert probabilities == pytest.approx(dict(zip(encoder.classes_, model.predict_proba(row)[0], strict=True)))


@pytest.mark.parametrize("is_coded", [True, False])
def test_inputs_are_the_words_of_their_label_encoder(bring, client, is_coded):
    encoders = {"town": LabelEncoder().fit(FLATS["town"])}
    coded = FLATS[["area", "town"]].assign(town=encoders["town"].transform(FLATS["town"]))
    model = HistGradientBoostingRegressor(max_iter=9).fit(coded, RENT)
    sample = (coded if is_coded else FLATS[["area", "town"]]).assign(rent=RENT)
    bring(model={"model": model, "encoders": encoders}, sample=sample)
    feature = Version.objects.get().parsed_schema.features[1]
    assert (feature.kind, feature.choices, feature.seen) == ("category", tuple(TOWNS), tuple(TOWNS))
    expected = model.predict(pd.DataFrame({"area": [70.0], "town": [2]}))[0]
    assert answer(client, area="70", town="Ulm") == pytest.approx(expected, rel=1e-12)
    assert Prediction.objects.latest("id").inputs["town"] == "Ulm"
    assert type(load_comparable(Version.objects.get()).estimator) is not ImportedOnFrame


def test_the_column_of_an_encoder_is_asked_for_where_it_fits_several(bring, client):
    table = FLATS[["area", "town"]].assign(born=np.roll(FLATS["town"], 1))
    encoder = LabelEncoder().fit(TOWNS)
    coded = table.assign(town=encoder.transform(table["town"]), born=encoder.transform(table["born"]))
    parts = {"model": Ridge().fit(coded, RENT), "le": encoder}
    message = refuse(bring, model=parts, sample=coded.assign(born=table["born"], town=table["town"], rent=RENT))
    assert "le, a LabelEncoder, fits the columns 'town', 'born': add --encoder \"le=COLUMN\"" in message
    bring("--encoder", "le=town", model=parts, sample=coded.assign(town=table["town"], rent=RENT))
    expected = parts["model"].predict(pd.DataFrame({"area": [70.0], "town": [1], "born": [2]}))[0]
    assert answer(client, area="70", town="Kiel", born="2") == pytest.approx(expected, rel=1e-12)


def test_label_encoders_are_placed_by_their_words_their_codes_or_the_names_of_their_files(bring, client):
    town, grade = LabelEncoder().fit(FLATS["town"]), LabelEncoder().fit(CLASS)
    coded = NUMBERS.assign(town=town.transform(FLATS["town"]))
    model = RandomForestClassifier(5, random_state=0).fit(coded, grade.transform(CLASS))
    expected = grade.inverse_transform(model.predict(pd.DataFrame({"area": [70.0], "rooms": [3], "town": [1]})))[0]
    sample = coded.assign(rent=grade.transform(CLASS))
    message = refuse(bring, model=model, one=town, two=grade, sample=sample)
    assert "one.pkl, a LabelEncoder, fits the columns 'town', 'rent': add --encoder \"one.pkl=COLUMN\"" in message
    bring(model=model, le_town=town, rent_encoder=grade, sample=sample)
    assert answer(client, area="70", rooms="3", town="Kiel") == expected


@pytest.mark.parametrize(
    ("arguments", "parts", "problem"),
    [
        ([], {"a": Ridge(), "b": Ridge()}, "several parts have predict: add --estimator with the one to serve"),
        (["--estimator", "c"], {"a": Ridge()}, "--estimator: there is no part 'c'; the parts are 'a'"),
        (["--estimator", "s"], {"a": Ridge(), "s": [1.0]}, "there is no part 's'; the parts are 'a', 's/0'"),
        (["--steps", "le"], {"a": Ridge(), "le": LabelEncoder().fit(["x", "y"])}, "--steps: 'le' prepares no inputs"),
        ([], {"a": Ridge(), "le": LabelEncoder().fit(["x", "y"])}, "le, a LabelEncoder, fits no column of the sample"),
        ([], {"a": Ridge(), "le": LabelEncoder()}, "le, a LabelEncoder, is not fitted"),
        ([], {"a": Ridge(), "area": LabelEncoder().fit(["x"])}, "area: area, its LabelEncoder, does not know"),
        (["--columns", "a"], {"a": Ridge().fit([[1, 2]], [1])}, "--columns: 'a' is not a list of names"),
        (
            [],
            {"a": Ridge().fit([[1, 2]], [1]), "c": ["area", "rooms"], "d": ["rooms", "area"]},
            "several parts may be the names of its columns: add --columns with one of 'c', 'd'",
        ),
        (
            ["--steps", "s=area"],
            {"a": Ridge(), "s": StandardScaler().fit(NUMBERS)},
            "takes 2 columns, and --steps names 1",
        ),
    ],
)
def test_what_parts_do_not_tell_is_asked_and_what_does_not_fit_is_named(bring, arguments, parts, problem):
    assert problem in refuse(bring, *arguments, model=parts, sample=NUMBERS.assign(rent=RENT))


def test_the_estimator_of_several_is_the_one_of_the_option(bring, client):
    models = {"ridge": Ridge().fit(NUMBERS, RENT), "line": LinearRegression().fit(NUMBERS, RENT)}
    bring("--estimator", "line", model=models, sample=NUMBERS.assign(rent=RENT))
    assert Version.objects.get().estimator == "LinearRegression()"


def describe(models_dir, toml):
    (models_dir / "flat").mkdir()
    (models_dir / "flat" / "model.toml").write_text(toml)


@pytest.mark.parametrize("is_coded", [True, False])
def test_a_description_gives_words_to_dummies_to_codes_and_to_what_an_encoder_knows(
    bring, client, models_dir, is_coded
):
    describe(
        models_dir,
        """
        [features.floor.labels]
        0 = "ground floor"
        1 = "first floor"
        2 = "second floor"
        [features.town]
        label = "City"
        labels = { Kiel = "Kiel on the fjord" }
        merge = { Kiel = ["kiel"] }
        [features.rooms.labels]
        5 = "five"
        4 = "four"
        3 = "three"
        2 = "two"
        1 = "one"
        [output]
        maximum = 1200.5
        """,
    )
    table, encoder = FLATS[["area", "rooms", "town", "floor"]], LabelEncoder().fit(FLATS["town"])
    coded = pd.get_dummies(table.assign(town=encoder.transform(table["town"])), columns=["floor"])
    model = Ridge().fit(coded, RENT)
    town = (
        encoder.transform(table["town"])
        if is_coded
        else table["town"].where(table.index > 9, table["town"].replace("Kiel", "kiel"))
    )
    bring(model={"model": model, "town": encoder}, sample=table.assign(town=town, rent=RENT))
    schema = Version.objects.get().parsed_schema
    rooms, town, floor = schema.features[1:]
    assert (rooms.choices, floor.choices, town.choices) == (("5", "4", "3", "2", "1"), ("0", "1", "2"), tuple(TOWNS))
    assert (town.label, town.labels, floor.labels["2"]) == ("City", {"Kiel": "Kiel on the fjord"}, "second floor")
    row = dict.fromkeys(coded, 0) | {"area": 70.0, "rooms": 3, "town": 1, "floor_2": 1}
    expected = model.predict(pd.DataFrame([row]))[0]
    assert answer(client, area="70", rooms="three", town="kiel on the fjord", floor="second floor") == pytest.approx(
        expected
    )
    assert answer(client, area="70", rooms="3", town="kiel", floor="2") == pytest.approx(expected)
    assert Prediction.objects.latest("id").inputs["town"] == "Kiel"
    assert answer(client, area="149", rooms="5", town="Ulm", floor="0") == 1200.5


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('[features.town]\nkind = "number"', "features.town.kind: leave it out: the model takes this column as one of"),
        ('[features.town]\nchoices = ["Bonn"]', "features.town.choices: leave it out: the model takes this column as"),
        ('[features.town]\nunseen = "other"', "features.town.unseen: leave it out: a LabelEncoder knows no other"),
        ("[features.town.labels]\nRome = 'x'", "features.town.labels.Rome: there is no such value"),
    ],
)
def test_a_description_that_a_part_does_not_allow_is_refused_with_its_key(bring, models_dir, toml, problem):
    describe(models_dir, toml)
    encoder = LabelEncoder().fit(FLATS["town"])
    model = Ridge().fit(FLATS[["area", "town"]].assign(town=encoder.transform(FLATS["town"])), RENT)
    sample = FLATS[["area", "town"]].assign(rent=RENT)
    message = refuse(bring, model={"model": model, "le": encoder}, sample=sample)
    assert problem in message
    assert str(models_dir / "flat" / "model.toml") in message


def test_dummies_of_a_category_that_was_never_seen_are_all_0_where_a_description_allows_others(
    bring, client, models_dir
):
    describe(models_dir, '[features.town]\nunseen = "other"')
    model, predict = fit_dummies(FLATS[["area", "town"]])
    bring(model=model, sample=FLATS[["area", "town"]].assign(rent=RENT))
    assert answer(client, area="70", town="Rome") == pytest.approx(predict(model, area=70.0), rel=1e-12)


def test_classes_of_a_label_encoder_get_the_words_and_the_threshold_of_a_description(bring, client, models_dir):
    describe(
        models_dir,
        """
        [features.price.labels]
        cheap = "a bargain"
        dear = "too much"
        [output]
        positive = "too much"
        threshold = 0.01
        """,
    )
    classes = np.where(CLASS == "fair", "dear", CLASS)
    encoder = LabelEncoder().fit(classes)
    model = LogisticRegression(max_iter=9000).fit(NUMBERS, encoder.transform(classes))
    sample = NUMBERS.assign(price=encoder.transform(classes))
    bring(model={"model": model, "le": encoder}, sample=sample, target="price")
    shares = model.predict_proba(NUMBERS)
    case = NUMBERS[(shares[:, 1] > 0.01) & (shares[:, 1] < 0.5)].iloc[0]
    assert answer(client, area=str(case["area"]), rooms=str(int(case["rooms"]))) == "dear"
    assert "too much" in client.get(Prediction.objects.latest("id").get_absolute_url()).content.decode()
