"""A model that was fitted elsewhere on codes, and a model.toml without data that describes it in words."""

import joblib
import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from predictor.estimators.coded import Coded
from predictor.models import Prediction, Version
from predictor.serving.runtime import load_comparable, load_runtime

pytestmark = pytest.mark.django_db

ROWS = 240
RANDOM = np.random.default_rng(0)
PEOPLE = pd.DataFrame(
    {
        "education": RANDOM.choice([3, 1, 7], ROWS),
        "married": RANDOM.integers(0, 2, ROWS),
        "owner": RANDOM.choice([True, False], ROWS),
        "income": RANDOM.normal(50, 10, ROWS).round(1),
    }
)
GRANTED = (PEOPLE["income"] + 4 * PEOPLE["education"] + RANDOM.normal(0, 4, ROWS) > 64).astype(int).rename("granted")
AMOUNT = (PEOPLE["income"] * 90 + PEOPLE["education"] * 700 + 300 * PEOPLE["married"]).round().rename("amount")
DESCRIBED = """
title = "Loans from elsewhere"
access = "public"
description = "Trained by a friend."
target = "granted"
[features.granted]
label = "Decision"
labels = { 0 = "refused", 1 = "granted" }
[features.education]
label = "Education"
labels = { 7 = "degree", 3 = "school", 1 = "none" }
[features.married.labels]
0 = "no"
1 = "yes, married"
[features.income]
unit = "k€"
[output]
positive = "granted"
threshold = 0.3
"""


AMOUNTS = """
target = "amount"
[features.amount]
unit = "€"
[features.education.labels]
7 = "degree"
3 = "school"
1 = "none"
[output]
scale = 0.001
unit = "k€"
decimals = 1
maximum = 9000
"""
OF_AMOUNTS = {"target": AMOUNT, "data": PEOPLE.drop(columns="owner")}


def fit_on_frame():
    """A pipeline that finds its columns by name, and its codes as numbers."""
    columns = ColumnTransformer(
        [("codes", OneHotEncoder(handle_unknown="error"), ["education", "married", "owner"])], remainder="passthrough"
    )
    return make_pipeline(columns, RandomForestClassifier(n_estimators=10, random_state=0)).fit(PEOPLE, GRANTED)


@pytest.fixture
def bring(tmp_path, settings, db):
    settings.MODELS_DIR = tmp_path / "ml_models"

    def bring(estimator, toml=DESCRIBED, target=GRANTED, slug="loans", **options):
        folder = settings.MODELS_DIR / slug
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.toml").write_text(toml)
        joblib.dump(estimator, tmp_path / "model.pkl")
        data = options.pop("data", PEOPLE)
        data.assign(**{target.name: target}).to_csv(tmp_path / "sample.csv", index=False)
        file, sample = tmp_path / "model.pkl", tmp_path / "sample.csv"
        call_command("importmodel", slug, file, data=sample, trust=True, promote="always", **options)
        return Version.objects.order_by("-number").first()

    return bring


def predict_case(client, **changes):
    case = {"education": "7", "married": "1", "owner": "true", "income": "40", **changes}
    return client.post("/loans/", case, follow=True).content.decode()


@pytest.mark.parametrize("fit", [fit_on_frame, lambda: RandomForestClassifier(10, random_state=0).fit(PEOPLE, GRANTED)])
def test_an_imported_model_on_codes_is_asked_in_words_and_gets_its_codes(client, bring, fit):
    fitted = fit()
    version = bring(fitted)
    assert (version.title, version.description) == ("Loans from elsewhere", "Trained by a friend.")
    assert version.access == "public"
    form = client.get("/loans/").content.decode()
    assert form.index('value="7">degree') < form.index('value="3">school') < form.index('value="1">none')
    expected = fitted.predict_proba(PEOPLE)[:, 1]
    cases = PEOPLE.head(30)
    rows = [{**row, "owner": bool(row["owner"])} for row in cases.to_dict("records")]
    answer = client.post("/api/v1/models/loans/predict", {"inputs": rows}, content_type="application/json").json()
    shares = [each["probabilities"]["1"] for each in answer["predictions"]]
    assert shares == pytest.approx(expected[:30])
    assert [each["output"] for each in answer["predictions"]] == (expected[:30] >= 0.3 - 1e-9).astype(int).tolist()
    assert {each["label"] for each in answer["predictions"]} == {"granted", "refused"}
    page = predict_case(client)
    assert ">degree</dd>" in page
    assert "The answer is “granted” from a probability of 30" in page
    assert Prediction.objects.first().inputs["education"] == "7"


