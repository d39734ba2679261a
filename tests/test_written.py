"""The same numbers are written in the same way wherever people read them, and in full wherever programs do."""

import json
import re

import numpy as np
import pytest
from bs4 import BeautifulSoup
from django.core.management import call_command

from predictor.models import Prediction
from predictor.outcomes.recording import record_outcome
from tests.recipes import write_recipe
from tests.training import train

pytestmark = pytest.mark.django_db

RECIPE = """
title = "House prices"
data = "data.csv"
target = "price"
show_data = true

[estimator]
class = "sklearn.linear_model.LinearRegression"

[features.price]
label = "Price"
unit = "$"

[features.lot]
label = "Lot"
unit = "m²"
"""
ASKED = {"lot": "12345.5", "built": "2009"}
EXPONENT = re.compile(r"\d(\.\d+)?e[+-]?\d")


def make_rows():
    random = np.random.default_rng(0)
    lots, years = random.uniform(500, 20_000, 300).round(1), random.integers(1900, 2011, 300)
    prices = 1_000_000 + 100 * lots + 2_000 * (years - 1900) + random.normal(0, 50_000, 300)
    rows = zip(lots, years, prices.round(2), strict=True)
    return "lot,built,price\n" + "".join(f"{lot},{year},{price}\n" for lot, year, price in rows)


@pytest.fixture
def price(models_dir, tmp_path, db):
    write_recipe(tmp_path, "price", RECIPE, make_rows())
    return train(models_dir, "price")


@pytest.fixture
def prediction(client, price):
    client.post("/price/", ASKED)
    return Prediction.objects.get()


def read(client, address):
    return BeautifulSoup(client.get(address).content, "html.parser")


def test_a_prediction_is_written_alike_on_its_page_in_its_title_in_its_chart_and_in_the_admin(admin_client, prediction):
    output, interval = str(prediction.written_output), str(prediction.written_interval)
    assert re.fullmatch(r"\$\d,\d{3},000", output)
    assert re.fullmatch(r"\$\d,\d{3},000 to \$\d,\d{3},000", interval)

    page = read(admin_client, prediction.get_absolute_url())
    assert page.select_one("output#prediction").text == output
    assert page.title.text == f"Price: {output}"
    assert page.select_one(".interval strong").text == interval
    assert page.select_one(".chart title").text.endswith(f"your point at 12,345.5\u00a0m², {output}")
    assert {line.dt.text: line.dd.text for line in page.select(".inputs div")} == {
        "Lot": "12,345.5\u00a0m²",
        "built": "2009",
    }

    listed = read(admin_client, "/admin/predictor/prediction/")
    assert listed.select_one(".field-answer").text == f"{output} ({interval})"
    assert listed.select_one(".field-first_inputs details div").text == "lot = 12,345.5\u00a0m², built = 2009"
    detail = read(admin_client, f"/admin/predictor/prediction/{prediction.id}/change/")
    assert detail.select_one("#answer").text == output
    assert detail.select_one(".interval .ends").text == interval
    assert {line.dt.text: line.dd.text for line in detail.select("dl.inputs:not(.facts) div")} == {
        "Lot": "12,345.5\u00a0m²",
        "built": "2009",
    }


@pytest.mark.both_databases
def test_history_api_and_form_keep_every_digit(client, prediction):
    body = json.dumps({"inputs": {"lot": 12345.5, "built": 2009}})
    answer = client.post("/api/v1/models/price/predict", data=body, content_type="application/json").json()
    assert answer["predictions"][0]["output"] == prediction.output
    assert answer["predictions"][0]["interval"] == prediction.interval
    assert prediction.output != round(prediction.output, 2)
    assert prediction.inputs == {"lot": 12345.5, "built": 2009}
    page = read(client, f"{prediction.get_absolute_url()}try/")
    assert page.select_one("input[name=lot]")["value"] == "12345.5"


def test_without_an_interval_a_prediction_has_four_digits_of_the_targets_spread(client, price):
    client.post("/price/", ASKED)
    Prediction.objects.update(interval=None)  # As of a version from before there were any.
    prediction = Prediction.objects.get()
    assert 1e5 < price.metrics["baseline"]["rmse"] < 1e6
    assert re.fullmatch(r"\$\d,\d{3},\d00", str(prediction.written_output))
    assert read(client, prediction.get_absolute_url()).select_one("output#prediction").text == str(
        prediction.written_output
    )


def test_an_outcome_is_written_with_its_unit_and_all_digits_that_were_typed(admin_client, prediction):
    record_outcome(prediction, "1573250.25", by="ada", seen=None)
    page = read(admin_client, prediction.get_absolute_url())
    assert page.select_one(".happened strong").text == "$1,573,250.25"
    assert page.select_one("#outcome td").text == "$1,573,250.25"
    assert read(admin_client, "/admin/predictor/prediction/").select_one(".field-happened").text == "$1,573,250.25"
    assert read(admin_client, "/admin/predictor/outcome/").select_one(".field-shown_value").text == "$1,573,250.25"
    corrected, _ = record_outcome(prediction, "1600000", by="ada", seen=prediction.outcomes.get().id)
    listed = read(admin_client, "/admin/predictor/outcome/")
    assert listed.select_one(".field-replaced").text == "$1,573,250.25"
    assert str(corrected) == f"$1,600,000 for {prediction.id}"
    detail = read(admin_client, f"/admin/predictor/prediction/{prediction.id}/change/")
    assert [each.text for each in detail.select("#log .field-shown_value")] == ["$1,600,000", "$1,573,250.25"]


