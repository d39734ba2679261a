"""`manage.py forget` erases what was given and what came of it, everywhere, and leaves a row that counts."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone

from predictor import jobs, tasks
from predictor.exceptions import OutcomeChanged
from predictor.history.erasure import find_trained
from predictor.history.exports import Export
from predictor.history.filters import Filters
from predictor.models import Artifact, Job, KeptFile, Monitoring, Outcome, Prediction, Reference, Replay, VisitorReport
from predictor.outcomes.queue import find_next
from predictor.outcomes.recording import record_outcome
from predictor.scoring.replay import NothingToReplay, replay
from predictor.serving.service import service
from tests.test_retention import make_prediction, record_outcomes
from tests.training import register_shipped

pytestmark = pytest.mark.django_db

SECRET = 7160915243.125


@pytest.fixture
def forget(capsys):
    def call(*arguments):
        call_command("forget", *arguments, "--format", "json")
        return json.loads(capsys.readouterr().out)

    return call


def make_secret(version, **columns):
    """A prediction in all of whose parts the secret is, and the outcomes, reports and findings that belong to it."""
    prediction = make_prediction(
        version,
        inputs={"x": SECRET},
        output=SECRET,
        interval=[SECRET, SECRET],
        warnings=[f"x is {SECRET}"],
        warning_codes=[{"code": "outside_seen", "field": "x", "value": SECRET, "seen": [0, 1]}],
        **columns,
    )
    outcome = record_outcomes(prediction, 1, SECRET)
    VisitorReport.objects.create(prediction=prediction, value=SECRET, outcome=outcome)
    Reference.objects.create(prediction=prediction, model=version.model, reference=f"{SECRET}/{prediction.id}")
    Replay.objects.create(version=version, result={"quantiles": [[0, SECRET]]})
    Monitoring.objects.create(model=version.model, state="well", result={"values": [SECRET]})
    user = User.objects.create(username=f"grace-{prediction.id}")
    LogEntry.objects.log_actions(user.id, [outcome], ADDITION, change_message=f"{SECRET}", single_object=True)
    return prediction


def dump_tables():
    """All rows of all tables, as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  # Our own.
            rows = (
                [bytes(each) if isinstance(each, memoryview) else each for each in row] for row in cursor.fetchall()
            )
            yield from ((table, str(row)) for row in rows)


@pytest.mark.both_databases
def test_afterwards_the_value_is_in_no_table_and_the_row_still_counts(line, forget):
    prediction, other = make_secret(line), make_prediction(line)
    jobs.enqueue(jobs.EXPORT, by="ada", model="line", arguments={"format": "csv", "filters": {"q": str(SECRET)}})
    held = jobs.take([jobs.EXPORT], "tests")
    tasks.carry_out(held.job.pk, held.lease)
    with_secret = {table for table, row in dump_tables() if str(SECRET) in row}
    assert with_secret >= {"predictor_prediction", "django_admin_log", "predictor_keptchunk", "predictor_job"}
    options = ["--model", "line", "--where", f"x={SECRET}"]
    counted = forget(*options, "--dry-run")
    assert any(str(SECRET) in row for _, row in dump_tables())
    [done] = forget(*options)
    assert done == counted[0]
    names = ("predictions", "outcomes", "visitor_reports", "findings", "files")
    assert [done[name] for name in names] == [1, 2, 1, 2, 1]
    assert [row for _, row in dump_tables() if str(SECRET) in row] == []
    assert Prediction.objects.count() == 2
    kept = Prediction.objects.get(id=prediction.id)
    assert (kept.version, kept.source, kept.created_at) == (line, "form", prediction.created_at)
    assert list(Prediction.objects.without_forgotten()) == [other]


def test_a_scored_file_and_its_result_are_deleted_with_a_prediction_that_they_may_have_and_older_files_stay(
    line, forget, client
):
    earlier, later = score(client, "1"), score(client, str(SECRET))
    over = {"state": "failed", "finished_at": timezone.now()}
    problem = {"code": "failed_often", "detail": f"odd: {SECRET}"}
    Job.objects.create(kind=jobs.SCORE, model="line", error=f"odd: {SECRET}", problem=problem, **over)
    [done] = forget("--model", "line", "--where", f"x={SECRET}")
    assert (done["predictions"], done["files"]) == (1, 2)
    assert [row for _, row in dump_tables() if str(SECRET) in row] == []
    assert "The result was deleted. Upload the file again." in client.get(later).text
    assert f'href="{earlier}csv/"' in client.get(earlier).text
    assert {*KeptFile.objects.values_list("name", flat=True)} == {"1.csv"}
    assert ["sha256" in job.result for job in Job.objects.exclude(result=None).order_by("pk")] == [True, False]


