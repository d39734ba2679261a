"""Models that were fitted elsewhere, from their files to a version that is trained here on what happened."""

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from django.core.management import call_command
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, StandardScaler

from predictor.estimators.imported import ImportedOnFrame
from predictor.models import Outcome, Prediction, Promotion, Version
from predictor.serving.runtime import load_runtime
from tests.importing import import_parts, refuse
from tests.test_import_parts import CLASS, FLATS, NUMBERS, RENT

pytestmark = pytest.mark.django_db

WEEKS = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=len(RENT)), "area": FLATS["area"]})


def expand_days(frame):
    """What a notebook does with a column that pandas has parsed as dates."""
    return np.column_stack([frame["day"].dt.month, frame["day"].dt.day_of_week, frame["area"]])


def fit_parts():
    scaler, encoder = StandardScaler().fit(NUMBERS), LabelEncoder().fit(CLASS)
    model = LogisticRegression().fit(scaler.transform(NUMBERS), encoder.transform(CLASS))
    return {"scaler": scaler, "encoder": encoder, "model": model}


def fit_dummies():
    return {"model": LinearRegression().fit(pd.get_dummies(FLATS.drop(columns="floor")), RENT)}


def fit_dates():
    return {"model": make_pipeline(FunctionTransformer(expand_days), LinearRegression()).fit(WEEKS, RENT)}


# Of each app: its files, its sample and target, a case, its answer as a pattern, and an outcome as typed and as kept.
APPS = {
    "several_files": (fit_parts, NUMBERS.assign(y=CLASS), {"area": "30", "rooms": "1"}, "cheap", ("fair", "fair")),
    "dummies": (
        fit_dummies,
        FLATS.drop(columns="floor").assign(y=RENT),
        {"area": "70", "rooms": "3", "town": "Kiel"},
        "980.0",
        ("1.005,5", 1005.5),
    ),
}


@pytest.mark.parametrize("slug", APPS)
def test_an_imported_app_is_asked_recorded_and_trained_again_here(client, admin_client, tmp_path, settings, slug):
    (fit, sample, case, answer, (typed, kept)), settings.MODELS_DIR = APPS[slug], tmp_path / "ml_models"
    import_parts(tmp_path, slug, fit(), sample, "y")
    page = client.post(f"/{slug}/", case, follow=True)
    shown = BeautifulSoup(page.content, "html.parser").select_one("output#prediction").text
    assert shown == answer
    prediction = Prediction.objects.get()
    assert admin_client.post(f"{prediction.get_absolute_url()}outcome/", {"outcome": typed}).status_code == 303
    assert Outcome.objects.get().value == kept
    estimator = "sklearn.linear_model." + ("LogisticRegression" if slug == "several_files" else "Ridge")
    call_command("startmodel", slug, data=tmp_path / "sample.csv", target="y", estimator=estimator)
    call_command("retrain", slug, with_outcomes=True, promote="always")
    newest = Version.objects.order_by("-number").first()
    assert (newest.number, newest.data["outcomes"]["used"]) == (2, 1)
    assert Promotion.objects.order_by("-id").first().version == newest
    assert client.post(f"/{slug}/", case, follow=True).status_code == 200


def describe(folder, column, kind="date"):
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text(f'[features.{column}]\nkind = "{kind}"\n')


def test_a_model_that_takes_dates_of_pandas_gets_them_where_its_description_says_so(tmp_path, settings, client):
    settings.MODELS_DIR = tmp_path / "ml_models"
    describe(settings.MODELS_DIR / "weeks", "day")
    parts = fit_dates()
    import_parts(tmp_path, "weeks", parts, WEEKS.assign(y=RENT), "y")
    form = BeautifulSoup(client.get("/weeks/").content, "html.parser")
    assert form.select_one("[name=day]")["type"] == "date"
    runtime = load_runtime(Version.objects.get())
    assert isinstance(runtime.estimator, ImportedOnFrame)
    rows = [{"day": f"{day:%Y-%m-%d}", "area": area} for day, area in WEEKS.head(40).itertuples(index=False)]
    outputs = [each.output for each in runtime.answer([runtime.schema.parse(row) for row in rows])[0]]
    assert outputs == pytest.approx(parts["model"].predict(WEEKS.head(40)).tolist(), rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (None, 'for dates of pandas, write kind = "date" below [features.day] in the model\'s description'),
        ("time", "features.day.kind: leave it out: an imported model gets times as texts"),
    ],
)
def test_dates_that_a_model_is_not_said_to_take_are_refused_with_the_way_out(tmp_path, settings, kind, message):
    settings.MODELS_DIR = tmp_path / "ml_models"
    if kind:
        describe(settings.MODELS_DIR / "weeks", "day", kind)
    assert message in refuse(import_parts, tmp_path, "weeks", fit_dates(), WEEKS.assign(y=RENT), "y")
