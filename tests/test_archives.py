"""Closed months as Parquet files: written whole, read only unchanged, stored again, and forgotten in."""

import html
import io
import json
import re
import shutil
import subprocess
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.utils import timezone

from predictor.history.archives import list_archives
from predictor.history.references import find_by_reference
from predictor.management import archives
from predictor.models import ModelRight, Monitoring, Outcome, Prediction, Reference, make_prediction_id
from predictor.monitoring.archived import read_rows
from tests.test_erasure import SECRET, make_secret
from tests.test_retention import make_prediction, record_outcomes

pytestmark = pytest.mark.django_db
FIELDS = [field.attname for field in Prediction._meta.concrete_fields]


@pytest.fixture
def folder(tmp_path, settings):
    made = tmp_path / "archive"
    made.mkdir()
    settings.ARCHIVE_DIR = str(made)
    return made


@pytest.fixture
def run(capsys):
    def call(*arguments):
        call_command(*arguments, "--format", "json")
        return json.loads(capsys.readouterr().out)

    return call


def describe(predictions):
    return [[getattr(each, name) for name in FIELDS] for each in predictions]


def list_outcomes():
    named = ("prediction_id", "value", "recorded_at", "recorded_by", "queue", "replaces__value")
    return list(Outcome.objects.order_by("prediction_id", "id").values_list(*named))


@pytest.mark.both_databases
def test_a_month_that_was_archived_and_deleted_can_be_stored_again_as_it_was(line, folder, run):
    old = make_prediction(line, days=400, warnings=["a"], interval=[0.1, 1e22], hashed_inputs={"x": "ab"})
    record_outcomes(old, 1, 2.5)
    make_prediction(line)
    Reference.objects.create(prediction=old, model="line", reference="customer-42/2025-10")
    before, outcomes = describe(Prediction.objects.all()), list_outcomes()
    [archive] = run("archive")
    assert (archive["rows"], archive["outcomes"], archive["written"]) == (1, 2, True)
    assert [each["written"] for each in run("archive")] == [False]
    run("prune", "--older-than", "365d")
    assert (Prediction.objects.count(), Outcome.objects.count()) == (1, 0)
    assert run("archive")[0]["rows"] == 1
    run("archive", "--restore", archive["month"])
    run("archive", "--restore", archive["month"])
    assert find_by_reference("line", ["customer-42/2025-10"]) == {"customer-42/2025-10": old.id}
    assert (describe(Prediction.objects.all()), list_outcomes()) == (before, outcomes)


def test_a_month_is_archived_again_for_new_outcomes_but_never_with_fewer_rows(line, folder, run):
    one, other = make_prediction(line, days=400), make_prediction(line, days=400)
    [first] = run("archive")
    record_outcomes(one, 1)
    [second] = run("archive")
    assert (second["outcomes"], second["written"]) == (1, True)
    assert [path.name for path in folder.glob("*.parquet")] == [second["file"]] != [first["file"]]
    other.delete()
    assert run("archive") == [{**second, "written": False}]


def test_an_archive_that_was_changed_is_refused(line, folder, run):
    make_prediction(line, days=400)
    [archive] = run("archive")
    file = folder / archive["file"]
    file.write_bytes(file.read_bytes() + b" ")
    for option in ("--restore", "--show"):
        with pytest.raises(CommandError, match="is not the file that was written"):
            run("archive", option, archive["month"])
    with pytest.raises(CommandError, match="There is no archive of 1999-01"):
        run("archive", "--restore", "1999-01")


def test_what_is_forgotten_is_erased_from_archives_too(line, folder, run):
    prediction, other = make_secret(line, days=400), make_prediction(line, days=400)
    run("archive")
    run("prune", "--older-than", "365d")
    for options in (["--dry-run"], []):
        [done] = run("forget", "--model", "line", "--where", f"x={SECRET}", *options)
        assert (done["archived"], done["predictions"]) == (1, 0)
    [archive] = list_archives(folder)
    rows = {row["id"]: row for row in read_rows(folder, archive)}
    assert str(SECRET) not in str(rows)
    assert rows.keys() == {str(prediction.id), str(other.id)}
    run("archive", "--restore", archive.month)
    assert not Reference.objects.exists()
    assert list(Prediction.objects.without_forgotten()) == [other]
    assert Prediction.objects.count() == 2


def test_monitor_reads_archived_predictions_as_if_they_were_stored(line, folder, run, capsys):
    def monitor():
        with pytest.raises(SystemExit):  # Too few to judge.
            call_command("monitor", "line", "--window", "120d")
        capsys.readouterr()
        found = Monitoring.objects.latest("id").parsed_result
        return found.predictions, found.read, found.quality.with_outcome, found.quality.periods

    Prediction.objects.all().delete()
    judged = [make_prediction(line, days=days) for days in (90, 91, 1)]
    for prediction in judged:
        record_outcomes(prediction, 1, 2.5)
    make_prediction(line, days=92)
    make_secret(line, days=93)
    before = monitor()
    run("archive")
    assert monitor() == before
    run("prune", "--older-than", "60d")
    assert Prediction.objects.count() == 1
    assert monitor() == before
    run("forget", "--model", "line", "--where", f"x={SECRET}")
    assert monitor()[0] == before[0] - 1
    [archive, *_] = list_archives(folder)
    (folder / archive.file).unlink()
    with pytest.raises(CommandError):
        call_command("monitor", "line", "--window", "120d")


