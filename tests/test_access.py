"""What needs a sign-in is shown to nobody else, and nothing is lost on the way to it."""

import re
from types import SimpleNamespace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission, User
from django.core.checks import run_checks
from django.test import Client, RequestFactory
from django.urls import URLPattern, get_resolver

from mlsite.turns import is_sign_in
from predictor import urls
from predictor.access import forms, sign_in
from predictor.access.keys import Scope, make_key
from predictor.api.operations import list_operations
from predictor.models import ModelRight, Outcome, Prediction, Promotion, Version
from predictor.serving.service import service
from tests.recipes import write_recipe
from tests.texts import make_spam, write_csv
from tests.training import register_shipped, train

pytestmark = pytest.mark.django_db

PASSWORD = "a long and good one"  # noqa: S105  # It opens nothing.
UNKNOWN = "0190a0c0-0000-7000-8000-000000000000"
SITE = "https://example.com"
# Of MLflow's protocol, and one that other operations refuse once they have let somebody in.
BODY = '{"dataframe_records": [{"x": 5}]}'
NAMES_IT = re.compile(r"[\"'>/]line[\"'</]")
# They are about no model.
OPEN = {"own", "icon", "metrics", "style", "health", "readiness", "sign_in", "sign_out"}


@pytest.fixture(autouse=True)
def fresh_process():
    sign_in._refused.clear()


@pytest.fixture
def closed(line, settings):
    settings.FORM_ACCESS, settings.VISITOR_REPORTS, settings.EMBED_ORIGINS = "login", True, [SITE]
    return line


@pytest.fixture
def grace(db):
    return User.objects.create_user("grace", password=PASSWORD)


@pytest.fixture
def prediction(line):
    [made] = service.predict(
        service.get_runtime("line"), [service.get_runtime("line").schema.parse({"x": 5})], Prediction.Source.FORM
    )
    return made


def sign_in_as(user):
    client = Client()
    client.force_login(user)
    return client


def list_pages(slug, id):
    """Each page about a model, by the name of its pattern, with what is real in its address."""
    version = Version.objects.filter(model="line").first()
    figure = version.figures.first()
    real = {"slug": slug, "id": id, "other": id, "number": str(version.number), "name": figure.name if figure else "x"}
    real["format"] = "csv"
    for pattern in urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        if pattern.name in OPEN:
            continue
        address = "/" + str(pattern.pattern)
        for name in pattern.pattern.converters:
            for kind in ("slug", "int", "uuid", "str"):
                address = address.replace(f"<{kind}:{name}>", str(real[name]))
        assert "<" not in address, f"{pattern.name}: give this test a value for what it captures"
        yield pattern.name, address


def describe(response):
    """What somebody learns from an answer, whatever address was asked for."""
    if response.status_code in (301, 302, 303):
        place = urlsplit(response["Location"])
        return response.status_code, place.path
    page = BeautifulSoup(response.content, "html.parser")
    title = page.title.text if page.title else response.content
    return response.status_code, title, [each.text for each in page.select(".switcher li")]


def test_every_page_of_a_model_asks_visitors_to_sign_in_and_says_nothing_of_what_there_is(closed, prediction):
    visitor = Client()
    unknown = dict(list_pages("nothing", UNKNOWN))
    for name, address in list_pages("line", prediction.id):
        got, sent = visitor.get(address), visitor.post(address, {"x": "1"})
        for answered, other in ((got, visitor.get(unknown[name])), (sent, visitor.post(unknown[name], {"x": "1"}))):
            assert describe(answered) == describe(other), name
            assert answered.status_code in (302, 403, 404, 405), name
            assert str(prediction.output) not in answered.content.decode(), name
        if name.startswith("embed"):
            assert (got.status_code, sent.status_code) in {(404, 404), (404, 405)}, name
        elif got.status_code != 405:
            asked = urlsplit(got["Location"])
            assert (asked.path, parse_qs(asked.query)["next"]) == ("/sign-in/", [address]), name
        else:
            assert "Sign in" in sent.content.decode(), name


