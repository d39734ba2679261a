"""Where staff record what really happened: on a prediction's own page, and in the admin."""

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission, User
from django.test import Client

from predictor.models import Outcome, Prediction
from predictor.outcomes.recording import record_outcome
from predictor.serving.service import service
from tests.outcomes import read_log
from tests.test_predict_journey import PENGUIN

pytestmark = pytest.mark.django_db


@pytest.fixture
def prediction(client, line):
    client.post("/", {"x": "5"})
    return Prediction.objects.get()


@pytest.fixture
def penguin(client, penguins, settings):
    settings.DEFAULT_MODEL = "penguins"
    client.post("/", PENGUIN)
    return Prediction.objects.get()


@pytest.fixture
def staff(db):
    user = User.objects.create_user("grace", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["add_outcome", "view_outcome"]))
    user.user_permissions.add(Permission.objects.get(codename="view_prediction"))
    client = Client()
    client.force_login(user)
    return client


def read_page(client, prediction):
    return BeautifulSoup(client.get(prediction.get_absolute_url()).content, "html.parser")


def send(client, prediction, outcome, seen="", **headers):
    fields = {"outcome": outcome, "seen": seen}
    return client.post(f"{prediction.get_absolute_url()}outcome/", fields, headers=headers)


def test_a_visitor_sees_nothing_about_outcomes_before_there_is_one(client, prediction):
    assert read_page(client, prediction).select_one("#outcome") is None


def test_a_visitor_sees_what_happened_with_its_unit_and_when_but_not_who_said_so(client, line, prediction):
    line.schema["target"]["unit"] = "mm"
    line.save()
    service.forget()
    outcome, _ = record_outcome(prediction, "7.5", by="ada", seen=None)
    section = read_page(client, prediction).select_one("#outcome")
    assert section.select_one(".happened strong").text == "7.5\u00a0mm"
    assert section.select_one(".happened .unit").text == "mm"
    assert section.select_one("time")["datetime"].startswith(f"{outcome.recorded_at:%Y-%m-%dT%H:%M}")
    assert "ada" not in section.text
    assert section.select_one("form") is None


def test_staff_record_on_the_page_and_see_who_recorded_what(staff, prediction):
    form = read_page(staff, prediction).select_one("#outcome form")
    assert form.select_one("input[name=outcome]")["type"] == "text"
    assert form.select_one("label")["for"] == form.select_one("input[name=outcome]")["id"]
    response = send(staff, prediction, "7.5")
    assert (response.status_code, response["Location"]) == (303, f"{prediction.get_absolute_url()}#outcome")
    assert read_log() == [(7.5, "grace", None)]
    section = read_page(staff, prediction).select_one("#outcome")
    seen = section.select_one("input[name=seen]")["value"]
    send(staff, prediction, "8", seen)
    rows = read_page(staff, prediction).select("#outcome tbody tr")
    assert [[cell.text for cell in row.select("td")][::2] for row in rows] == [["8", "grace"], ["7.5", "grace"]]


def test_a_classification_offers_its_classes(staff, penguin):
    options = read_page(staff, penguin).select("#outcome select option")
    assert [option["value"] for option in options] == ["", "Adelie", "Chinstrap", "Gentoo"]
    assert send(staff, penguin, "Gentoo").status_code == 303
    assert read_log() == [("Gentoo", "grace", None)]


@pytest.mark.parametrize(("typed", "said"), [("seven", "“seven” is not a number"), ("", "A value is needed")])
def test_a_wrong_value_is_refused_at_its_field(staff, prediction, typed, said):
    response = send(staff, prediction, typed)
    page = BeautifulSoup(response.content, "html.parser")
    field = page.select_one("#outcome input[name=outcome]")
    assert response.status_code == 422
    assert said in page.select_one(f"#{field['aria-describedby']}").text
    assert (field["aria-invalid"], field.get("value", "")) == ("true", typed)
    assert len(page.select("[autofocus]")) == 1
    assert not Outcome.objects.exists()


@pytest.mark.parametrize(("typed", "seen"), [("7.5", "x"), ("7.5\x00", ""), ("7.5", "9" * 400)])
def test_what_no_browser_sends_records_nothing(staff, prediction, typed, seen):
    assert send(staff, prediction, typed, seen).status_code == 422
    assert not Outcome.objects.exists()