def test_archived_predictions_are_shown_newest_first_a_page_at_a_time(line, penguins, folder, run, monkeypatch, capsys):
    monkeypatch.setattr(archives, "ROWS_OF_A_PAGE", 2)
    days = timezone.now().day + 1  # The last day of the former month, and the same day for all.
    stored = sorted(
        (make_prediction(line, days=days, interval=[0.1, 1e22]) for _ in range(3)), key=lambda each: each.id
    )
    record_outcomes(stored[0], 1, 2.5)
    other = make_prediction(penguins, days=days, output="Adelie", probabilities={"Adelie": 0.75})
    [archive] = run("archive")
    month = archive["month"]
    first = run("archive", "--show", month, "--model", "line")
    second = run("archive", "--show", month, "--model", "line", "--before", first["before"])
    rows = [*first["predictions"], *second["predictions"]]
    assert [row["id"] for row in rows] == [str(each.id) for each in reversed(stored)]
    assert second["before"] is None
    assert (rows[0]["output"], rows[0]["interval"], rows[0]["inputs"]) == (1.0, [0.1, 1e22], {"x": 5.0})
    assert [each["value"] for each in rows[-1]["outcomes"]] == [1, 2.5]
    [found] = run("archive", "--show", month, "--id", str(other.id))["predictions"]
    assert (found["model"], found["probabilities"]) == ("penguins", {"Adelie": 0.75})
    assert run("archive", "--show", month, "--id", str(other.id), "--model", "line")["predictions"] == []
    call_command("archive", "--show", month, "--id", str(stored[0].id))
    assert "outcome: 2.5, " in capsys.readouterr().out


def test_what_cannot_be_shown_is_named_with_what_would_be_right(line, folder, run):
    old = make_prediction(line, days=400)
    [archive] = run("archive")
    month = archive["month"]
    for arguments, message in (
        (["--show", "2026-13"], "'2026-13' is not a month such as 2026-01"),
        (["--show", "1999-01"], f"no archive of 1999-01 in {folder}: the archived months are {month}"),
        (["--show", month, "--model", "Line"], "“Line” is not the name of a model"),
        (["--show", month, "--id", "7"], "“7” is not the id of a prediction: give a UUID"),
        (["--show", month, "--before", str(old.id), "--id", str(old.id)], "--before and --id exclude each other"),
        (["--show", month, "--restore", month], "--show and --restore exclude each other"),
        (["--id", str(old.id)], "--id chooses among archived predictions: add --show YYYY-MM"),
    ):
        with pytest.raises(CommandError, match=message):
            run("archive", *arguments)
    with pytest.raises(CommandError, match=f"no prediction .*; it was made in {timezone.now():%Y-%m}"):
        call_command("archive", "--show", month, "--id", str(make_prediction_id()))


@pytest.fixture
def in_process(monkeypatch):
    """Run the command that pages start in this process, which is quicker."""

    def run(command, **options):
        output = io.StringIO()
        try:
            call_command(*command[2:], stdout=output)
        except CommandError as error:
            return subprocess.CompletedProcess(command, 1, b"", f"CommandError: {error}".encode())
        return subprocess.CompletedProcess(command, 0, output.getvalue().encode(), b"")

    monkeypatch.setattr(subprocess, "run", run)


def prune_all(run, days=60):
    [archive] = run("archive")
    run("prune", "--older-than", f"{days}d")
    assert not Prediction.objects.exists()
    return archive


def read(client, address):
    answered = client.get(address, follow=True)
    assert answered.status_code == 200
    return html.unescape(answered.content.decode())


LIST = "/admin/predictor/prediction/"


def test_the_admin_lists_archived_months_and_reads_what_is_in_them(admin_client, line, folder, run, monkeypatch):
    monkeypatch.setenv("ARCHIVE_DIR", str(folder))  # For the other process.
    old = make_prediction(line, days=90, warnings=["x is unusual"], interval=[0.5, 3])
    record_outcomes(old, 1, 2.5)
    archive = prune_all(run)
    assert f"{LIST}archives/" in read(admin_client, LIST)
    months = read(admin_client, f"{LIST}archives/")
    assert f'{LIST}archives/{archive["month"]}/">{archive["month"]}</a></th><td>1</td><td>2</td>' in months
    shown = read(admin_client, f"{LIST}archives/{archive['month']}/")
    for part in (f"{LIST}archives/{old.id}/", "line 1", "1 warning", "inside, off by 1.5", 'class="range">'):
        assert part in shown


