"""The queue that asks reviewers for outcomes."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission, User
from django.db import connection

from predictor.models import Outcome, Prediction
from predictor.outcomes import queue
from predictor.outcomes.queue import find_next
from predictor.outcomes.recording import record_outcome
from tests.outcomes import PENGUINS, make_predictions, read_log

pytestmark = pytest.mark.django_db
Queue = Outcome.Queue


def find_x(kind, model="line", skipped=()):
    found = find_next(kind, model, skipped)
    return found and found.inputs["x"]


@pytest.mark.both_databases
@pytest.mark.parametrize("most", [10_000, 10], ids=["from all", "from a sample"])
def test_each_prediction_without_an_outcome_is_drawn_sooner_or_later_and_no_other(monkeypatch, most):
    monkeypatch.setattr(queue, "MOST_DRAWN_FROM", most)
    made = make_predictions(30)
    make_predictions(5, PENGUINS, "penguins")
    for prediction in made[:10]:
        record_outcome(prediction, "1", by="tests", seen=None)
    drawn = Counter(find_x(Queue.RANDOM) for _ in range(400))
    assert set(drawn) == {float(x) for x in range(10, 30)}
    assert find_x(Queue.RANDOM, skipped={each.id for each in made[11:]}) == 10.0
    assert find_x(Queue.RANDOM, skipped={each.id for each in made}) is None
    assert find_x(Queue.RANDOM, "nothing") is None


def test_a_quiet_night_is_drawn_from_as_rarely_as_it_has_predictions(monkeypatch):
    """By a random moment, the one prediction of the night would be drawn nearly every time."""
    monkeypatch.setattr(queue, "MOST_DRAWN_FROM", 10)
    made = make_predictions(100)
    long_ago = UUID(int=made[0].id.int - (12 * 3600 * 1000 << 80))
    Prediction.objects.filter(id=made[0].id).update(id=long_ago)
    drawn = [find_next(Queue.RANDOM, "line").id for _ in range(100)]
    assert drawn.count(long_ago) < 15  # 1 of 100 is expected; 15 has a chance below 1e-12.


def test_uncertain_are_the_widest_interval_and_the_least_probable_class():
    made = make_predictions(4)
    for prediction, interval in zip(made, ([4, 6], [1, 9], None, [0, 8.5]), strict=True):
        Prediction.objects.filter(id=prediction.id).update(interval=interval)
    assert find_x(Queue.UNCERTAIN) == 3.0
    assert find_x(Queue.UNCERTAIN, skipped={made[3].id}) == 1.0
    classes = make_predictions(3, PENGUINS, "penguins")
    for prediction, share in zip(classes, (0.9, 0.55, 0.7), strict=True):
        shares = {"Adelie": share, "Gentoo": 1 - share}
        Prediction.objects.filter(id=prediction.id).update(probabilities=shares)
    assert find_x(Queue.UNCERTAIN, "penguins") == 1.0


def test_unusual_are_those_with_the_most_warnings_and_no_others():
    made = make_predictions(4)
    for prediction, warnings in zip(made, ([], [], ["a", "b"], ["a"]), strict=True):
        Prediction.objects.filter(id=prediction.id).update(warnings=warnings)
    assert [find_x(Queue.UNUSUAL, skipped={made[x].id for x in past}) for past in ((), (2,), (2, 3))] == [
        2.0,
        3.0,
        None,
    ]


def test_an_outcome_remembers_the_queue_that_asked_for_it_and_so_does_its_correction():
    first, second = make_predictions(2)
    asked, _ = record_outcome(first, "1", by="tests", seen=None, queue=Queue.RANDOM)
    corrected, _ = record_outcome(first, "2", by="tests", seen=asked.id, queue=Queue.UNUSUAL)
    other, _ = record_outcome(second, "1", by="tests", seen=None)
    assert [each.queue for each in (asked, corrected, other)] == ["random", "random", None]


@pytest.mark.both_databases
def test_a_process_of_the_former_build_records_an_outcome_next_to_this_one():
    [prediction] = make_predictions(1)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO predictor_outcome (prediction_id, value, recorded_at, recorded_by) VALUES (%s, %s, %s, %s)",
            [
                prediction.id if connection.vendor == "postgresql" else prediction.id.hex,
                "1.5",
                datetime.now(UTC),
                "ada",
            ],
        )
    assert Outcome.objects.get().queue is None


def open_queue(client, query="model=line"):
    response = client.get(f"/admin/predictor/prediction/queue/?{query}")
    return BeautifulSoup(response.content, "html.parser")


def send(client, page, value, query="model=line"):
    """Send the queue's form as it stands, with a value."""
    fields = {each["name"]: each.get("value", "") for each in page.select("form.entry input[type=hidden]")}
    return client.post(f"/admin/predictor/prediction/queue/?{query}", {**fields, "value": value}, follow=True)


