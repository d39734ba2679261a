"""What the form of a model shows, and with what it can be filled in."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from bs4 import BeautifulSoup

from predictor.models import Prediction, Version
from predictor.record.layout import Layout
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.web.arrangement import arrange
from predictor.web.choices import find_choice, is_searched
from predictor.web.pieces import FormPieces
from tests.answers import change_inputs
from tests.wide import ARABIC, LONG, register_wide

SCHEMA = Schema(
    features=tuple(make_feature(name=name, kind="number", label=name) for name in "abcd"),
    target=Target(name="y", label="y", task="regression"),
)
# A town that has words, which the form shows.
SHOWN = {"Oldham": "The old ham"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ml_models")


@pytest.fixture
def wide(db, folder):
    return register_wide(folder)


def read_page(response):
    return BeautifulSoup(response.content, "html.parser")


def list_names(groups):
    return [(group.title, "".join(feature.name for feature in group.features)) for group in groups]


@pytest.mark.parametrize(
    ("groups", "order", "importances", "expected"),
    [
        ({}, (), {}, [("", "abcd")]),
        ({}, (), {"b": 0.5, "d": 2.0, "a": -1.0}, [("", "dbca")]),
        ({}, ("c",), {"b": 0.5, "d": 2.0}, [("", "cdba")]),
        ({"a": "A", "d": "D"}, (), {"d": 1.0}, [("D", "d"), ("A", "a"), ("", "bc")]),
    ],
)
def test_the_recipes_order_comes_first_then_the_most_important_and_what_has_no_group_last(
    groups, order, importances, expected
):
    assert list_names(arrange(SCHEMA, Layout(groups=groups, order=order), importances)) == expected


def test_the_form_of_a_wide_model_is_small_and_its_groups_are_named(client, wide):
    response = client.get("/wide/")
    assert len(response.content) <= 40_000
    page = read_page(response)
    assert [each.text for each in page.select("legend")] == [LONG, ARABIC, "Other inputs"]
    assert page.select_one("form.predict [name]:not([type=hidden])")["name"] == "town"
    assert page.select_one("input[name=measure_1]").parent["class"] == ["entry", "currency"]
    assert page.select_one("[name=has_pool]").find_parent(class_="field").label.text == "has_pool optional"


def test_the_range_seen_is_drawn_and_its_text_stays_with_the_field(client, wide):
    page = read_page(client.get("/wide/"))
    entry = page.select_one("input[name=measure_4]")
    drawn = entry.find_parent(class_="field").select_one(".seen")
    low, high = wide.parsed_schema.features[4].seen
    assert (drawn["data-low"], drawn["data-high"], drawn["aria-hidden"]) == (str(low), str(high), "true")
    described = page.select_one(f"#{entry['aria-describedby']}")
    assert "Seen in training: " in described.select_one(".unseen").text
    assert "Seen in training: 11 Jan 2024 to 11 Sep 2024." in page.text


def test_whatever_fills_the_form_in_can_be_sent_as_it_is(client, wide):
    links = read_page(client.get("/wide/")).select("a.fill")
    assert [link.text for link in links] == ["A typical case", LONG, "Clear"]
    for link in links[:-1]:
        page = read_page(client.get(link["href"]))
        shown = {each["name"]: each.get("value") for each in page.select("form.predict input[type=text]")}
        query = dict(parse_qsl(urlsplit(link["href"]).query))
        assert shown == {name: SHOWN.get(query[name], query[name]) for name in shown}
        assert client.post("/wide/", query).status_code == 303
        assert client.post("/wide/", query | shown).status_code == 303
    assert links[-1]["href"] == "/wide/"
    assert Prediction.objects.count() == 4


def test_a_link_fills_the_form_as_it_was_typed_and_predicts_nothing(client, wide):
    query = (
        "measure_0=1,234&measure_1=<b>&town=nowhere&has_pool=maybe&sold_on=2024-02-03&is_new=true&heating=coal&utm=1"
    )
    page = read_page(client.get(f"/wide/?{query}"))
    values = {each["name"]: each.get("value") for each in page.select("form.predict input")}
    assert (values["measure_0"], values["measure_1"], values["town"]) == ("1,234", "<b>", "nowhere")
    assert (values["sold_on"], values["measure_2"]) == ("2024-02-03", None)
    assert page.select_one("input[name=is_new]").has_attr("checked")
    assert page.select_one(".work .warnings").text.split(": ")[1] == "heating (“coal”), has_pool (“maybe”)"
    assert not Prediction.objects.exists()
    assert len(client.get(f"/wide/?measure_0={'9' * 50_000}").content) <= 42_000


def test_many_choices_are_searched_and_what_is_typed_is_checked(client, wide):
    page = read_page(client.get("/wide/"))
    entry = page.select_one("input[name=town]")
    options = [option["value"] for option in page.select(f"datalist#{entry['list']} option")]
    assert len(options) == 98
    assert "The old ham" in options
    query = dict(parse_qsl(urlsplit(page.select_one("a.fill")["href"]).query))
    for typed, stored in [("the OLD ham", "Oldham"), (" oldham", "Oldham"), ("northridge", "Northridge")]:
        assert client.post("/wide/", query | {"town": typed}).status_code == 303
        prediction = Prediction.objects.first()
        assert prediction.inputs["town"] == stored
        form = change_inputs(client, prediction.get_absolute_url())
        assert form.select_one("input[name=town]")["value"] == SHOWN.get(stored, stored)
    refused = client.post("/wide/", query | {"town": "Gotham"})
    assert refused.status_code == 422
    assert read_page(refused).select_one("input[name=town]")["value"] == "Gotham"


def test_choices_that_a_browser_would_change_are_never_searched():
    many = tuple(map(str, range(20)))
    assert is_searched(make_feature(name="a", kind="category", label="a", choices=many))
    for odd in ("", "a  b", " a", "a\nb"):
        assert not is_searched(make_feature(name="a", kind="category", label="a", choices=(*many, odd)))
    twins = make_feature(name="a", kind="category", label="a", choices=("Ab", "aB", "c"))
    assert [find_choice(twins, typed) for typed in ("ab", "aB", "C")] == ["ab", "aB", "c"]


def test_the_summary_of_errors_names_each_field_and_leads_to_it(client, wide):
    query = dict(parse_qsl(urlsplit(read_page(client.get("/wide/")).select_one("a.fill")["href"]).query))
    page = read_page(client.post("/wide/", query | {"measure_1": "5000", "town": ""}))
    links = page.select(".problems a")
    assert [link.text for link in links] == ["Town", "measure_1"]
    for link in links:
        entry = page.select_one(link["href"])
        assert entry["aria-invalid"] == "true"
        assert page.select_one(f"label[for={entry['id']}]").text == link.text


def test_an_answer_next_to_its_form_brings_no_second_form_and_no_second_notice(client, wide):
    query = dict(parse_qsl(urlsplit(read_page(client.get("/wide/")).select_one("a.fill")["href"]).query))
    answers = [
        read_page(client.post("/wide/", query, headers={"HX-Request": "true", "HX-Target": target}))
        for target in ("answer", "main")
    ]
    assert [len(page.select("output#prediction")) for page in answers] == [1, 1]
    assert [len(page.select("#notice")) for page in answers] == [0, 1]
    assert answers[0].select("form.predict") == []


def test_a_form_of_very_many_inputs_offers_no_link_that_servers_refuse():
    features = tuple(make_feature(name=f"x{i}", kind="number", label="x", typical=1234.5) for i in range(600))
    pieces = FormPieces(Version(model="many"), Schema(features=features, target=SCHEMA.target))
    assert 'class="fill"' not in pieces.fill("token", {})
