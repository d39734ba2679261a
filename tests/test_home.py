import pytest
from bs4 import BeautifulSoup

from predictor.exceptions import RecipeError
from predictor.models import Artifact, Version
from predictor.monitoring.watch import store
from predictor.record.monitoring import Monitoring as Result
from predictor.serving.service import service
from tests.recipes import LINE, write_recipe
from tests.training import train

pytestmark = pytest.mark.django_db


def read_page(response):
    return BeautifulSoup(response.content, "html.parser")


def test_the_home_page_has_a_card_for_each_model_that_is_served(client, line, penguins):
    cards = {card.h2.text: card for card in read_page(client.get("/models/")).select(".card")}
    assert list(cards) == ["A straight line", "Palmer penguins"]
    card = cards["Palmer penguins"]
    assert card.h2.a["href"] == "/penguins/"
    assert "Predicts the species of a penguin" in card.text
    facts = {row.dt.text: row.dd.text for row in card.select("dl > div")}
    assert facts["Predicts"] == "Species"
    assert facts["Quality"] == str(penguins.verdict.sentence)
    assert card.time["datetime"] == penguins.created_at.isoformat()


@pytest.mark.parametrize(("version", "is_said"), [(1, True), (2, False)])
def test_an_alarm_of_the_live_version_is_said_on_its_card_and_before_all_else_on_its_page(
    client, line, version, is_said
):
    found = Result(version=version, since="2026-03-01", until="2026-03-08", predictions=5, read=5, state="alarm")
    store("line", found)
    assert ("worse than promised" in read_page(client.get("/models/")).select_one(".card").text) == is_said
    first = read_page(client.get("/about/line/")).select_one(".verdict")
    assert bool(first.select_one("a[href='#live-quality']")) == is_said


def test_a_site_without_models_says_how_to_make_one(client):
    assert "./manage.py retrain" in client.get("/models/").content.decode()


def test_the_first_page_is_the_home_page_where_there_is_no_default_model(client, line, settings):
    assert read_page(client.get("/")).select_one("form.predict")
    settings.DEFAULT_MODEL = ""
    assert read_page(client.get("/")).select_one(".card")
    assert client.post("/", {"x": "5"}).status_code == 405


def test_without_a_default_model_a_site_is_ready_once_every_live_version_loads(client, line, penguins, settings):
    settings.DEFAULT_MODEL = ""
    assert client.get("/readyz").status_code == 200
    Artifact.objects.filter(version=penguins).delete()
    service.forget()
    assert client.get("/readyz").status_code == 503


def test_a_new_model_cannot_have_the_address_of_the_home_page_but_one_that_has_it_keeps_it(client, tmp_path):
    toml = f'{LINE}[estimator]\nclass = "sklearn.linear_model.LinearRegression"\n'
    folder = write_recipe(tmp_path, "models", toml)
    with pytest.raises(RecipeError, match="already a page of the site"):
        train(folder, "models")
    former = train(write_recipe(tmp_path, "line", toml), "line")
    Version.objects.filter(id=former.id).update(model="models")
    train(folder, "models")
    page = read_page(client.get("/models/"))
    assert page.select_one("form.predict")["action"] == "/models/"
    assert page.find("a", string="All models") is None
    assert client.post("/models/", {"x": "5"}).status_code == 303
