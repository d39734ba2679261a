"""`manage.py prune` deletes old predictions with all that belongs to them, while the site runs."""

import json
import threading
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from predictor.history import retention
from predictor.history.ids import find_first_id, find_moment
from predictor.history.references import find_by_reference
from predictor.models import Outcome, Prediction, Reference, VisitorReport, make_prediction_id
from predictor.moments import read_duration

pytestmark = pytest.mark.django_db


def make_prediction(version, *, days=0, **columns):
    """Store a prediction that was made so many days ago."""
    moment = timezone.now() - timedelta(days=days)
    random = make_prediction_id().int & ((1 << 80) - 1)
    id = UUID(int=find_first_id(moment).int | random)
    values = {"id": id, "created_at": moment, "inputs": {"x": 5.0}, "output": 1.0, "duration_ms": 1.0, "source": "form"}
    return Prediction.objects.create(version=version, **(values | columns))


def record_outcomes(prediction, *values):
    """Store outcomes, each the correction of the one before."""
    last = None
    for value in values:
        last = Outcome.objects.create(prediction=prediction, value=value, recorded_by="ada", replaces=last)
    return last


@pytest.fixture
def prune(capsys):
    def call(*arguments):
        call_command("prune", *arguments, "--format", "json")
        return json.loads(capsys.readouterr().out)

    return call


def test_an_id_gives_the_moment_at_which_it_was_made():
    moment = timezone.now().replace(microsecond=0)
    assert find_moment(find_first_id(moment)) == moment
    assert find_first_id(moment) <= make_prediction_id() < find_first_id(moment + timedelta(days=1))


@pytest.mark.both_databases
def test_old_predictions_go_with_their_outcomes_and_reports_and_others_stay(line, prune, monkeypatch):
    monkeypatch.setattr(retention, "ROWS_IN_A_TRANSACTION", 2)
    old = [make_prediction(line, days=days) for days in (400, 500, 600)]
    new = make_prediction(line, days=300)
    for prediction in (*old, new):
        outcome = record_outcomes(prediction, 1, 2)
        VisitorReport.objects.create(prediction=prediction, value=2, outcome=outcome)
        Reference.objects.create(prediction=prediction, model="line", reference=f"case {prediction.id}")
    references = [f"case {prediction.id}" for prediction in (*old, new)]
    counted = prune("--older-than", "365d", "--dry-run")
    assert Prediction.objects.count() == 4
    [pruned] = prune("--older-than", "365d")
    del counted[0]["before"], pruned["before"]
    assert pruned == counted[0] == {"model": "line", "predictions": 3, "outcomes": 6, "visitor_reports": 3, "kept": 0}
    assert list(Prediction.objects.values_list("id", flat=True)) == [new.id]
    assert (Outcome.objects.count(), VisitorReport.objects.count(), Reference.objects.count()) == (2, 1, 1)
    assert find_by_reference("line", references) == {references[-1]: new.id}
    assert find_by_reference("penguins", references) == {}
    assert prune("--older-than", "365d") == []


@pytest.mark.both_databases
def test_predictions_with_an_outcome_are_kept_where_that_is_asked_for(line, prune):
    kept, _ = make_prediction(line, days=400), make_prediction(line, days=400)
    record_outcomes(kept, 1)
    for options in (["--dry-run"], []):
        [pruned] = prune("--older-than", "52w", "--keep-outcomes", *options)
        assert (pruned["predictions"], pruned["outcomes"], pruned["kept"]) == (1, 0, 1)
    assert Prediction.objects.get() == kept


@pytest.mark.both_databases
def test_a_row_is_as_old_as_its_id_says_and_no_query_looks_for_another_time(line, prune):
    make_prediction(line, created_at=timezone.now() - timedelta(days=400))
    make_prediction(line, days=400, created_at=timezone.now())
    with CaptureQueriesContext(connection) as queries:
        assert prune("--older-than", "365d", "--dry-run")[0]["predictions"] == 1
        assert prune("--older-than", "365d")[0]["predictions"] == 1
    assert not any("created_at" in query["sql"] for query in queries)


def test_without_an_age_the_setting_counts_and_without_both_the_use_is_wrong(line, prune, settings):
    make_prediction(line, days=2)
    with pytest.raises(CommandError, match="RETENTION is not set: name an age") as caught:
        prune()
    assert caught.value.returncode == 2
    settings.RETENTION = "24h"
    assert prune()[0]["predictions"] == 1


@pytest.mark.parametrize("wrong", ["", "365", "d", "0d", "-1d", "1y", "1.5d", "99999w", "٣d"])
def test_an_age_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="is not a length of time such as 365d"):
        read_duration(wrong)


@pytest.mark.both_databases
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite locks no rows")
@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_what_somebody_writes_to_and_no_new_outcome_is_lost(line):
    held, free = make_prediction(line, days=400), make_prediction(line, days=400)
    outcome_is_written, may_end = threading.Event(), threading.Event()

    def write():
        try:
            with transaction.atomic():
                record_outcomes(Prediction.objects.select_for_update().get(id=held.id), 1)
                outcome_is_written.set()
                may_end.wait(10)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    outcome_is_written.wait(10)
    pruned = retention.Pruning(until=timezone.now() - timedelta(days=365), keep_outcomes=True).run()
    may_end.set()
    writer.join()
    assert pruned["line"].predictions == 1
    assert Prediction.objects.get() == held
    with pytest.raises(IntegrityError), transaction.atomic():
        record_outcomes(free, 1)
