"""The table of predictions divided by months, while others write to it (PostgreSQL)."""

import json
import threading
from datetime import timedelta
from importlib import import_module

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, models
from django.db.migrations.loader import MigrationLoader
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from predictor.checks.database import check_database
from predictor.exceptions import CannotPartition
from predictor.history.ids import find_moment
from predictor.history.partitions import FIRST, LAST, TABLE, list_partitions, make_partitions
from predictor.history.retention import Pruning
from predictor.models import Outcome, Prediction, make_prediction_id
from predictor.outcomes.queue import sample_ids
from predictor.serving.history import insert_predictions
from tests.test_retention import make_prediction, record_outcomes
from tests.training import register_shipped

pytestmark = pytest.mark.both_databases
on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite divides no tables")


@pytest.fixture
def divisible(transactional_db, monkeypatch):
    """A database of its own, since the other tests' one stays undivided; with a version."""
    own, name = connection.settings_dict["NAME"], "divided"
    execute("postgres", f"DROP DATABASE IF EXISTS {name}", f'CREATE DATABASE {name} TEMPLATE "{own}"')
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connection.settings_dict, "NAME", name)
        yield register_shipped("line")
        connections.close_all()
    execute("postgres", f"DROP DATABASE {name} WITH (FORCE)")


def execute(database, *statements):
    """Run statements in a database, out of any transaction, while nobody is connected to the tests' own."""
    connections.close_all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connection.settings_dict, "NAME", database)
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connections.close_all()


class Visitor(threading.Thread):
    """Stores predictions one after the other until it is stopped; `ids` are those that were committed."""

    def __init__(self, version):
        super().__init__()
        self.version, self.ids, self.errors, self.stopping = version, [], [], threading.Event()
        self.came = threading.Condition()

    def run(self):
        try:
            while not self.stopping.is_set():
                made = Prediction(
                    version=self.version, inputs={"x": 1.0}, output=5.0, source="api", duration_ms=1.0, warnings=[]
                )
                insert_predictions([made], again=len(self.ids) % 2 == 0)
                with self.came:
                    self.ids.append(made.id)
                    self.came.notify()
        except Exception as error:
            self.errors.append(error)
        finally:
            connection.close()

    def wait_for_more(self, count=20):
        with self.came:
            wanted = len(self.ids) + count
            assert self.came.wait_for(lambda: len(self.ids) >= wanted or self.errors, 30)

    def __enter__(self):
        self.start()
        self.wait_for_more()
        return self

    def __exit__(self, *args):
        self.wait_for_more()
        self.stopping.set()
        self.join()
        assert self.errors == []


def list_names(kind):
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, TABLE)
    return {name: (each["columns"], each.get("orders")) for name, each in constraints.items() if each[kind]}


