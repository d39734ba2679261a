import json
import re
from datetime import timedelta
from types import SimpleNamespace

import msgspec
import pytest
from bs4 import BeautifulSoup
from django.utils import timezone

from predictor.models import Promotion, Version
from predictor.record.estimator import name_estimator
from predictor.registry.retirement import bring_back, retire
from predictor.registry.rollback import roll_back
from predictor.registry.versions import promote
from predictor.web.timeline import list_periods
from tests.training import register_shipped

pytestmark = pytest.mark.django_db


def read(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return BeautifulSoup(response.content, "html.parser")


def read_timeline(page):
    return [
        (" ".join(entry.h3.text.split()), [" ".join(each.text.split()) for each in entry.select(".events li")])
        for entry in page.select(".timeline > li")
    ]


def copy_version(version, number, **changed):
    names = [field.attname for field in Version._meta.concrete_fields if field.name not in ("id", "number")]
    return Version(number=number, **{name: getattr(version, name) for name in names} | changed)


def test_a_model_page_begins_with_a_verdict_and_ends_with_what_programs_send(client, line):
    page = read(client, "/about/line/")
    verdict = page.select_one(".verdict")
    assert "Typically off by 0.964; always guessing the average is off by 5.96." in verdict.text
    assert [link["href"] for link in page.select("nav.within a")] == ["#quality", "#why", "#data", "#versions", "#api"]
    headings = [page.select_one(link["href"]) for link in page.select("nav.within a")]
    assert [each.text for each in headings] == ["Quality", "Why", "Data", "Versions", "API"]
    assert verdict.find_next("table")
    assert not verdict.find_previous("table")
    assert "linear regression (LinearRegression)" in page.select_one("#why").parent.text
    assert page.select_one("details code").text == line.data["sha256"]


def test_the_examples_of_the_api_are_requests_that_it_answers(client, penguins):
    codes = [each.text for each in read(client, "/about/penguins/").select(".snippet pre")]
    curl, python, javascript = codes
    assert all("http://testserver/api/v1/models/penguins/predict" in code for code in codes)
    body = curl.split("-d '")[1].split("'")[0]
    answer = client.post("/api/v1/models/penguins/predict", body, content_type="application/json")
    assert answer.status_code == 200
    compile(python, "example", "exec")
    assert json.loads(javascript.split("inputs: ")[1].split(" }),")[0]) == json.loads(body)["inputs"]


def test_where_a_key_is_needed_the_examples_of_the_api_send_the_one_of_the_environment(client, line, settings):
    settings.API_ACCESS = "keys"
    page = read(client, "/about/line/")
    assert "put it into the environment variable MLSITE_KEY" in page.select_one("#api").parent.text
    curl, python, javascript = [each.text for each in page.select(".snippet pre")]
    assert curl.startswith("""curl -H "Authorization: Bearer $MLSITE_KEY" -H 'Content-Type: application/json' """)
    namespace = {"os": SimpleNamespace(environ={"MLSITE_KEY": "mlsite_x"})}
    compile(python, "example", "exec")
    [headers] = re.findall(r"headers=(.*),", python)
    assert eval(headers, namespace) == {"Authorization": "Bearer mlsite_x"}  # noqa: S307  # Our own example.
    assert python.startswith("import os\n\nimport requests\n")
    assert '"Authorization": `Bearer ${process.env.MLSITE_KEY}` }' in javascript


def test_a_timeline_tells_what_became_of_each_version_when_and_why(client, line):
    second, third = register_shipped("line"), register_shipped("line")
    kept = copy_version(line, 4, decision={**line.decision, "promoted": False, "reason": "worse than version 3"})
    kept.save()
    roll_back("line", by="grace", reason="it drifts")
    timeline = read_timeline(read(client, "/about/line/"))
    assert [title for title, _ in timeline] == [
        "Version 4 kept back",
        "Version 3 rolled back",
        "Version 2 live now",
        "Version 1 replaced",
    ]
    assert timeline[1][1][0].startswith("Rolled back to version 2 on ")
    assert timeline[1][1][0].endswith(" UTC: it drifts")
    assert timeline[3][1][0].startswith("Replaced by version 2 on ")
    assert "worse than version 3" in read(client, "/about/line/").select_one(".timeline .judged").text.lower()
    promote(third, by="grace", reason="it was right")
    promote(second, by="grace", reason="by hand")
    assert [title for title, _ in read_timeline(read(client, "/about/line/"))][1] == "Version 3 rolled back"


def test_a_retired_model_says_since_when_and_offers_no_request(client, line):
    retire("line", by="grace", reason="nobody asks")
    page = read(client, "/about/line/")
    assert [title for title, _ in read_timeline(page)] == ["Version 1 retired"]
    assert "The model was retired on" in page.select_one("#versions").parent.text
    assert not page.select(".snippet")
    assert [each.number for each in list_periods("line")] == [1, None]
    bring_back("line", by="grace", reason="they do")
    assert [each.number for each in list_periods("line")] == [1, None, 1]


def test_with_many_versions_the_older_ones_are_folded_and_the_chart_has_all(client, line):
    start = timezone.now() - timedelta(days=40)
    made = Version.objects.bulk_create(copy_version(line, number) for number in range(2, 61))
    Promotion.objects.bulk_create(
        Promotion(version=each, promoted_by="a", reason="b", promoted_at=start + timedelta(hours=each.number))
        for each in made
    )
    page = read(client, "/about/line/")
    assert len(page.select(".timeline > li")) == 50
    assert len(page.select("details .timeline > li")) == 40
    assert "10 more are not shown" in page.text
    assert len(page.select("svg .segment")) == 60
    assert len(page.select("figure:has(#trend-title) tbody tr")) == 50


@pytest.mark.parametrize("slug", ["line", "penguins"])
def test_every_chart_has_a_name_and_its_figures_as_a_table(client, line, penguins, slug):
    page = read(client, f"/about/{slug}/")
    plots = page.select("figure.plot")
    assert [plot.h3.text for plot in plots[:1]] == ["Predicted and true values" if slug == "line" else "Calibration"]
    for plot in plots:
        assert plot.svg["role"] == "img"
        assert plot.svg["aria-labelledby"] == plot.h3["id"]
        assert plot.select("details table tbody tr")
    shown = [image["src"].split("/")[-1].split(".")[0] for image in page.select(".figures img")]
    assert shown == (["residuals"] if slug == "line" else ["confusion", "roc"])


def test_a_version_without_figures_of_its_own_shows_the_stored_drawings(client, line):
    del line.report["charts"]
    line.save()
    page = read(client, "/about/line/1/")
    assert [image["alt"] for image in page.select("details[open] .figures img")] == [
        "Actual against predicted of version 1",
        "Residuals of version 1",
    ]


# Two versions side by side


def test_two_versions_are_compared_by_metrics_decision_importances_data_and_inputs(client, line):
    [feature] = line.schema["features"]
    schema = {**line.schema, "features": [{**feature, "maximum": 5.0, "unit": "mm"}, {**feature, "name": "z"}]}
    decision = {**line.decision, "reason": "better than version 1", "champion": 1, "rows": 40, "metric": "rmse"}
    copy_version(line, 2, schema=schema, decision=decision, report={}).save()
    page = read(client, "/about/line/compare/?old=1&new=2")
    assert [each.text for each in page.select("section > h2")] == [
        *("Quality", "Decision", "Stored predictions, answered again", "Importance of the inputs", "Data"),
        "Inputs and target",
    ]
    assert "0.9636" in page.select_one("#quality").parent.text
    assert "Better than version 1. RMSE on 40 rows" in page.select_one("#decision").parent.text
    assert "never compared" not in page.text
    rows = [[cell.text for cell in row.select("th, td")] for row in page.select("#inputs ~ div tbody tr")]
    assert [row[:2] for row in rows] == [["x", "unit"], ["x", "seen in training"], ["x", "maximum"], ["x", "added"]]
    assert [row[2:] for row in rows if row[1] != "seen in training"] == [
        ["–", "mm"],
        ["–", "5\u00a0mm"],
        ["–", "number"],
    ]


def test_by_default_the_live_version_is_compared_with_the_newest_other_one(client, line):
    copy_version(line, 2).save()
    copy_version(line, 3).save()
    page = read(client, "/about/line/compare/")
    assert [each["value"] for each in page.select("option[selected]")] == ["1", "3"]
    assert "Both versions have the same inputs" in page.text
    assert "These two versions were never compared on the same rows." in page.text
    page = read(client, "/about/line/compare/?new=1")
    assert [each["value"] for each in page.select("option[selected]")] == ["3", "1"]
    link = read(client, "/about/line/").select_one(".compare a")["href"]
    assert [each["value"] for each in read(client, link).select("option[selected]")] == ["1", "3"]


def test_one_version_alone_cannot_be_compared(client, line):
    assert "Choose two different versions." in read(client, "/about/line/compare/").text


@pytest.mark.parametrize("typed", ["9", "0", "x", "-1", "9" * 30, "١", "%00", ""])
def test_a_version_that_is_not_there_cannot_be_compared(client, line, typed):
    assert client.get(f"/about/line/compare/?new={typed}").status_code == 404
    assert client.get("/about/nothing/compare/").status_code == 404


@pytest.mark.parametrize(
    ("text", "words", "name"),
    [
        ("Pipeline(steps=[('linearregression', LinearRegression())])", "linear regression", "LinearRegression"),
        ("Pipeline(steps=[('s', StandardScaler()), ('m', SVR(C=2))])", "a support vector machine", "SVR"),
        ("HistGradientBoostingClassifier(max_iter=5)", "gradient-boosted trees", "HistGradientBoostingClassifier"),
        ("VotingClassifier(estimators=[('a', SVC())])", "several models that vote", "VotingClassifier"),
        ("Pipeline(steps=[('a', OurScaler()), ('b', OurRegressor())])", "", "OurRegressor"),
        ("Ours()", "", "Ours"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_an_estimator_is_named_in_words(text, words, name):
    assert name_estimator(text) == (words, name)


def test_the_figures_of_a_report_are_stored_as_they_are_read(line):
    stored = line.parsed_report.charts
    assert len(stored.scatter) == line.metrics["rows"]
    assert msgspec.to_builtins(stored)["calibration"] == ()