def test_who_is_second_is_told_and_may_then_replace_it(staff, prediction):
    record_outcome(prediction, "7.5", by="ada", seen=None)
    response = send(staff, prediction, "8")
    page = BeautifulSoup(response.content, "html.parser")
    assert response.status_code == 422
    assert "7.5 is recorded by now, by ada" in page.select_one(".problems").text
    assert page.select_one("#outcome input[name=outcome]")["value"] == "8"
    send(staff, prediction, "8", page.select_one("#outcome input[name=seen]")["value"])
    assert read_log() == [(7.5, "ada", None), (8.0, "grace", 7.5)]


def test_htmx_gets_the_pages_content_in_place(staff, prediction):
    response = send(staff, prediction, "7.5", **{"HX-Request": "true"})
    page = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in page
    assert '<h2 id="happened" tabindex="-1" autofocus>' in page
    assert page.count("autofocus") == 1


@pytest.mark.parametrize("rights", [None, {"is_staff": True}, {"is_staff": False, "may": True}])
def test_nobody_else_records(prediction, rights):
    client = Client()
    if rights is not None:
        user = User.objects.create_user("eve", is_staff=rights["is_staff"])
        if rights.get("may"):
            user.user_permissions.add(Permission.objects.get(codename="add_outcome"))
        client.force_login(user)
    assert send(client, prediction, "7.5").status_code == 403
    assert read_page(client, prediction).select_one("#outcome") is None
    assert not Outcome.objects.exists()


def test_a_form_of_another_site_records_nothing(staff, prediction):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = staff.cookies
    assert send(strict, prediction, "7.5").status_code == 403
    assert not Outcome.objects.exists()


def test_what_does_not_exist_has_no_outcome(staff, prediction):
    other = Prediction(id="01890000-0000-7000-8000-000000000000")
    assert send(staff, other, "7.5").status_code == 404


def add_in_admin(client, prediction, value):
    """Open the admin's form for a prediction and send it as it stands, with a value."""
    page = BeautifulSoup(client.get(f"/admin/predictor/outcome/add/?prediction={prediction.id}").content, "html.parser")
    fields = {name: page.select_one(f"input[name={name}]").get("value", "") for name in ("prediction", "seen")}
    return client.post("/admin/predictor/outcome/add/", {**fields, "value": value}, follow=True)


def test_the_admin_records_and_corrects_from_a_predictions_page(staff, prediction):
    add_in_admin(staff, prediction, "7.5")
    assert "added successfully" in add_in_admin(staff, prediction, "8").content.decode()
    page, response = type_in_admin(staff, prediction, "9")
    assert "Record a correction" in page.select_one("form.entry").text
    assert response.status_code == 302
    assert read_log() == [(7.5, "grace", None), (8.0, "grace", 7.5), (9.0, "grace", 8.0)]
    page, response = type_in_admin(staff, prediction, "nine")
    assert [each.text for each in page.select("#log .field-recorded_by")] == ["grace"] * 3
    assert response.status_code == 422
    assert "“nine” is not a number" in response.content.decode()


def type_in_admin(client, prediction, value):
    """Type a value on the prediction's page in the admin: the page before it, and the answer."""
    address = f"/admin/predictor/prediction/{prediction.id}/change/"
    page = BeautifulSoup(client.get(address).content, "html.parser")
    seen = page.select_one("form.entry [name=seen]").get("value", "")
    return page, client.post(address, {"value": value, "seen": seen})


@pytest.mark.parametrize(
    ("interval", "value", "verdict"),
    [
        ([11.0, 15.0], 13.5, "0.5 off, inside the interval"),
        ([11.0, 15.0], 23.0, "10.0 off, outside the interval"),
        (None, 13.5, "0.500 off"),
    ],
)
def test_the_admin_shows_prediction_and_outcome_side_by_side(staff, prediction, interval, value, verdict):
    Prediction.objects.update(output=13.0, interval=interval)
    Outcome.objects.create(prediction=prediction, value=value, recorded_by="tests")
    address = f"/admin/predictor/prediction/{prediction.id}/change/"
    page = BeautifulSoup(staff.get(address).content, "html.parser")
    predicted, happened = page.select(".sides > section")
    assert float(predicted.select_one("#answer").text) == 13.0
    assert happened.select_one("#outcome").text == f"{value:g}"
    assert happened.select_one(".verdict").text == verdict


