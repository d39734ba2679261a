"""The queue that asks reviewers for outcomes."""

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection

from predictor.models import Outcome, Prediction
from predictor.outcomes import queue
from predictor.outcomes.queue import find_next
from predictor.outcomes.recording import record_outcome
from tests.outcomes import PENGUINS, make_predictions

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
