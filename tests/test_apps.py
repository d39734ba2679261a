"""Public apps that ask for codes or texts and wrap raw numbers, rebuilt: from their table to a retrain on outcomes."""

import re
from datetime import date, timedelta

import numpy as np
import pytest
from bs4 import BeautifulSoup
from django.core.management import call_command

from predictor.models import Outcome, Prediction, Version
from tests.test_shown import make_bodies, make_churn, make_houses
from tests.test_words import make_crops, make_loans
from tests.texts import make_reviews, make_spam, write_csv

pytestmark = pytest.mark.django_db


def make_fares(rows=300):
    """Fares that depend on the weekday and the hour, with the day first."""
    random = np.random.default_rng(0)
    lines = ["Date_of_Journey,Dep_Time,Airline,Stops,Price"]
    for _ in range(rows):
        day, hour = date(2019, 3, 1) + timedelta(days=int(random.integers(0, 120))), int(random.integers(0, 24))
        airline, stops = random.choice(["IndiGo", "Vistara"]), random.choice(["non-stop", "1 stop"])
        price = 3_000 + 900 * (day.weekday() > 4) + 40 * hour + 700 * (stops == "1 stop") + random.normal(0, 60)
        lines.append(f"{day:%d/%m/%Y},{hour:02}:{random.integers(0, 60):02},{airline},{stops},{price:.0f}")
    return "\n".join([*lines, ""])


def make_cars(rows=300):
    """Used cars, with a unit in one column and codes in another."""
    random = np.random.default_rng(0)
    lines = ["Fuel,Owner,Year,Driven,Selling_Price"]
    for _ in range(rows):
        fuel, owner, year = random.choice(["Petrol", "Diesel"]), random.integers(0, 3), random.integers(2003, 2019)
        driven = 1_000 * int(random.integers(5, 120))
        price = 900 * (year - 2000) + 4_000 * (fuel == "Diesel") - driven / 30 - 800 * owner + random.normal(3_000, 300)
        lines.append(f'{fuel},{owner},{year},"{driven:,} km",{max(price, 100):.0f}')
    return "\n".join([*lines, ""])


# Of each app: its table, its target, what its author adds to the recipe, a case, its answer in words as a pattern, and
# an outcome as people type it and as it is kept.
APPS = {
    "loan": {
        "table": make_loans,
        "target": "granted",
        "adds": """
[features.area.labels]
0 = "country"
1 = "suburb"
2 = "city"
[features.granted.labels]
0 = "refused"
1 = "granted"
""",
        "case": {"area": "2", "married": "Y", "income": "80"},
        "answer": "granted",
        "outcome": ("Refused", 0),
    },
    "flight_fare": {
        "table": make_fares,
        "target": "Price",
        "estimator": "sklearn.linear_model.Ridge",
        "adds": '[output]\ndecimals = 0\nunit = "₹"\n',
        "case": {"Date_of_Journey": "2019-05-01", "Dep_Time": "22:20", "Airline": "IndiGo", "Stops": "non-stop"},
        "answer": r"₹\d,\d\d\d",
        "outcome": ("3 897", 3897.0),
    },
    "car_price": {
        "table": make_cars,
        "target": "Selling_Price",
        "estimator": "lightgbm.LGBMRegressor",
        "adds": '[output]\nunit = "$"\nminimum = 0\n',
        "case": {"Fuel": "Diesel", "Owner": "1", "Year": "2015", "Driven": "30,000 km"},
        "answer": r"\$\d+,\d\d\d",
        "outcome": ("$12500", 12_500.0),
    },
    "house_price": {
        "table": make_houses,
        "target": "price",
        "adds": '[output]\nscale = 0.001\nunit = "thousand dollars"\ndecimals = 0\n',
        "case": {"area": "100"},
        "answer": r"1\d\d thousand dollars",
        "outcome": ("171.5", 171_500.0),
    },
    "churn": {
        "table": make_churn,
        "target": "churn",
        "adds": """
[features.churn.labels]
0 = "stays"
1 = "leaves"
[output]
positive = "leaves"
threshold = 0.3
""",
        "case": {"months": "1", "calls": "8"},
        "answer": "leaves",
        "outcome": ("stays", 0),
    },
    "crops": {
        "table": make_crops,
        "target": "crop",
        # Whole numbers that count as quantities become classes by their words: a classifier is asked for.
        "estimator": "sklearn.tree.DecisionTreeClassifier",
        "adds": """
[features.crop.labels]
3 = "chickpea"
7 = "maize"
20 = "rice"
22 = "jute"
""",
        "case": {"rain": "200"},
        "answer": "rice",
        "outcome": ("jute", 22),
    },
    "bmi": {
        "table": make_bodies,
        "target": "bmi",
        "adds": """
[output]
decimals = 1
bands = [{ below = 18.5, label = "underweight" }, { below = 25, label = "normal" }, { label = "overweight" }]
""",
        "case": {"waist": "80"},
        "answer": r"22\.\d \(normal\)",
        "outcome": ("26,5", 26.5),
    },
    "spam": {
        "table": lambda: write_csv(make_spam(), "message", "label"),
        "target": "label",
        "adds": "",
        "case": {"message": "Claim your FREE prize\r\nnow"},
        "answer": "spam",
        "outcome": ("ham", "ham"),
    },
    "sentiment": {
        "table": lambda: write_csv(make_reviews()),
        "target": "mood",
        "adds": "",
        "case": {"review": "味道很棒，下次还会来！"},
        "answer": "good",
        "outcome": ("bad", "bad"),
    },
}


@pytest.mark.parametrize("slug", APPS)
def test_an_app_is_rebuilt_without_a_line_of_python(client, admin_client, tmp_path, settings, slug):
    app, settings.MODELS_DIR = APPS[slug], tmp_path / "ml_models"
    table = tmp_path / "table.csv"
    table.write_text(app["table"]())
    pytest.importorskip(app.get("estimator", "sklearn").partition(".")[0], reason="needs requirements-boosters.txt")
    call_command("startmodel", slug, data=table, target=app["target"], estimator=app.get("estimator"))
    recipe = settings.MODELS_DIR / slug / "model.toml"
    recipe.write_text(recipe.read_text() + app["adds"])
    call_command("retrain", slug)

    page = client.post(f"/{slug}/", app["case"], follow=True)
    shown = BeautifulSoup(page.content, "html.parser").select_one("output#prediction")
    assert re.fullmatch(app["answer"], shown.text.replace("\u00a0", " "))

    typed, kept = app["outcome"]
    prediction = Prediction.objects.get()
    assert admin_client.post(f"{prediction.get_absolute_url()}outcome/", {"outcome": typed}).status_code == 303
    assert Outcome.objects.get().value == kept
    call_command("retrain", slug, with_outcomes=True, force=True)
    newest = Version.objects.order_by("-number").first()
    assert (newest.number, newest.data["outcomes"]["used"]) == (2, 1)
    # What decides is whether it is better, and not how it is shown.
    assert newest.decision["verdict"] not in ("cannot compare", "unopposed")
