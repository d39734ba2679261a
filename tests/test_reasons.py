"""Reasons and curves on pages: on demand, one at a time, limited, and nothing of them is stored."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup

from predictor.access import visitors
from predictor.access.limits import Rate
from predictor.exceptions import Overloaded
from predictor.languages import LANGUAGES, use_language
from predictor.models import Artifact, Kept, Prediction
from predictor.record.background import BACKGROUND
from predictor.serving.explaining import asking, turns
from predictor.serving.explaining.asking import explain_prediction, trace_prediction
from predictor.serving.explaining.turns import OneAtATime
from predictor.serving.service import service
from predictor.web.curves import describe_curve
from predictor.web.shown_reasons import describe_reasons
from tests.recipes import write_recipe
from tests.test_predict_journey import PENGUIN
from tests.training import train

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_refused(monkeypatch):
    monkeypatch.setattr(asking, "one_at_a_time", OneAtATime(waiting=1, seconds=10))
    visitors._refused.clear()
    yield
    visitors._refused.clear()


@pytest.fixture
def answer(client, penguins):
    client.post("/penguins/", PENGUIN)
    return Prediction.objects.get()


def read(response):
    return BeautifulSoup(response.content, "html.parser")


def get(client, answer, part):
    return client.get(f"{answer.get_absolute_url()}{part}")


def test_the_page_of_an_answer_links_to_its_reasons_and_computes_none(client, answer):
    link = read(client.get(answer.get_absolute_url())).select_one(".why a")
    assert link["href"] == link["hx-get"] == f"{answer.get_absolute_url()}reasons/"
    page = read(client.get(link["href"]))
    assert page.select_one(link["hx-select"])


def test_three_to_five_reasons_name_input_value_size_and_direction(client, answer):
    page = read(get(client, answer, "reasons/"))
    reasons = [" ".join(each.select_one("p").text.split()) for each in page.select("#reasons li")]
    assert 3 <= len(reasons) <= 5
    assert any(reason.startswith(f"Flipper length: {PENGUIN['flipper_length_mm']}") for reason in reasons)
    assert all(reason.endswith((" more", " less")) for reason in reasons)
    assert "typical cases" in page.select_one("#reasons").text


def test_all_effects_are_in_a_table_and_add_up(client, answer):
    explained = explain_prediction(answer)
    assert sum(explained.contributions.values()) == pytest.approx(explained.value - explained.base)
    rows = read(get(client, answer, "reasons/")).select("#reasons tbody tr")
    assert len(rows) == len(answer.inputs)


def test_a_curve_marks_the_own_value_and_is_a_trial(client, answer):
    link = read(get(client, answer, "reasons/")).select_one("#reasons a[href*='curve']")
    page = read(client.get(link["href"]))
    shown = page.select_one(link["hx-select"]).text
    assert "A trial, not kept." in shown
    assert "your value" in shown
    island = read(get(client, answer, "curve/?input=island"))
    assert island.select_one("mark").parent.text.split()[0] == PENGUIN["island"]


def test_nothing_of_them_is_stored_as_a_prediction(client, answer):
    for part in ("reasons/", "curve/?input=island", "curve/?input=flipper_length_mm"):
        assert get(client, answer, part).status_code == 200
    assert Prediction.objects.count() == 1


@pytest.mark.parametrize("part", ["curve/", "curve/?input=nothing"])
def test_a_curve_of_no_input_is_not_found(client, answer, part):
    assert get(client, answer, part).status_code == 404


def test_a_version_without_background_says_what_to_do(client, answer):
    Kept.objects.all().delete()
    response = get(client, answer, "reasons/")
    assert response.status_code == 200
    assert "The next training makes them." in read(response).select_one("#reasons").text


def test_an_answer_of_a_former_version_has_reasons_where_that_is_compiled(client, models_dir, answer):
    served = explain_prediction(answer)
    train(models_dir, "penguins")
    service.refresh()
    asking._prepared.clear()  # As in a process that never served it.
    assert read(client.get(answer.get_absolute_url())).select_one(".why a")
    former = explain_prediction(Prediction.objects.get())
    assert former.contributions == pytest.approx(served.contributions)
    assert read(get(client, answer, "reasons/")).select("#reasons li")
    curve = client.get(f"{answer.get_absolute_url()}curve/?input=flipper_length_mm")
    assert read(curve).select_one("svg")


def test_an_answer_of_a_former_pickle_has_no_reasons_and_no_link(client, models_dir, answer):
    Artifact.objects.filter(kind=Artifact.Kind.ONNX).delete()
    train(models_dir, "penguins")
    service.refresh()
    assert read(client.get(answer.get_absolute_url())).select(".why") == []
    assert "This answer is from a former version" in get(client, answer, "reasons/").content.decode()


def test_answers_with_sensitive_inputs_are_not_explained(client, models_dir):
    recipe = models_dir / "line" / "model.toml"
    recipe.write_text(recipe.read_text().replace("[features.x]", '[features.x]\nsensitive = "drop"'))
    version = train(models_dir, "line")
    client.post("/line/", {"x": "5"})
    answer = Prediction.objects.get()
    assert Kept.objects.find_content(version.id, BACKGROUND) is None
    assert read(client.get(answer.get_absolute_url())).select(".why") == []
    for part in ("reasons/", "curve/?input=x"):
        assert "since they are sensitive" in get(client, answer, part).content.decode()


def test_reasons_have_a_limit_of_their_own(client, answer, monkeypatch):
    monkeypatch.setattr(visitors, "REASONS", Rate(most=2, seconds=60))
    replies = [get(client, answer, part) for part in ("reasons/", "curve/?input=island", "reasons/")]
    assert [each.status_code for each in replies] == [200, 200, 429]
    assert 0 < int(replies[-1]["Retry-After"]) <= 60
    shown = read(replies[-1]).select_one("#reasons")
    assert "try again" in shown.text
    assert shown.select_one("a")["href"] == f"{answer.get_absolute_url()}reasons/"
    assert client.post("/penguins/", PENGUIN).status_code == 303


def test_reasons_are_switched_off_by_a_setting(client, answer, settings):
    settings.REASONS = False
    assert get(client, answer, "reasons/").status_code == 404
    assert get(client, answer, "curve/?input=island").status_code == 404
    assert read(client.get(answer.get_absolute_url())).select(".why") == []


def test_a_regression_says_its_sizes_in_the_unit_of_the_answer(client, tmp_path):
    rows = "".join(f"{i},{'abc'[i % 3]},{3000 * i + 500 * (i % 3)}\n" for i in range(200))
    toml = 'title = "A"\ntarget = "y"\ndata = "data.csv"\nshow_data = false\n[output]\nunit = "$"\n'
    toml += '[estimator]\nclass = "sklearn.linear_model.Ridge"\n'
    train(write_recipe(tmp_path, "a", toml=toml, csv=f"x,town,y\n{rows}"), "a")
    client.post("/a/", {"x": "150", "town": "b"})
    page = read(get(client, Prediction.objects.get(), "reasons/"))
    first = " ".join(page.select_one("#reasons li p").text.split())
    assert first.startswith("x: 150 $")
    assert first.endswith(" more")
    assert "cases are $" in page.select_one("#reasons").text


def test_one_is_computed_at_a_time_and_too_many_are_refused():
    one, running, begun, end = OneAtATime(waiting=2, seconds=10), [], threading.Event(), threading.Event()

    def work():
        running.append(1)
        assert sum(running) == 1
        begun.set()
        end.wait(10)
        running.append(-1)

    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(one.run, work) for _ in range(3)]
        assert begun.wait(10)
        while one._room._value:
            time.sleep(0.001)
        with pytest.raises(Overloaded):
            one.run(work)
        end.set()
        [each.result() for each in waiting]
    assert len(running) == 6


def test_who_waits_for_too_long_gets_a_503(client, answer, monkeypatch):
    one = OneAtATime(waiting=1, seconds=0)
    monkeypatch.setattr(asking, "one_at_a_time", one)
    with one._turn:
        response = get(client, answer, "curve/?input=island")
    assert response.status_code == 503
    assert read(response).select_one("#curve-of a")["href"] == f"{answer.get_absolute_url()}curve/?input=island"


def test_explanations_take_a_fifth_of_the_time_in_the_long_run(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda seconds: wait(seconds)))

    def wait(seconds):
        clock[0] += seconds

    one = OneAtATime(waiting=1, seconds=100)
    for _ in range(100):
        one.run(lambda: wait(1))
    assert clock[0] == pytest.approx(5 * 100, rel=0.05)


@pytest.mark.parametrize("code", ["de", "fr", "es", "zh-hans"])
def test_reasons_and_curves_are_in_the_page_language(client, answer, settings, code):
    settings.OFFERED_LANGUAGES = ["en", code]
    settings.USE_I18N = True
    with use_language(LANGUAGES[code]):
        reasons = describe_reasons(answer, explain_prediction(answer))
        curve = describe_curve(answer, trace_prediction(answer, "flipper_length_mm"))
    assert not {"more", "less", "typical"} & set(f"{reasons['summary']} {reasons['reasons'][0].effect}".split())
    assert "trial" not in curve["plot"].caption