def test_metrics_of_an_import_are_those_of_its_limited_answers(bring):
    fitted = fit_on_frame()
    version = bring(fitted)
    answers = (fitted.predict_proba(PEOPLE)[:, 1] >= 0.3 - 1e-9).astype(int)
    assert version.metrics["scores"]["accuracy"] == pytest.approx((answers == GRANTED).mean())


def test_a_model_on_codes_is_compiled_and_its_pickle_answers_the_same(bring):
    version = bring(LinearRegression().fit(PEOPLE.drop(columns="owner").to_numpy(), AMOUNT), AMOUNTS, **OF_AMOUNTS)
    assert version.report["compiled"]["state"] == "compiled"
    compiled, pickled = load_runtime(version), load_comparable(version)
    assert isinstance(pickled.estimator.estimator, Coded)
    assert pickled.estimator.estimator.numbers == {0: (7.0, 3.0, 1.0)}
    rows = [compiled.schema.parse(row) for row in PEOPLE.drop(columns="owner").to_dict("records")]
    outputs = [[each.output for each in runtime.answer(rows)[0]] for runtime in (compiled, pickled)]
    expected = AMOUNT.clip(upper=9000).tolist()
    assert outputs == [pytest.approx(expected), pytest.approx(expected)]


def test_an_import_is_shown_in_the_unit_of_its_description_and_limited(client, bring):
    bring(LinearRegression().fit(PEOPLE.drop(columns="owner").to_numpy(), AMOUNT), AMOUNTS, **OF_AMOUNTS)
    case = {"education": "7", "married": "1", "income": "40"}
    page = client.post("/loans/", case, follow=True).content.decode()
    assert Prediction.objects.get().output == pytest.approx(8800)
    assert '8.8&nbsp;<span class="unit">k€</span>' in page
    client.post("/loans/", {**case, "income": "90"})
    assert Prediction.objects.first().output == 9000


def test_options_go_before_the_description(bring):
    version = bring(fit_on_frame(), title="Mine", description="")
    assert (version.title, version.description) == ("Mine", "")


def test_a_description_with_an_error_is_named_with_its_key(bring):
    with pytest.raises(CommandError, match=r"model\.toml: features\.granted\.labels\.2: there is no such value"):
        bring(fit_on_frame(), DESCRIBED.replace('1 = "granted"', '2 = "granted"'))
    with pytest.raises(CommandError, match=r"model\.toml: holdout: there is no such key"):
        bring(fit_on_frame(), f"holdout = 0\n{DESCRIBED}")
    with pytest.raises(CommandError, match=r"model\.toml: target: is missing"):
        bring(fit_on_frame(), DESCRIBED.replace('target = "granted"', ""))
    with pytest.raises(CommandError, match=r"model\.toml: translations\.de\.labels\.nothing"):
        bring(fit_on_frame(), f'{DESCRIBED}\n[translations.de.labels]\nnothing = "nichts"\n')


def test_a_retrain_passes_over_a_model_that_is_only_described(bring, settings, capsys, models_dir):
    shipped = models_dir
    settings.MODELS_DIR = shipped
    (shipped / "loans").mkdir()
    (shipped / "loans/model.toml").write_text(DESCRIBED)
    call_command("retrain", missing=True)
    assert "loans" not in capsys.readouterr().out
    with pytest.raises(CommandError, match="loans failed"):
        call_command("retrain", "loans")
    assert "data: is missing: write data, and train it here; without data, it describes a model for importmodel" in (
        capsys.readouterr().err
    )


def test_a_gap_in_a_column_of_codes_reaches_a_compiled_model_and_its_pickle(bring):
    people = PEOPLE.drop(columns="owner").assign(education=PEOPLE["education"].where(PEOPLE.index % 5 != 0))
    fitted = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(people.to_numpy(), AMOUNT)
    version = bring(fitted, AMOUNTS.replace("maximum = 9000\n", ""), target=AMOUNT, data=people)
    compiled, pickled = load_runtime(version), load_comparable(version)
    assert version.report["compiled"]["state"] == "compiled"
    rows = [
        compiled.schema.parse({**row, "education": None if np.isnan(row["education"]) else row["education"]})
        for row in people.to_dict("records")
    ]
    expected = fitted.predict(people.to_numpy()).tolist()
    for runtime in (compiled, pickled):
        assert [each.output for each in runtime.answer(rows)[0]] == pytest.approx(expected)