def test_every_page_of_a_model_is_as_if_it_were_not_there_for_users_without_the_right(closed, prediction, grace):
    ModelRight.objects.create(user=grace, model="penguins")
    user = sign_in_as(grace)
    unknown = dict(list_pages("nothing", UNKNOWN))
    for name, address in list_pages("line", prediction.id):
        if name == "home":
            assert "Your account may see none of the models" in user.get(address).content.decode()
            continue
        if name != "default":
            for ask in (user.get, user.post):
                assert describe(ask(address)) == describe(ask(unknown[name])), name
        got, sent = user.get(address), user.post(address, {"x": "1"})
        assert {got.status_code, sent.status_code} <= {403, 404, 405}, name
        assert str(prediction.output) not in got.content.decode() + sent.content.decode(), name


@pytest.mark.both_databases
def list_patterns(urlconf):
    def walk(patterns, prefix):
        for pattern in patterns:
            address = f"{prefix}{pattern.pattern}"
            yield from [address] if isinstance(pattern, URLPattern) else walk(pattern.url_patterns, address)

    return list(walk(get_resolver(urlconf).url_patterns, ""))


def list_answers(client, slug, id):
    """What each operation of the API answers; the key is its method and the pattern of its address."""
    direct = [("invocations?model=<slug:slug>", SimpleNamespace(method="POST"))]
    direct += [(name, SimpleNamespace(method="GET")) for name in ("api/docs", "ping", "health", "version")]
    operations = [*list_operations(get_resolver("predictor.api.urls").url_patterns), *direct]
    leading_on = {"api/", "invocations/"}
    known = {pattern.partition("?")[0] for pattern, _ in operations} | leading_on
    assert {address for address in list_patterns("predictor.api.urls") if address} <= known
    for pattern, each in operations:
        values = {"<slug:slug>": slug, "<id:id>": id, "<int:number>": 1}
        address = "/" + pattern
        for captured, value in values.items():
            address = address.replace(captured, str(value))
        assert "<" not in address, f"{pattern}: give this test a value for what it captures"
        yield (each.method, pattern), client.generic(each.method, address, BODY, "application/json")


def test_the_api_answers_for_a_model_that_needs_a_sign_in_only_to_keys_and_users_with_the_right(
    closed, prediction, grace, settings
):
    settings.API_ACCESS = "public"
    unknown = dict(list_answers(Client(), "nothing", UNKNOWN))
    for operation, answered in list_answers(Client(), "line", prediction.id):
        assert answered.status_code == unknown[operation].status_code, operation
        assert answered.status_code == 401 or not NAMES_IT.search(answered.content.decode()), operation
    ModelRight.objects.create(user=grace, model="penguins")
    grace.user_permissions.set(Permission.objects.filter(codename__in=["view_prediction", "add_outcome"]))
    key = make_key("a test", scopes=[*Scope], models=["penguins"], expires_at=None, by="tests")[1]
    program = Client(headers={"Authorization": f"Bearer {key}"})
    before = Prediction.objects.count()
    for operation, answered in [
        *list_answers(sign_in_as(grace), "line", prediction.id),
        *list_answers(program, "line", prediction.id),
    ]:
        assert answered.status_code in (403, 404) or not NAMES_IT.search(answered.content.decode()), operation
    assert (Prediction.objects.count(), Outcome.objects.count()) == (before, 0)


def test_the_api_takes_predictions_of_such_a_model_with_a_key_or_from_a_page_of_this_site(closed, grace):
    key = make_key("a test", scopes=[Scope.PREDICT], models=None, expires_at=None, by="tests")[1]
    address, body = "/api/v1/models/line/predict", {"inputs": {"x": 5}}
    asked = Client().post(address, body, "application/json", headers={"Authorization": f"Bearer {key}"})
    assert asked.status_code == 200
    user = Client(enforce_csrf_checks=True)
    user.force_login(grace)
    token = BeautifulSoup(user.get("/line/").content, "html.parser").select_one("[name=csrfmiddlewaretoken]")["value"]
    assert user.post(address, body, "application/json").status_code == 403
    assert user.post(address, body, "application/json", headers={"X-CSRFToken": token}).status_code == 200