def test_what_is_typed_in_the_queue_is_recorded_and_the_next_is_asked_for(admin_client):
    made = make_predictions(2)
    Prediction.objects.update(interval=[4.0, 6.0])
    for left in (1, 0):
        page = open_queue(admin_client)
        assert page.select_one("form.entry [name=value]").has_attr("autofocus")
        response = send(admin_client, page, "5.5")
        assert "Recorded: 5.5. Predicted: 5.0; 0.5 off, inside the interval" in response.content.decode()
        assert Outcome.objects.count() == len(made) - left
    assert set(Outcome.objects.values_list("value", "queue", "recorded_by")) == {(5.5, "random", "admin")}
    assert "No prediction without an outcome was found." in response.content.decode()


def test_a_wrong_value_stays_with_its_prediction_and_records_nothing(admin_client):
    make_predictions(5)
    page = open_queue(admin_client)
    response = send(admin_client, page, "seven")
    again = BeautifulSoup(response.content, "html.parser")
    assert response.status_code == 422
    assert "“seven” is not a number" in again.select_one(".errorlist").text
    assert again.select_one("[name=value]")["value"] == "seven"
    asked = [each.select_one("[name=prediction]")["value"] for each in (page, again)]
    assert asked[0] == asked[1]
    assert not Outcome.objects.exists()


def test_who_is_second_in_the_queue_is_told_and_may_then_replace_it(admin_client):
    [prediction] = make_predictions(1)
    page = open_queue(admin_client)
    record_outcome(prediction, "7.5", by="ada", seen=None)
    again = BeautifulSoup(send(admin_client, page, "8").content, "html.parser")
    assert "7.5 is recorded by now, by ada" in again.select_one(".errorlist").text
    send(admin_client, again, "8")
    assert read_log() == [(7.5, "ada", None), (8.0, "admin", 7.5)]


def test_a_class_is_chosen_among_all_and_many_are_typed(admin_client):
    make_predictions(1, PENGUINS, "penguins")
    page = open_queue(admin_client, "model=penguins&queue=uncertain")
    assert [each["value"] for each in page.select("form.entry [type=radio]")] == ["Adelie", "Gentoo"]
    send(admin_client, page, "Gentoo", "model=penguins&queue=uncertain")
    assert Outcome.objects.get().queue == "uncertain"
    classes = tuple(f"class {number}" for number in range(30))
    make_predictions(1, replace(PENGUINS, classes=classes), "many")
    page = open_queue(admin_client, "model=many")
    assert page.select_one("form.entry [name=value]")["list"] == page.select_one("datalist")["id"]
    assert len(page.select("datalist option")) == 30


def test_what_is_skipped_is_not_asked_for_again(admin_client):
    made = make_predictions(3)
    page, asked = open_queue(admin_client), set()
    while page.select_one("form.entry"):
        asked.add(page.select_one("[name=prediction]")["value"])
        page = open_queue(admin_client, page.select_one("form.entry a.skip")["href"].partition("?")[2])
    assert asked == {str(each.id) for each in made}


@pytest.mark.parametrize(
    "query", ["model=%00", "model=nothing&queue=x", "skipped=zz&queue=%00", "skipped=" + "0" * 4000]
)
def test_a_queue_opens_whatever_its_address_says(admin_client, query):
    make_predictions(1)
    assert open_queue(admin_client, query).select_one("form.entry")


def test_who_may_record_nothing_has_no_queue(client):
    make_predictions(1)
    user = User.objects.create_user("eve", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_prediction"))
    client.force_login(user)
    assert client.get("/admin/predictor/prediction/queue/").status_code == 403
    assert "queue/" not in client.get("/admin/predictor/prediction/").content.decode()