def test_what_is_outside_the_range_seen_warns_in_the_same_writing(client, price):
    client.post("/price/", {"lot": "1234567.5", "built": "1800"})
    lot, built = Prediction.objects.get().warnings
    assert re.fullmatch(r"Lot: 1,234,567\.5 is outside what the model has seen: \d{3}(\.\d)? to 19,\d{3}(\.\d)?", lot)
    assert built == "built: 1800 is outside what the model has seen: 1900 to 2010"
    seen = read(client, "/price/").select_one(".help span").text
    assert re.fullmatch(r"Seen in training: \d{3}(\.\d)? to 19,\d{3}(\.\d)?\u00a0m²\.", seen)


def test_metrics_are_written_alike_on_pages_in_the_admin_and_by_commands(admin_client, models_dir, price, capsys):
    mae, rmse, _ = price.written_scores
    assert re.fullmatch(r"\$\d\d,\d{3}", rmse.score)
    assert re.fullmatch(r"\$\d\d,\d{3} to \$\d\d,\d{3}", rmse.interval)
    assert re.fullmatch(r"\$\d{3},\d{3}", rmse.baseline)

    about = read(admin_client, "/about/price/")
    row = next(row for row in about.select("table tr") if row.th.text == "RMSE")
    assert [cell.text for cell in row.select("td")] == [rmse.score, rmse.interval, rmse.baseline]
    listed = read(admin_client, "/admin/predictor/version/").select_one(".field-shown_metrics").text
    assert listed.startswith(f"MAE {mae.score} ({mae.baseline}), RMSE {rmse.score} ({rmse.baseline})")
    detail = read(admin_client, f"/admin/predictor/version/{price.id}/change/")
    scores = {row.th.text: [cell.text for cell in row.select("td")] for row in detail.select("table.scores tbody tr")}
    assert scores["RMSE"] == [rmse.score, rmse.interval, rmse.baseline]

    call_command("versions", "price")
    assert f"MAE {mae.score}, RMSE {rmse.score}, R² 0.9" in capsys.readouterr().out
    call_command("versions", "price", "--format", "json")
    assert json.loads(capsys.readouterr().out)[0]["metrics"]["RMSE"] == price.metrics["scores"]["rmse"]
    call_command("retrain", "price", "--force")
    printed = capsys.readouterr().out
    assert re.search(rf"\n  RMSE {{2,}}\S+ {{2,}}{re.escape(rmse.baseline)} {{2,}}\$\S+ to \$\S+\n", printed)
    assert f"RMSE on {price.metrics['rows']} rows: this version {rmse.score}, version 1 {rmse.score}" in printed
    for text in (about.text, listed, printed):
        assert EXPONENT.search(re.sub("[0-9a-f]{40,}|at most", "", text.partition("Fitting time")[0])) is None


def test_counts_of_rows_are_grouped(admin_client, price):
    price.metrics["rows"], price.data["training_rows"], price.data["held_out_rows"] = 123_456, 1_234_567, 345_678
    price.save()
    text = " ".join(read(admin_client, "/about/price/").text.split())
    assert "measured on 123,456 rows" in text
    assert "Trained on 1,234,567 rows of data.csv. 345,678 more are held out" in text
    listed = read(admin_client, "/admin/predictor/version/").select_one(".field-shown_rows").text
    assert listed == "1,234,567 / 123,456 (hold-out)"


@pytest.mark.parametrize("size", [1.0, 1e4, 1e8, 1e12, 1e-6, 1e300])
@pytest.mark.parametrize("unit", ["", "$", "cups of coffee a day"])
def test_the_columns_of_the_metrics_never_run_into_each_other(size, unit):
    from predictor.lifecycle.registration import Registered
    from predictor.management.commands.retrain import write_text
    from predictor.record.measurement import read_measurement

    scores = {"mae": 1.2345 * size, "rmse": 3.2208 * size, "r2": 0.9654321}
    metrics = {
        "method": "hold-out",
        "rows": 1_234_567,
        "scores": scores,
        "baseline": {"mae": 5.4321 * size, "rmse": 9.8765 * size, "r2": -0.0012345},
        "intervals": {name: [score * 0.9, score * 1.1] for name, score in scores.items()},
    }
    measured = read_measurement(metrics)
    done = Registered(model="m", version=1, rows=9, metrics=measured, promoted=True, reason="the first", unit=unit)
    header, *lines = write_text([done]).splitlines()[2:]
    assert re.split(" {2,}", header.strip()) == ["hold-out, 1,234,567 rows", "model", "baseline", "95 % interval"]
    assert all(len(re.split(" {2,}", line.strip())) == 4 for line in lines)
    assert len({len(line) for line in (header, *lines)}) == 1
