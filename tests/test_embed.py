from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from predictor.exceptions import RecipeError
from predictor.models import Prediction
from predictor.web import embed
from tests.recipes import write_recipe
from tests.texts import make_spam, write_csv
from tests.training import register_shipped, train

SITE = "https://example.com"
SPAM = """
title = "Spam"
target = "label"
data = "data.csv"
[estimator]
class = "sklearn.linear_model.LogisticRegression"
[features.message]
maximum_length = 5000
"""


@pytest.fixture
def embedded(line, settings):
    settings.EMBED_ORIGINS = [SITE]
    return line


def write_origins(models_dir, *origins):
    recipe = models_dir / "line/model.toml"
    recipe.write_text(f"embed_origins = {list(origins)}\n{recipe.read_text()}")


def read_form(response):
    page = BeautifulSoup(response.content, "html.parser")
    return {field["name"]: field.get("value", "") for field in page.select("form.predict input")}


@pytest.mark.django_db
def test_a_site_that_is_allowed_can_embed_the_form_and_its_answer(embedded):
    visitor = Client(enforce_csrf_checks=True)
    shown = visitor.get("/line/embed/?x=5")
    fields = read_form(shown)
    assert fields["x"] == "5"
    sent = visitor.post("/line/embed/", fields, headers={"Sec-Fetch-Site": "same-origin", "Origin": "null"})
    prediction = Prediction.objects.get()
    assert (sent.status_code, sent["Location"]) == (303, f"/line/embed/{prediction.id}/")
    answered = visitor.get(sent["Location"])
    output = BeautifulSoup(answered.content, "html.parser").select_one("output#prediction")
    assert float(output["data-value"]) == prediction.output
    for response in (shown, sent, answered):
        assert f"frame-ancestors {SITE};" in response["Content-Security-Policy"]
        assert "X-Frame-Options" not in response
        assert not response.cookies
        assert b'href="/predictions/' not in response.content


@pytest.mark.django_db
@pytest.mark.parametrize("length", [10, 4_500])
def test_an_answer_leads_back_to_the_form_with_its_inputs_however_long_they_are(client, settings, tmp_path, length):
    settings.EMBED_ORIGINS = [SITE]
    csv = write_csv(make_spam(), "message", "label")
    settings.MODELS_DIR = write_recipe(tmp_path, "spam", toml=SPAM, csv=csv)
    train(settings.MODELS_DIR, "spam")
    typed = "cash" * (length // 4)
    sent = client.post("/spam/embed/", {**read_form(client.get("/spam/embed/")), "message": typed})
    answered = BeautifulSoup(client.get(sent["Location"]).content, "html.parser")
    change = client.get(answered.select_one("a.button")["href"], follow=True)
    form = BeautifulSoup(change.content, "html.parser").select_one("form.predict")
    assert form.select_one("textarea").text.strip() == typed
    assert form.select_one("textarea")["dir"] == "auto"
    assert embed.is_token(form.select_one("[name=csrfmiddlewaretoken]")["value"], "spam")
    assert f"frame-ancestors {SITE};" in change["Content-Security-Policy"]
    assert not change.cookies


@pytest.mark.django_db
def test_errors_stay_in_the_frame_with_what_was_typed(embedded, client):
    fields = read_form(client.get("/line/embed/"))
    wrong = client.post("/line/embed/", fields | {"x": "abc"})
    assert wrong.status_code == 422
    assert f"frame-ancestors {SITE};" in wrong["Content-Security-Policy"]
    assert read_form(wrong)["x"] == "abc"
    missing = client.get("/line/embed/0199ac1e-1b60-7000-8000-000000000000/")
    assert missing.status_code == 404
    assert f"frame-ancestors {SITE};" in missing["Content-Security-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize("sent", ["", "line", "line:1w:x", "of another model", "too old"])
def test_a_token_that_is_wrong_or_too_old_gets_a_new_one(embedded, client, monkeypatch, sent):
    if sent == "of another model":
        sent = embed.make_token("penguins")
    elif sent == "too old":
        sent = embed.make_token("line")
        monkeypatch.setattr(embed, "SECONDS_OF_A_TOKEN", -1)
    refused = client.post("/line/embed/", {"csrfmiddlewaretoken": sent, "x": "5"})
    assert refused.status_code == 422
    assert "send it once more" in refused.content.decode()
    assert not Prediction.objects.exists()
    monkeypatch.undo()
    assert client.post("/line/embed/", read_form(refused)).status_code == 303


@pytest.mark.django_db
def test_everything_else_stays_out_of_frames(embedded, client, penguins):
    for path in ("/line/", "/", "/about/line/", "/line/embed/0/", "/nothing/embed/"):
        response = client.get(path)
        assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
        assert response["X-Frame-Options"] == "DENY"
    client.post("/line/", {"x": "5"})
    other = Prediction.objects.get()
    assert client.get(f"/penguins/embed/{other.id}/").status_code == 404


@pytest.mark.django_db
def test_without_origins_there_is_nothing_to_embed(line, client):
    response = client.get("/line/embed/")
    assert (response.status_code, response["X-Frame-Options"]) == (404, "DENY")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("own", "status", "ancestors"), [(["https://a.example:8443"], 200, "https://a.example:8443"), ([], 404, "'none'")]
)
def test_a_recipe_decides_for_its_model(models_dir, settings, client, own, status, ancestors):
    settings.EMBED_ORIGINS = [SITE]
    write_origins(models_dir, *own)
    train(models_dir, "line")
    response = client.get("/line/embed/")
    assert response.status_code == status
    assert f"frame-ancestors {ancestors};" in response["Content-Security-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", ["*", "example.com", "http://example.com", "https://example.com/", "https://a b"])
def test_what_is_no_origin_is_refused_with_its_key(models_dir, wrong):
    write_origins(models_dir, wrong)
    with pytest.raises(RecipeError, match=r"embed_origins: .* is not an origin such as https://example.com"):
        train(models_dir, "line")


@pytest.fixture
def shops():
    """Two other sites, by their origins, whose page is a frame with the address in `frames`."""
    frames = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):  # The library's name.
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(
                f"<!doctype html><title>A shop</title><iframe src={frames[-1]} height=600></iframe>".encode()
            )

        def log_message(self, *arguments):
            """Nothing, since nobody reads it."""

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Page) for _ in range(2)]
    for server in servers:
        Thread(target=server.serve_forever, daemon=True).start()
    yield [f"http://127.0.0.1:{server.server_port}" for server in servers], frames
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.browser
def test_a_browser_shows_the_frame_on_that_site_and_on_no_other(serve, launched, models_dir, shops):
    (allowed, other), frames = shops
    register_shipped("line")
    site = serve(EMBED_ORIGINS=allowed).wait_until("/line/embed/")
    frames.append(f"{site.address}/line/embed/")
    context = launched.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(allowed)
        inside = page.frame_locator("iframe")
        inside.get_by_label("x").fill("5")
        inside.get_by_role("button", name="Predict").click()
        inside.locator("output#prediction").wait_for()
        assert not context.cookies()
        page.goto(other)
        assert page.frames[1].url == "chrome-error://chromewebdata/"
    finally:
        context.close()
