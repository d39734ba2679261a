"""A prediction, from the visitor's form to the reviewer's admin."""

import pytest
from bs4 import BeautifulSoup
from django.db import connection

from predictor.models import Prediction, Version
from tests.training import train
from tests.visitor import Visitor, find_free_port

pytestmark = pytest.mark.both_databases

PENGUIN = {
    "island": "Biscoe",
    "bill_length_mm": "50",
    "bill_depth_mm": "15.2",
    "flipper_length_mm": "220",
    "body_mass_g": "5500",
    "sex": "male",
    "year": "2008",
}


def test_an_answer_has_a_page_of_its_own_and_is_kept_before_it_is_given(client, line):
    response = client.post("/", {"x": "5"})

    prediction = Prediction.objects.get()
    assert response.status_code == 303
    assert response["Location"] == f"/predictions/{prediction.id}/"
    assert prediction.inputs == {"x": 5.0}
    assert prediction.output == pytest.approx(13, abs=0.5)
    assert (prediction.version, prediction.source, prediction.warnings) == (line, "form", [])
    assert prediction.duration_ms > 0
    page = client.get(response["Location"]).content.decode()
    assert f'<output id="prediction" data-value="{prediction.output!r}">{prediction.written_output}</output>' in page


def test_a_classification_says_how_sure_it_is(client, penguins):
    response = client.post("/penguins/", PENGUIN, follow=True)

    prediction = Prediction.objects.get()
    assert prediction.output == "Gentoo"
    assert set(prediction.probabilities) == {"Adelie", "Chinstrap", "Gentoo"}
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    page = response.content.decode()
    assert '<output id="prediction" data-value="Gentoo">Gentoo</output>' in page
    assert f"{100 * prediction.probabilities['Gentoo']:.1f}\u00a0%" in page


def test_what_may_be_missing_can_be_left_empty(client, penguins):
    client.post("/penguins/", {**PENGUIN, "sex": "", "bill_length_mm": ""})

    inputs = Prediction.objects.get().inputs
    assert inputs["sex"] is None
    assert inputs["bill_length_mm"] is None


def test_a_value_that_the_model_has_not_seen_warns_and_the_warning_is_kept(client, line):
    page = client.post("/", {"x": "50"}, follow=True).content.decode()

    assert "50 is outside what the model has seen: 0.31 to 9.92" in page
    assert Prediction.objects.get().warnings == ["x: 50 is outside what the model has seen: 0.31 to 9.92"]


def test_a_form_is_filled_in_to_try_other_inputs(client, penguins):
    address = client.post("/penguins/", PENGUIN)["Location"]
    page = client.get(f"{address}try/").content.decode()

    assert 'name="bill_depth_mm" value="15.2"' in page
    assert '<option value="Biscoe" selected>' in page


def test_the_reviewer_finds_the_prediction(admin_client, line):
    admin_client.post("/", {"x": "5"})
    prediction = Prediction.objects.get()

    page = BeautifulSoup(admin_client.get("/admin/predictor/prediction/").content, "html.parser")
    [row] = page.select("#result_list tbody tr")
    assert row.select_one(".field-first_inputs details div").text == "x = 5"
    assert row.select_one(".field-answer").text == f"{prediction.written_output} ({prediction.written_interval})"
    assert row.select_one(".field-version").text == "line 1"


def test_nothing_is_shown_that_was_not_kept(client, line, transactional_db):
    client.get("/")
    with connection.schema_editor() as editor:
        editor.alter_db_table(Prediction, Prediction._meta.db_table, "predictor_away")
    try:
        response = client.post("/", {"x": "5"})
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(Prediction, "predictor_away", Prediction._meta.db_table)

    assert response.status_code == 503
    assert "output" not in response.content.decode()


def test_a_real_server_answers_and_keeps(serve, models_dir, transactional_db):
    train(models_dir, "line")
    server = serve().wait_until("/readyz")
    page = Visitor(server.address).post_form("/", {"x": "5"})

    prediction = Prediction.objects.get()
    assert page.url == f"{server.address}/predictions/{prediction.id}/"
    assert page.answer == str(prediction.written_output)


def test_an_unreachable_database_gives_the_503_page_and_no_stack_trace(serve):
    server = serve(DATABASE_URL=f"postgres://u:secret@127.0.0.1:{find_free_port()}/d", WEB_CONCURRENCY="1")
    server.wait_until("/healthz").wait_until("/readyz", status=503)
    page = Visitor(server.address).get("/")
    assert page.status == 503
    assert "Temporarily unavailable" in page.body
    assert "Traceback" not in server.log.read_text()
    assert "secret" not in server.log.read_text()


def test_a_new_model_appears_without_a_restart(serve, models_dir, transactional_db):
    train(models_dir, "line")
    server = serve(WEB_CONCURRENCY="1").wait_until("/readyz")
    assert Visitor(server.address).get("/penguins/").status == 404
    train(models_dir, "penguins")

    server.wait_until("/penguins/")
    assert "Palmer penguins" in Visitor(server.address).get("/").body
    assert Version.objects.live().count() == 2