@on_postgresql
def test_a_table_is_divided_while_others_write_and_loses_no_row_index_or_reference(divisible):
    prediction = make_prediction(divisible, days=40)
    record_outcomes(prediction, 1, 2)
    before = [list_names(kind) for kind in ("primary_key", "index", "foreign_key")]
    with Visitor(divisible) as visitor:
        made = make_partitions(timezone.now())
        visitor.wait_for_more()
        with Visitor(divisible) as other:
            pass
    assert {*visitor.ids, *other.ids, prediction.id} == set(Prediction.objects.values_list("id", flat=True))
    assert [list_names(kind) for kind in ("primary_key", "index", "foreign_key")] == before
    assert [each.name for each in made] == [each.name for each in list_partitions()]
    assert sample_ids("line", 10_000)  # By which a queue draws at random.
    assert (made[0].first, made[-1].end, made[-1].name) == (None, None, LAST)
    assert [each.end for each in made[:-1]] == [each.first for each in made[1:]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_constraint WHERE NOT convalidated OR conname LIKE %s", ["%_ends"])
        assert cursor.fetchone() == (0,)
    assert Prediction.objects.get(id=prediction.id).outcomes.count() == 2
    assert make_partitions(timezone.now()) == []


@on_postgresql
def test_a_divided_table_gets_an_index_part_by_part_while_others_write(divisible):
    make_partitions(timezone.now())
    module = import_module("predictor.migrations.0016_prediction_places")
    state = MigrationLoader(connection).project_state(("predictor", "0015_hashed_inputs"))
    with connection.schema_editor() as editor:
        editor.remove_index(Prediction, models.Index(name="prediction_place", fields=module.PLACE))
    operation = module.AddIndex("prediction", models.Index(name="prediction_place", fields=module.PLACE))
    after = state.clone()
    operation.state_forwards("predictor", after)
    with Visitor(divisible) as visitor:
        for _ in range(2):  # Also where it was stopped, and runs again.
            with CaptureQueriesContext(connection) as queries, connection.schema_editor(atomic=False) as editor:
                operation.database_forwards("predictor", editor, state, after)
            visitor.wait_for_more()
    made = [query["sql"] for query in queries if query["sql"].startswith("CREATE INDEX")]
    assert all(("CONCURRENTLY" in sql) is ("ON ONLY" not in sql) for sql in made)
    assert len(made) == 1 + len(list_partitions())
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'prediction_place'::regclass")
        assert cursor.fetchone() == (True,)


@on_postgresql
def test_months_are_made_ahead_also_when_nobody_did_for_long(divisible):
    make_partitions(timezone.now())
    start = list_partitions()[-1].first
    much_later = timezone.now() + timedelta(days=200)
    made = make_partitions(much_later)
    assert all(each.month for each in made)
    assert list_partitions()[-1].first > start
    # Rows came into the last partition, which becomes one of its own.
    future = make_prediction(divisible, days=-370)
    record_outcomes(future, 1)
    with Visitor(divisible):
        made = make_partitions(timezone.now() + timedelta(days=380))
    assert [each for each in made if each.first < future.id and (each.end is None or future.id < each.end)]
    assert future.outcomes.count() == 1
    assert list_partitions()[-1].name == LAST


@on_postgresql
def test_whole_months_are_dropped_while_others_write(divisible):
    make_partitions(timezone.now())
    old, kept = make_prediction(divisible, days=3), make_prediction(divisible, days=-200)
    record_outcomes(old, 1, 2)
    until = find_moment(list_partitions()[0].end)
    with Visitor(divisible) as visitor:
        pruned = Pruning(until=until).run()
    assert pruned["line"].outcomes == 2
    assert pruned["line"].predictions >= 1
    assert list_partitions()[0].name == FIRST
    assert Prediction.objects.filter(id=kept.id).exists()
    assert not Outcome.objects.exists()
    make_prediction(divisible, days=3000)  # By a clock that is late, it still has a place.
    assert visitor.ids


@on_postgresql
def test_months_with_outcomes_are_not_dropped_where_these_are_kept(divisible):
    make_partitions(timezone.now())
    old, other = make_prediction(divisible, days=3), make_prediction(divisible, days=3)
    record_outcomes(old, 1)
    pruned = Pruning(until=timezone.now() + timedelta(days=60), keep_outcomes=True).run()
    assert (pruned["line"].predictions, pruned["line"].kept) == (1, 1)
    assert list(Prediction.objects.all()) == [old]
    assert other.id != old.id


@on_postgresql
def test_a_row_from_the_far_future_is_named_and_nothing_is_changed(divisible):
    make_prediction(divisible, days=-3000)
    with pytest.raises(CannotPartition, match="a clock was wrong"):
        make_partitions(timezone.now())
    assert list_partitions() == []


@on_postgresql
def test_a_run_that_was_killed_is_reported_and_the_next_one_goes_on(divisible):
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE predictor_prediction ADD CONSTRAINT predictor_prediction_ends CHECK (true) NOT VALID"
        )
    assert [each.id for each in check_database(["default"])] == ["predictor.W006"]
    make_partitions(timezone.now())
    assert list(check_database(["default"])) == []


@on_postgresql
def test_what_would_stay_with_the_old_table_is_named_and_nothing_is_changed(divisible, capsys):
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW report AS SELECT * FROM predictor_prediction")
    with pytest.raises(CommandError, match="the view report would stay with the old table"):
        call_command("partition")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_constraint WHERE conname LIKE %s", ["%_ends"])
        assert cursor.fetchone() == (0,)
        cursor.execute("DROP VIEW report")
    call_command("partition", "--format", "json")
    assert json.loads(capsys.readouterr().out)[0]["from"] is None


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="PostgreSQL divides tables")
@pytest.mark.django_db
def test_sqlite_says_that_it_divides_no_tables():
    with pytest.raises(CommandError, match="Only PostgreSQL divides tables") as caught:
        call_command("partition")
    assert caught.value.returncode == 2
    assert list_partitions() == []
    assert make_prediction_id()