def test_a_user_who_is_no_staff_signs_in_predicts_and_signs_out(closed, grace):
    visitor = Client(enforce_csrf_checks=True)
    asked = visitor.get("/line/?x=5")
    page = BeautifulSoup(visitor.get(asked["Location"]).content, "html.parser")
    fields = {each["name"]: each.get("value", "") for each in page.select("main form input")}
    signed_in = visitor.post("/sign-in/", {**fields, "username": "grace", "password": PASSWORD})
    assert (signed_in.status_code, signed_in["Location"]) == (303, "/line/?x=5")
    shown = visitor.get(signed_in["Location"])
    form = BeautifulSoup(shown.content, "html.parser")
    assert form.select_one("form.predict [name=x]")["value"] == "5"
    assert form.select_one("form.account bdi").text == "grace"
    assert shown["Cache-Control"] == "private, no-cache"
    token = form.select_one("form.predict [name=csrfmiddlewaretoken]")["value"]
    answered = visitor.post("/line/", {"x": "5", "csrfmiddlewaretoken": token})
    assert visitor.get(answered["Location"]).status_code == 200
    visitor.post("/sign-out/", {"csrfmiddlewaretoken": token})
    assert urlsplit(visitor.get(answered["Location"])["Location"]).path == "/sign-in/"