def test_one_archived_prediction_is_read_as_a_stored_one_and_takes_no_outcome(
    admin_client, line, folder, run, in_process
):
    old = make_prediction(line, days=90, warnings=["x is unusual"], interval=[0.5, 3])
    record_outcomes(old, 1, 2.5)
    stored = read(admin_client, f"{LIST}{old.id}/change/")
    archive = prune_all(run)
    address = f"{LIST}archives/{old.id}/"
    assert address in read(admin_client, f"{LIST}?q={old.id}")
    assert address not in read(admin_client, f"{LIST}?q={make_prediction_id()}")
    shown = read(admin_client, f"{LIST}{old.id}/change/")

    def find(name, page):
        return re.search(f'<section[^>]*aria-labelledby="{name}">.*?</section>', page, re.S)[0]

    for name in ("predicted", "inputs", "earlier"):
        assert find(name, shown) == find(name, stored)
    assert archive["file"] in shown
    assert f"./manage.py archive --restore {archive['month']}" in shown
    assert 'name="value"' not in shown
    assert f"/predictions/{old.id}/" not in shown
    assert admin_client.post(address, {"value": "7"}).status_code == 405
    run("archive", "--restore", archive["month"])
    assert f"{LIST}{old.id}/change/" in read(admin_client, address)
    run("forget", str(old.id))
    run("archive")
    for page in (address, f"{LIST}archives/{archive['month']}/"):
        assert "forgotten" in read(admin_client, page)
        assert "unusual" not in read(admin_client, page)


def test_what_was_forgotten_where_no_archive_was_named_is_not_shown(
    admin_client, line, folder, run, in_process, settings
):
    secret = make_secret(line, days=90)
    run("archive")
    settings.ARCHIVE_DIR = ""
    run("forget", str(secret.id))
    assert admin_client.get(f"{LIST}archives/").status_code == 404
    assert "archives/" not in read(admin_client, LIST)
    settings.ARCHIVE_DIR = str(folder)
    for page in (f"{secret.id}/", f"{secret.created_at:%Y-%m}/"):
        shown = read(admin_client, f"{LIST}archives/{page}")
        assert "forgotten" in shown
        assert not re.search("7.?160.?915", shown)


def test_archived_predictions_are_only_of_models_that_a_user_may_see(client, line, penguins, folder, run, in_process):
    mine = make_prediction(penguins, days=90, output="Adelie", probabilities={"Adelie": 0.75})
    other = make_prediction(line, days=90)
    archive = prune_all(run)
    user = User.objects.create_user("grace", is_staff=True)
    client.force_login(user)
    month = f"{LIST}archives/{archive['month']}/"
    for address in (f"{LIST}archives/", month, f"{LIST}archives/{mine.id}/"):
        assert client.get(address).status_code == 403
    user.user_permissions.set(Permission.objects.filter(codename="view_prediction"))
    assert str(other.id) in read(client, month)
    ModelRight.objects.create(user=user, model="penguins")
    assert str(mine.id) in read(client, month)
    for address in (f"{LIST}archives/", month, f"{month}?model=penguins"):
        assert "line" not in re.sub("in-?line", "", read(client, address))
        assert "<td>2</td>" not in read(client, address)
    assert f"has no prediction {other.id}" in read(client, f"{LIST}archives/{other.id}/")
    assert "There is no version of “line”" in read(client, f"{month}?model=line")


def test_an_archive_that_is_missing_or_damaged_is_said_on_a_page(admin_client, line, folder, run, in_process):
    old = make_prediction(line, days=90)
    archive = prune_all(run)
    month = f"{LIST}archives/{archive['month']}/"
    strange = UUID(int=2**128 - 1)
    for address, message in (
        (f"{LIST}archives/1999-01/", "There is no archive of “1999-01”"),
        (f"{LIST}archives/--help/", "There is no archive of “--help”"),
        (f"{LIST}archives/{make_prediction_id()}/", "There is no archive of"),
        (f"{LIST}archives/{strange}/", "There is no archive of"),
        (f"{month}?before=7", "“7” is not the id of a prediction"),
    ):
        assert message in read(admin_client, address)
    assert "No prediction was found" in read(admin_client, f"{LIST}?q={strange}")
    (folder / archive["file"]).write_bytes(b"PAR1")
    for address in (month, f"{LIST}archives/{old.id}/"):
        assert "its SHA-256 is another one" in read(admin_client, address)
    (folder / archive["file"]).unlink()
    assert "cannot be read: No such file" in read(admin_client, month)
    (folder / f"predictions-{archive['month']}.json").write_text("{")
    for address in (month, f"{LIST}archives/", f"{LIST}{old.id}/change/"):
        assert "cannot be read: Input data was truncated" in read(admin_client, address)
    shutil.rmtree(folder)
    assert f"ARCHIVE_DIR, {folder}, was not found." in read(admin_client, f"{LIST}archives/")


def test_without_a_folder_the_use_is_wrong_and_a_dyno_keeps_none(settings, folder, run):
    settings.IS_ON_DYNO = True
    with pytest.raises(CommandError, match="whose disk is lost"):
        run("archive")
    settings.ARCHIVE_DIR = ""
    with pytest.raises(CommandError, match="ARCHIVE_DIR is not set") as caught:
        run("archive")
    assert caught.value.returncode == 2