def test_the_page_of_a_prediction_leads_to_the_next_ones_of_its_list(admin_client, client, prediction):
    for x in ("6", "50", "7", "51"):
        client.post("/", {"x": x})
    warned, *_others = (each.id for each in Prediction.objects.order_by("id") if each.inputs["x"] == 50)
    last = Prediction.objects.get(inputs__x=51)
    page = admin_client.get(f"/admin/predictor/prediction/{last.id}/change/?model=line&warned=yes")
    shown = BeautifulSoup(page.content, "html.parser")
    assert shown.select_one("a[rel=prev]") is None
    older = shown.select_one("a[rel=next]")["href"]
    assert older == f"/admin/predictor/prediction/{warned}/change/?model=line&warned=yes"
    shown = BeautifulSoup(admin_client.get(older).content, "html.parser")
    assert shown.select_one("a[rel=next]") is None
    assert str(last.id) in shown.select_one("a[rel=prev]")["href"]
    assert shown.select_one(".breadcrumbs a[href$='?model=line&warned=yes']")


def test_the_admin_refuses_what_the_target_does_not_take_and_asks_for_no_list_of_predictions(staff, prediction):
    page = add_in_admin(staff, prediction, "seven").content.decode()
    assert "“seven” is not a number" in page
    assert "<select" not in page
    assert not Outcome.objects.exists()


def test_the_admin_adds_nothing_that_is_recorded_already(staff, prediction):
    add_in_admin(staff, prediction, "7.5")
    assert "This value is already recorded" in add_in_admin(staff, prediction, "7.50").content.decode()
    assert read_log() == [(7.5, "grace", None)]


def test_the_admin_keeps_the_line_ends_of_a_label(staff, prediction):
    version = prediction.version
    version.schema["target"] |= {"task": "classification", "classes": ["a\nb", "ab"]}
    version.save()
    add_in_admin(staff, prediction, "a\r\nb")
    assert read_log() == [("a\nb", "grace", None)]
    page = staff.get(f"/admin/predictor/outcome/add/?prediction={prediction.id}").content.decode()
    assert "\na\nb</textarea>" in page


def test_the_admin_tells_who_is_second(staff, prediction):
    record_outcome(prediction, "7.5", by="ada", seen=None)
    fields = {"prediction": prediction.id, "seen": "", "value": "8"}
    page = staff.post("/admin/predictor/outcome/add/", fields, follow=True).content.decode()
    assert "Not recorded: 7.5 is recorded by now, by ada" in page
    assert "\n8</textarea>" in page
    assert read_log() == [(7.5, "ada", None)]


def test_an_outcome_can_be_neither_changed_nor_deleted(admin_client, prediction):
    outcome, _ = record_outcome(prediction, "7.5", by="ada", seen=None)
    address = f"/admin/predictor/outcome/{outcome.pk}"
    assert admin_client.get(f"{address}/change/").status_code == 200
    assert admin_client.post(f"{address}/change/", {"value": "8"}).status_code == 403
    assert admin_client.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in admin_client.get("/admin/predictor/outcome/").content.decode()
    assert read_log() == [(7.5, "ada", None)]


def test_who_may_only_look_adds_none_in_the_admin(client, prediction):
    user = User.objects.create_user("eve", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_outcome", "view_prediction"]))
    client.force_login(user)
    assert client.get("/admin/predictor/outcome/add/").status_code == 403
    page = client.get(f"/admin/predictor/prediction/{prediction.id}/change/").content.decode()
    assert 'name="value"' not in page
    address = f"/admin/predictor/prediction/{prediction.id}/change/"
    assert client.post(address, {"value": "8", "seen": ""}).status_code == 403


def test_predictions_are_filtered_by_whether_they_have_an_outcome(admin_client, client, prediction):
    client.post("/", {"x": "6"})
    outcome, _ = record_outcome(prediction, "7.5", by="ada", seen=None)
    record_outcome(prediction, "8", by="ada", seen=outcome.id)

    def list_ids(query):
        response = admin_client.get(f"/admin/predictor/prediction/?{query}")
        return [each.id for each in response.context["page"].rows]

    other = Prediction.objects.exclude(id=prediction.id).get().id
    assert list_ids("outcome=yes") == [prediction.id]
    assert list_ids("outcome=no") == [other]
    assert list_ids("") == [other, prediction.id]
    page = admin_client.get("/admin/predictor/prediction/").content.decode()
    assert '<td class="field-happened">8</td>' in page