def score(client, x):
    """The address of the job that scored a file with this value."""
    file = SimpleUploadedFile(f"{x}.csv", f"customer,x\nGrace,{x}\n".encode())
    address = client.post("/line/file/", {"file": file})["Location"]
    address = client.post(address, {"history": "on"})["Location"]
    held = jobs.take([jobs.SCORE], "tests")
    tasks.carry_out(held.job.pk, held.lease)
    return address


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_no_file_of_the_database_keeps_what_was_erased(models_dir, forget):
    """On PostgreSQL, VACUUM removes it from all rows; the free space of its files is overwritten later."""
    prediction = make_secret(register_shipped("line"))
    forget(str(prediction.id))
    if connection.vendor == "sqlite":
        file = Path(connection.settings_dict["NAME"])
        connections.close_all()
        found = [path for path in file.parent.glob(f"{file.name}*") if str(SECRET).encode() in path.read_bytes()]
        assert found == []
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT relname FROM pg_stat_user_tables WHERE last_vacuum IS NOT NULL")
            assert {"predictor_prediction", "predictor_outcome"} <= {name for (name,) in cursor.fetchall()}


def test_pages_and_the_admin_say_forgotten(line, forget, client, admin_client):
    prediction = make_secret(line)
    forget(str(prediction.id))
    address = f"/predictions/{prediction.id}/"
    for page in (address, f"{address}inputs/", f"{address}compare/"):
        response = client.get(page, follow=True)
        if response.status_code != 404:
            assert response.status_code == 410
            assert "This prediction is forgotten" in response.content.decode()
    assert "forgotten" in admin_client.get("/admin/predictor/prediction/").content.decode()
    assert "forgotten" in admin_client.get(f"/admin/predictor/prediction/{prediction.id}/change/").content.decode()


@pytest.mark.both_databases
def test_nothing_can_be_recorded_or_computed_of_what_is_forgotten(line, forget, tmp_path, capsys):
    prediction = make_secret(line)
    before = Prediction.objects.get(id=prediction.id)
    forget(str(prediction.id))
    with pytest.raises(OutcomeChanged, match="forgotten"):
        record_outcome(before, "5", by="ada", seen=None)
    file = tmp_path / "outcomes.csv"
    file.write_text(f"id,outcome\n{prediction.id},5\n")
    with pytest.raises(CommandError):
        call_command("record_outcomes", str(file))
    assert "it is forgotten" in capsys.readouterr().out
    assert not Outcome.objects.exists()
    with pytest.raises(NothingToReplay):
        replay(service.get_runtime("line"), 10)


@pytest.mark.both_databases
def test_what_is_forgotten_may_be_forgotten_again_and_an_unknown_id_is_an_error(line, forget):
    one, other = make_prediction(line), make_prediction(line)
    forget(str(one.id))
    [again] = forget(str(one.id), str(other.id))
    assert (again["predictions"], again["already_forgotten"]) == (2, 1)
    with pytest.raises(CommandError, match="There is no prediction with this id: 00000000-"):
        forget("00000000-0000-7000-8000-000000000000")


@pytest.mark.parametrize("wrong", [[], ["--where", "x=1"], ["--model", "line"]])
def test_what_is_to_be_forgotten_must_be_named(line, forget, wrong):
    with pytest.raises(CommandError, match="Name either ids, or --model and --where") as caught:
        forget(*wrong)
    assert caught.value.returncode == 2


def test_a_feature_that_no_version_has_is_an_error_that_names_those_it_has(line, forget):
    with pytest.raises(CommandError, match="has the feature 'y'; it is one of: x"):
        forget("--model", "line", "--where", "y=1")


def test_versions_that_may_have_been_trained_with_an_outcome_are_named_and_can_be_dropped(line, forget):
    prediction = make_secret(line)
    outcome = Outcome.objects.latest("id")
    used = {"found": 2, "used": 2, "held_out": 0, "left_out": {}, "since": None}
    line.data |= {"outcomes": used | {"newest": timezone.now().isoformat()}}
    line.save(update_fields=["data"])
    assert find_trained("line", [outcome.recorded_at]) == [line]
    assert find_trained("line", [timezone.now() + timedelta(days=1)]) == []
    [done] = forget(str(prediction.id))
    assert (done["versions"], done["command"]) == (
        [1],
        "manage.py retrain line && manage.py prune_versions line --only 1",
    )
    with pytest.raises(CommandError, match="line 1 is live: first make another version live"):
        call_command("prune_versions", "line", "--only", "1")
    register_shipped("line")
    call_command("prune_versions", "line", "--only", "1")
    assert list(Artifact.objects.values_list("version__number", flat=True).distinct()) == [2]
    with pytest.raises(CommandError, match="There is no version 3"):
        call_command("prune_versions", "line", "--only", "3")


def test_no_outcome_is_asked_for_of_what_is_forgotten(line, forget):
    one, other = make_prediction(line), make_prediction(line)
    forget(str(one.id))
    assert {find_next(Outcome.Queue.RANDOM, "line") for _ in range(8)} == {other}


def test_an_export_says_forgotten(line, forget):
    prediction = make_secret(line)
    forget(str(prediction.id))
    export = Export(Filters(model="line"))
    [[row]] = export.read()
    named = dict(zip([column.name for column in export.columns], row, strict=True))
    assert (named["warnings"], named["x"], named["prediction"]) == ("forgotten", None, None)
