"""Schedules in the admin: what users add, change and switch off, next to those of recipes."""

from datetime import UTC, datetime, timedelta

import pytest
from bs4 import BeautifulSoup

from predictor import jobs
from predictor.formats import MISSING
from predictor.models import Job, Schedule, ScheduledMoment, Version
from predictor.schedules.due import enqueue_due
from tests.test_job_admin import read, sign_in

pytestmark = pytest.mark.django_db
LIST, ADD = "/admin/predictor/schedule/", "/admin/predictor/schedule/add/"
MAY_ALL = ("add_schedule", "change_schedule", "delete_schedule", "view_schedule", "can_retrain")
WEEKLY = {"model": "line", "kind": "retrain", "timing": "monday  03:00", "with_outcomes": "on", "is_on": "on"}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def change(row):
    return f"{LIST}{row.pk}/change/"


def read_errors(response):
    page = BeautifulSoup(response.content, "html.parser")
    return [error.text for error in page.select("ul.errorlist:not(.nonfield) li")]


def read_cells(client, row=0):
    page = BeautifulSoup(client.get(LIST).content, "html.parser")
    return [cell.get_text() for cell in page.select("#result_list tbody tr")[row].select("th, td")]


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_user_adds_changes_and_switches_off_a_schedule(line):
    client = sign_in(*MAY_ALL)
    assert client.post(ADD, WEEKLY).status_code == 302
    row = Schedule.objects.get()
    assert (row.timing, row.arguments, row.author) == ("monday 03:00", {"with_outcomes": True}, "schedule of grace")
    # Its first moment is the next one, which the list shows.
    assert enqueue_due() == []
    cells = read_cells(client)
    following = row.find_next(datetime.now(UTC))
    assert (following.weekday(), following.hour) == (0, 3)
    assert cells[-6:-3] == ["retrain with outcomes", "monday 03:00", "on"]
    assert f"{following:%H:%M:%S} UTC" in cells[-3]
    assert cells[-2:] == [MISSING, "grace"]

    Schedule.objects.update(after=LONG_AGO)
    assert client.post(change(row), {**WEEKLY, "with_outcomes": ""}).status_code == 302
    [taken] = enqueue_due()  # What does not change the moments keeps one that is due.
    assert (taken.job.arguments, taken.job.made_by) == ({"with_outcomes": False}, "schedule of grace")
    assert "waiting" in read_cells(client)[-2]
    Schedule.objects.update(after=LONG_AGO)
    assert client.post(change(row), {**WEEKLY, "timing": "daily"}).status_code == 302
    assert enqueue_due() == []
    assert client.post(change(row), {**WEEKLY, "is_on": ""}).status_code == 302
    assert read_cells(client)[-4:-2] == ["off", MISSING]
    assert client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Schedule.objects.exists()


def test_what_is_wrong_with_a_schedule_is_said_at_its_field(line):
    client = sign_in(*MAY_ALL)
    Version.objects.filter(pk=line.pk).update(data={"model_file": {}})
    for given, problem in (
        ({"timing": "every monday"}, "“every monday” is neither a word with or without a time, such as monday 03:00"),
        ({"timing": "0 0 30 2 *"}, "“0 0 30 2 *” is neither"),
        ({"timing": "x" * 101}, "Ensure this value has at most 100 characters (it has 101)."),
        ({"timing": ""}, "This field is required."),
        ({"model": "penguins"}, "Select a valid choice. penguins is not one of the available choices."),
        ({"kind": "score"}, "Select a valid choice. score is not one of the available choices."),
        ({"kind": "monitor"}, "Only retrains use outcomes: clear it, or choose retrain."),
        ({}, "line was imported, and cannot be retrained here: choose monitoring."),
    ):
        errors = read_errors(client.post(ADD, {**WEEKLY, **given}))
        assert [error for error in errors if error.startswith(problem)], (problem, errors)
    assert not Schedule.objects.exists()


def test_users_schedule_only_what_they_may_do_with_models_that_they_may_see(line, penguins):
    retrain = Schedule.objects.create(model="line", kind="retrain", timing="daily", made_by="ada")
    monitor = Schedule.objects.create(model="penguins", kind="monitor", timing="daily", made_by="ada")
    # Without the permission to retrain, only monitoring.
    client = sign_in("add_schedule", "change_schedule", "delete_schedule", "view_schedule", name="monitors")
    assert "not one of the available choices" in read_errors(client.post(ADD, WEEKLY))[0]
    assert client.post(ADD, {"model": "line", "kind": "monitor", "timing": "weekly", "is_on": "on"}).status_code == 302
    assert [client.post(change(row), {}).status_code for row in (retrain, monitor)] == [403, 200]
    assert client.post(f"{LIST}{retrain.pk}/delete/", {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [retrain.pk], "post": "yes"}
    client.post(LIST, selected)
    assert Schedule.objects.filter(pk=retrain.pk).exists()
    # Models that are not theirs are not there.
    other = sign_in(*MAY_ALL, name="other", models=["penguins"])
    assert read_errors(other.post(ADD, WEEKLY))[0].startswith("Select a valid choice. line is not one of")
    assert other.get(change(retrain)).status_code == 302
    assert change(retrain) not in read(other.get(LIST))
    assert [row.model for row in Schedule.objects.filter(made_by="other")] == []
    # Who may only retrain sees them; others do not.
    assert sign_in("can_retrain", name="trainer").get(change(retrain)).status_code == 200
    assert sign_in("can_retrain", name="adder").get(ADD).status_code == 403
    assert sign_in("view_version", name="reader").get(LIST).status_code == 403


def test_schedules_of_recipes_are_shown_with_their_errors_and_cannot_be_changed(line):
    given = {"model": "line", "is_from_recipe": True, "after": LONG_AGO}
    row = Schedule.objects.create(kind="monitor", timing="hourly", **given)
    wrong = Schedule.objects.create(kind="retrain", timing="", error="model.toml, line 7: schedule.retrain: …", **given)
    moment = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    job = jobs.enqueue(jobs.MONITOR, by="schedule", model="line")
    Job.objects.filter(pk=job.pk).update(state="done", result={"state": "well", "reason": ""})
    ScheduledMoment.objects.create(model="line", kind="monitor", moment=moment - timedelta(hours=2), job=job)
    client = sign_in(*MAY_ALL)
    assert read_cells(client, 0)[-6:] == ["retrain", MISSING, f"not run: {wrong.error}", MISSING, MISSING, "the recipe"]
    assert read_cells(client, 1)[-2].endswith(": done")
    for each in (row, wrong):
        assert client.get(change(each)).status_code == 200
        assert client.post(change(each), WEEKLY).status_code == 403
        assert client.post(f"{LIST}{each.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Schedule.objects.filter(is_from_recipe=True).count() == 2
    # Late for more than an hour, and nothing there that would do it.
    page = read(client.get(LIST))
    assert "No worker runs. Schedules that are more than an hour late: 1. Start a worker: ./manage.py worker;" in page
    assert "well" in read(client.get(f"/admin/predictor/job/{job.pk}/change/"))
