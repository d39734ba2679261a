"""What visitors report of what happened: kept apart from outcomes, until staff accept it."""

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission, User
from django.test import Client

from predictor.access import visitors
from predictor.access.limits import Rate
from predictor.models import Outcome, Prediction, VisitorReport
from predictor.outcomes.recording import record_outcome
from predictor.outcomes.visitor_reports import accept_report, report_outcome
from tests.outcomes import read_log
from tests.test_predict_journey import PENGUIN

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def reports_are_on(settings):
    settings.VISITOR_REPORTS = True
    visitors._refused.clear()
    yield
    visitors._refused.clear()


@pytest.fixture
def prediction(client, line):
    client.post("/", {"x": "5"})
    return Prediction.objects.get()


def read_page(client, prediction, query=""):
    return BeautifulSoup(client.get(prediction.get_absolute_url() + query).content, "html.parser")


def send(client, prediction, outcome):
    return client.post(f"{prediction.get_absolute_url()}report/", {"outcome": outcome})


def act(client, action, *reports):
    fields = {"action": action, "_selected_action": [each.pk for each in reports]}
    return client.post("/admin/predictor/visitorreport/", fields, follow=True)


def test_reports_are_off_unless_a_setting_allows_them(client, prediction, settings):
    settings.VISITOR_REPORTS = False
    assert read_page(client, prediction).select_one("#outcome") is None
    assert send(client, prediction, "7").status_code == 404
    assert not VisitorReport.objects.exists()


def test_a_report_is_stored_and_is_no_outcome(client, prediction):
    form = read_page(client, prediction).select_one("#outcome form")
    assert form["action"] == f"{prediction.get_absolute_url()}report/"
    response = send(client, prediction, "7,5")
    assert (response.status_code, response["Location"]) == (
        303,
        f"{prediction.get_absolute_url()}?reported=yes#outcome",
    )
    assert VisitorReport.objects.get().value == 7.5
    assert not Outcome.objects.exists()
    assert "Thank you" in read_page(client, prediction, "?reported=yes").select_one("#outcome").text
    assert "7.5" not in read_page(Client(), prediction).select_one("#outcome").text


def test_a_class_is_reported_by_choosing_it(client, penguins):
    client.post("/penguins/", PENGUIN)
    prediction = Prediction.objects.get()
    options = read_page(client, prediction).select("#outcome select option")
    assert [option["value"] for option in options] == ["", "Adelie", "Chinstrap", "Gentoo"]
    send(client, prediction, "Gentoo")
    assert VisitorReport.objects.get().value == "Gentoo"


@pytest.mark.parametrize(("typed", "message"), [("", "A value is needed"), ("seven", "“seven” is not a number")])
def test_what_the_target_does_not_take_is_refused_at_the_field(client, prediction, typed, message):
    response = send(client, prediction, typed)
    page = BeautifulSoup(response.content, "html.parser")
    assert response.status_code == 422
    assert message in page.select_one("#outcome p.wrong").text
    assert len(page.select("[autofocus]")) == 1
    assert not VisitorReport.objects.exists()


def test_what_was_recorded_already_is_not_asked_for(client, prediction):
    record_outcome(prediction, "7", by="ada", seen=None)
    assert read_page(client, prediction).select_one("#outcome form") is None
    assert send(client, prediction, "8").status_code == 303
    assert not VisitorReport.objects.exists()


@pytest.mark.parametrize("limit", ["REPORTS", "REPORTS_OF_ONE"])
def test_reports_are_limited_by_address_and_by_prediction(client, prediction, monkeypatch, limit):
    monkeypatch.setattr(visitors, limit, Rate(most=1, seconds=60))
    assert [send(client, prediction, x).status_code for x in ("7", "8", "9")] == [303, 429, 429]
    assert VisitorReport.objects.count() == 1


def test_staff_accept_a_report_and_the_outcome_has_their_name(admin_client, client, prediction):
    report = report_outcome(prediction, "7.5")
    listed = admin_client.get("/admin/predictor/visitorreport/?state=waiting").content.decode()
    assert '<td class="field-shown_value">7.5</td>' in listed
    assert "Accepted: 1." in act(admin_client, "accept", report).content.decode()
    report.refresh_from_db()
    assert read_log() == [(7.5, "admin", None)]
    assert (report.outcome, report.decided_by) == (Outcome.objects.get(), "admin")
    assert "7.5" in read_page(client, prediction).select_one("#outcome .happened").text
    assert "Accepted: 0." in act(admin_client, "accept", report).content.decode()


def test_staff_dismiss_a_report_and_nothing_is_recorded(admin_client, prediction):
    report = report_outcome(prediction, "7.5")
    act(admin_client, "dismiss", report)
    act(admin_client, "accept", report)
    report.refresh_from_db()
    assert (report.outcome, report.decided_by) == (None, "admin")
    assert not Outcome.objects.exists()
    states = {
        state: admin_client.get(f"/admin/predictor/visitorreport/?state={state}") for state in ("waiting", "dismissed")
    }
    assert [response.context["cl"].result_count for response in states.values()] == [0, 1]


def test_a_report_never_replaces_another_outcome(admin_client, prediction):
    first, second, same = (report_outcome(prediction, x) for x in ("7.5", "8", "7.50"))
    page = act(admin_client, "accept", first, second, same).content.decode()
    assert "Accepted: 2." in page
    assert "7.5 is recorded already, by admin" in page
    assert read_log() == [(7.5, "admin", None)]
    assert list(VisitorReport.objects.waiting()) == [second]


def test_who_may_record_no_outcome_accepts_none(client, prediction):
    user = User.objects.create_user("eve", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_visitorreport"))
    client.force_login(user)
    report = report_outcome(prediction, "7.5")
    assert client.get("/admin/predictor/visitorreport/").status_code == 200
    act(client, "accept", report)
    assert not Outcome.objects.exists()


def test_a_report_of_another_unit_is_kept_in_the_targets_own(line, prediction):
    line.schema["output"] = {"scale": 0.001, "unit": "k$"}
    line.save()
    prediction = Prediction.objects.select_related("version").get()
    assert accept_report(report_outcome(prediction, "0.5"), by="ada").value == 500