@pytest.mark.parametrize(
    ("address", "length", "is_htmx"),
    [("/spam/", 20, False), ("/spam/", 20_000, True), (f"/spam/try/?from={UNKNOWN}", 20_000, True)],
)
def test_what_was_typed_when_the_session_was_over_is_there_again_after_the_sign_in(
    settings, tmp_path, grace, address, length, is_htmx
):
    settings.FORM_ACCESS = "login"
    toml = """
title = "Spam"
target = "label"
data = "data.csv"
[estimator]
class = "sklearn.linear_model.LogisticRegression"
[features.message]
maximum_length = 30000
"""
    settings.MODELS_DIR = write_recipe(tmp_path, "spam", toml=toml, csv=write_csv(make_spam(), "message", "label"))
    train(settings.MODELS_DIR, "spam")
    typed = "cash & ü " * (length // 8)
    visitor = Client()
    sent = visitor.post(address, {"message": typed}, headers={"HX-Request": "true"} if is_htmx else {})
    assert not Prediction.objects.exists()
    assert "What you typed is there again after you have signed in." in sent.content.decode()
    assert sent.get("HX-Retarget") == ("#main" if is_htmx else None)
    page = BeautifulSoup(sent.content, "html.parser")
    fields = {each["name"]: each.get("value", "") for each in page.select(".sign-in form input")}
    wrong = visitor.post("/sign-in/", {**fields, "username": "grace", "password": "wrong"})
    page = BeautifulSoup(wrong.content, "html.parser")
    fields = {each["name"]: each.get("value", "") for each in page.select(".sign-in form input")}
    signed_in = visitor.post("/sign-in/", {**fields, "username": "grace", "password": PASSWORD}, follow=True)
    form = BeautifulSoup(signed_in.content, "html.parser")
    assert form.select_one("form.predict textarea").text.strip() == typed.strip()
    assert not form.select(".problems")


def test_a_trial_and_an_outcome_that_had_to_wait_for_the_sign_in_are_typed_still(closed, prediction, grace):
    visitor = Client()
    for address, field, shown in (
        (f"/line/try/?from={prediction.id}", "x", "form.try [name=x]"),
        (f"/predictions/{prediction.id}/report/", "outcome", "form.record [name=outcome]"),
    ):
        page = BeautifulSoup(visitor.post(address, {field: "7.25"}).content, "html.parser")
        fields = {each["name"]: each.get("value", "") for each in page.select(".sign-in form input")}
        there = visitor.post("/sign-in/", {**fields, "username": "grace", "password": PASSWORD}, follow=True)
        assert BeautifulSoup(there.content, "html.parser").select_one(shown)["value"] == "7.25"
        visitor = Client()


def test_htmx_leads_to_the_sign_in_and_back_to_the_page_that_it_asked_for_a_part_of(closed, prediction):
    page = f"/predictions/{prediction.id}/"
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"}
    answered = Client().get(f"{page}reasons/", headers=headers)
    assert answered["HX-Redirect"] == f"/sign-in/?{urlencode({'next': page})}"


def test_a_next_of_another_site_leads_to_the_first_page(closed, grace):
    user = sign_in_as(grace)
    for next_page in (
        *("https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "/\t/evil.example"),
        *("javascript:alert(1)", "", "line/"),
    ):
        signed_in = Client().post("/sign-in/", {"next": next_page, "username": "grace", "password": PASSWORD})
        assert signed_in["Location"] == "/", next_page
        assert user.get("/sign-in/", {"next": next_page})["Location"] == "/", next_page


def test_attempts_on_the_sites_own_page_are_limited_as_those_in_the_admin(closed, grace):
    wrong = {"username": "grace", "password": "wrong"}
    statuses = [Client().post("/sign-in/", wrong).status_code for _ in range(sign_in.ACCOUNT_AT_ADDRESS.most)]
    assert statuses == [422] * sign_in.ACCOUNT_AT_ADDRESS.most
    refused = Client().post("/sign-in/", {**wrong, "password": PASSWORD})
    assert is_sign_in(RequestFactory().post("/sign-in/"))  # So it waits for its turn.
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 800
    assert Client().post("/admin/login/", {**wrong, "password": PASSWORD}).status_code == 429


@pytest.mark.parametrize(
    ("setting", "own", "expected"),
    [
        ("public", None, True),
        ("public", "login", False),
        ("login", None, False),
        ("login", "public", True),
        ("login, line=login", "public", False),
        ("public, line=login", None, False),
        ("login, line=public", "login", True),
        ("public, other=login", None, True),
    ],
)
def test_the_recipe_wins_over_the_default_and_the_setting_of_one_model_wins_over_its_recipe(
    settings, setting, own, expected
):
    settings.FORM_ACCESS = setting
    assert forms.is_open("line", own) is expected


def test_what_a_recipe_closes_stays_closed_by_a_rollback_and_where_its_version_was_kept_back(models_dir, client):
    register_shipped("line")
    recipe = models_dir / "line/model.toml"
    text = recipe.read_text()
    recipe.write_text(f'access = "login"\n{text}')
    former = Version.objects.get()
    train(models_dir, "line")
    Promotion.objects.create(version=former, promoted_by="tests", reason="a rollback")
    service.forget()
    assert client.get("/line/").status_code == 302
    recipe.write_text(text)
    train(models_dir, "line")
    service.forget()
    assert client.get("/line/").status_code == 200


def test_visitors_find_only_what_is_open_in_menus_cards_and_their_own_answers(
    line, penguins, settings, prediction, grace
):
    settings.FORM_ACCESS = "public, line=login"
    visitor, user = Client(), sign_in_as(grace)
    answered = user.post("/line/", {"x": "5"})
    visitor.cookies["answers"] = answered.cookies["answers"].value
    for client, found in ((visitor, {"penguins"}), (user, {"line", "penguins"})):
        home = BeautifulSoup(client.get("/models/").content, "html.parser")
        assert {each["href"].strip("/") for each in home.select(".card h2 a")} == found
        assert {each["href"].strip("/") for each in home.select(".switcher li a")} == found
        own = BeautifulSoup(client.get("/predictions/").content, "html.parser").select(".own li")
        assert len(own) == ("line" in found)
    assert "Sign in" in visitor.get("/penguins/").content.decode()


def test_a_public_form_costs_no_query_and_reads_no_session(line, client, django_assert_num_queries):
    client.get("/line/")
    client.cookies["sessionid"] = "made up"
    with django_assert_num_queries(0):
        shown = client.get("/line/")
    assert "sign-in" not in shown.content.decode()
    assert "Cache-Control" not in shown


def test_the_page_of_a_public_prediction_costs_one_query(line, client, django_assert_num_queries):
    answer = client.post("/line/", {"x": "5"}).url
    with django_assert_num_queries(1):
        client.get(answer)


def test_figures_are_kept_by_shared_caches_only_where_everybody_may_see_them(closed, grace, settings):
    address = closed.figures.first().get_absolute_url()
    assert sign_in_as(grace).get(address)["Cache-Control"] == "private, no-cache"
    settings.FORM_ACCESS = "public"
    assert "public" in Client().get(address)["Cache-Control"]


def test_checks_name_a_wrong_setting_and_forms_that_are_embedded_and_need_a_sign_in(closed, settings):
    def find_ids():
        return {each.id for each in run_checks(databases=["default"])} & {
            "predictor.E040",
            "predictor.W040",
            "predictor.W041",
            "predictor.W042",
        }

    assert find_ids() == {"predictor.W040", "predictor.W041"}
    settings.FORM_ACCESS = "public, line=login"
    assert find_ids() == {"predictor.W041"}
    for wrong in ("private", "login, line", "public,", "public, line=yes"):
        settings.FORM_ACCESS = wrong
        assert find_ids() == {"predictor.E040"}
    settings.FORM_ACCESS = "public, lime=login"
    assert find_ids() == {"predictor.W042"}
    settings.FORM_ACCESS = "public"
    assert not find_ids()
