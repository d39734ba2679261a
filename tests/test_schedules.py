"""Schedules: timings, those of recipes, and what is due, once for each moment."""

import json
import os
import re
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from predictor import jobs
from predictor.exceptions import RecipeError
from predictor.models import Job, JobWorker, Monitoring, Retirement, Schedule, ScheduledMoment
from predictor.models.job import from_now
from predictor.schedules.due import KEPT, enqueue_due
from predictor.schedules.recipes import store_recipes
from predictor.tasks import carry_out
from predictor.timing import read_timing, read_zone
from predictor.training.description import find_description
from predictor.training.recipe import read_recipe
from tests.conftest import ROOT
from tests.test_jobs import start_worker, wait_for  # noqa: F401  # A fixture.
from tests.test_monitor import draw_errors, make_outcomes
from tests.visitor import find_free_port

pytestmark = pytest.mark.django_db

BERLIN, SUNDAY = read_zone("Europe/Berlin"), datetime(2026, 11, 29, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def list_moments(text, start, count=3, zone=BERLIN):
    timing, found = read_timing(text, zone), [start]
    while len(found) <= count:
        found.append(timing.find_next(found[-1]))
    return [f"{moment:%m-%d %H:%M}" for moment in found[1:]]


def make(timing="weekly", *, kind="retrain", model="line", after=SUNDAY, **values):
    return Schedule.objects.create(model=model, kind=kind, timing=timing, after=after, made_by="ada", **values)


def write_schedule(models_dir, text, slug="line"):
    file = models_dir / slug / "model.toml"
    file.write_text(f"{file.read_text().partition('# When.')[0]}# When.\n{text}\n")
    return file


def list_rows():
    return list(Schedule.objects.order_by("model", "kind").values_list("model", "kind", "timing", "with_outcomes"))


def test_a_timing_is_a_word_or_two_or_a_line_of_cron():
    utc = read_zone("UTC")
    for text, first, second in (
        ("hourly", "11-29 13:00", "11-29 14:00"),
        ("Daily", "11-30 00:00", "12-01 00:00"),
        ("daily 03:30", "11-30 03:30", "12-01 03:30"),
        ("weekly", "11-30 00:00", "12-07 00:00"),
        (" friday  9:05 ", "12-04 09:05", "12-11 09:05"),
        ("sunday", "12-06 00:00", "12-13 00:00"),
        ("monthly 23:59", "12-01 23:59", "01-01 23:59"),
        ("0 3 * * MON", "11-30 03:00", "12-07 03:00"),
        ("*/20 * * * *", "11-29 12:20", "11-29 12:40"),
        ("0 0 29 2 *", "02-29 00:00", "02-29 00:00"),
    ):
        assert list_moments(text, SUNDAY, 2, utc) == [first, second], text
    for text, problem in (
        (
            "weekley",
            "'weekley' is not a schedule: write hourly, daily, weekly, monthly, monday 03:00, or a cron expression",
        ),
        ("monday 24:00", "is not a schedule"),
        ("hourly 03:00", "is not a schedule"),
        ("", "is not a schedule"),
        ("@weekly", "is not a schedule"),
        ("0 3 * *", "is not a schedule"),
        ("0 0 3 * * 1", "is not a schedule"),
        ("0 25 * * 1", "'0 25 * * 1' is not a cron expression: its hour is wrong; the fields are minute, hour, day of"),
        ("0 0 30 2 *", "its day of month is wrong"),
        ("every day at 3 pm", "its minute is wrong"),
        (f"{'1,' * 60}1 * * * *", "a cron expression has at most 100 characters, and this one has 129"),
    ):
        with pytest.raises(ValueError, match=r"is not|at most") as error:
            read_timing(text, utc)
        assert problem in str(error.value)


def test_every_way_to_say_when_on_the_page_is_read():
    page = (ROOT / "docs/jobs.md").read_text().partition("| when | means |")[2].partition("\n\n")[0]
    shown = [text for row in page.splitlines()[2:] for text in re.findall("`(.*?)`", row.split("|")[1])]
    assert len(shown) > 8
    for text in shown:
        assert read_timing(text, UTC).find_next(SUNDAY), text


def test_hours_are_those_of_the_sites_zone(settings):
    row = Schedule(model="line", kind="monitor", timing="monday 03:00", after=SUNDAY)
    found = {}
    for settings.SCHEDULE_TIME_ZONE in ("UTC", "Europe/Berlin", "America/New_York"):
        found[settings.SCHEDULE_TIME_ZONE] = (row.find_next(SUNDAY) - MONDAY) / HOUR
    assert found == {"UTC": 3, "Europe/Berlin": 2, "America/New_York": 8}
    assert row.find_due(MONDAY + 7 * HOUR) is None
    assert row.find_due(MONDAY + 9 * HOUR) == MONDAY + 8 * HOUR


def test_where_clocks_are_changed_no_moment_is_lost_or_doubled():
    spring, autumn = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)
    # In UTC: 02:30 is at 01:30 in winter and at 00:30 in summer. It is missing once, and there twice once.
    assert list_moments("daily 02:30", spring) == ["03-29 01:00", "03-30 00:30", "03-31 00:30"]
    assert list_moments("daily 02:30", autumn) == ["10-25 00:30", "10-26 01:30", "10-27 01:30"]
    assert list_moments("0 1-4 * * *", autumn, 4) == ["10-24 23:00", "10-25 00:00", "10-25 02:00", "10-25 03:00"]
    for start in (spring, autumn):
        hours = list_moments("hourly", start, 24)
        assert hours == [f"{start + HOUR * number:%m-%d %H:%M}" for number in range(1, 25)]
    # Looking back at any moment finds the last one that looking ahead has found.
    for zone in ("Europe/Berlin", "Australia/Lord_Howe"):
        for line in ("30 2 * * *", "30 */2 * * *", "0 1-4 * * *", "*/45 * * * *"):
            for start in (datetime(2026, *day, tzinfo=UTC) for day in ((3, 28), (4, 4), (10, 3), (10, 24))):
                timing = read_timing(line, read_zone(zone))
                found = [timing.find_next(start)]
                while found[-1] < start + 2 * DAY:
                    found.append(timing.find_next(found[-1]))
                for former, later in pairwise(found):
                    back = [timing.find_newest(former), timing.find_newest(later - timedelta(seconds=1))]
                    assert back == [former, former], (zone, line, former)


def test_a_wrong_schedule_is_refused_with_its_line_field_and_what_would_be_right(line, models_dir):
    no_key = "there is no such key; it may be one of retrain, with_outcomes, monitor."
    for text, number, problem in (
        (
            "[schedule]\nretrain = 'dayly'",
            2,
            "schedule.retrain: 'dayly' is not a schedule: write hourly, daily, weekly",
        ),
        (
            "[schedule]\n\nmonitor = '0 3 32 * *'",
            3,
            "schedule.monitor: '0 3 32 * *' is not a cron expression: its day of month",
        ),
        ("[schedule]\nretrain = 7", 2, "schedule.retrain: must be a string, not 7."),
        (
            "[schedule]\nretrain = ['weekly']",
            2,
            "schedule.retrain: must be a string, not ['weekl",
        ),
        (
            "[schedule]\nretrain = 'weekly'\nwith_outcomes = 'yes'",
            3,
            "schedule.with_outcomes: must be true or false, not",
        ),
        ("[schedule]\nwith_outcomes = true", 2, "schedule.with_outcomes: is about retrains: also write when, such as"),
        ("[schedule]\nretrian = 'weekly'", 2, f"schedule.retrian: {no_key}"),
        ("[[schedule]]\nretrain = 'weekly'", 1, "schedule: must be a table such as [schedule], not [{'retrain'"),
    ):
        file = write_schedule(models_dir, text)
        first = file.read_text().splitlines().index(text.splitlines()[0])
        with pytest.raises(RecipeError) as error:
            read_recipe(models_dir, "line")
        assert str(error.value).startswith(f"{file}, line {first + number}: {problem}"), text
    file = write_schedule(models_dir, "")
    file.write_text(f"schedule = {{ retrain = 'weekley' }}\n{file.read_text()}")
    with pytest.raises(RecipeError, match=r"model\.toml, line 1: schedule\.retrain: 'weekley' is not"):
        read_recipe(models_dir, "line")
    # A model that is imported cannot be retrained, but monitored.
    file.write_text("[output]\ndecimals = 1\n[schedule]\nmonitor = 'daily'")
    assert find_description(models_dir, "line").schedule.timings == {"monitor": "daily"}
    file.write_text("[output]\ndecimals = 1\n[schedule]\nretrain = 'daily'")
    with pytest.raises(RecipeError, match=r"line 4: schedule\.retrain: is for models that are trained here"):
        find_description(models_dir, "line")


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_moment_is_taken_once_however_many_look_at_the_same_time(line, models_dir):
    write_schedule(models_dir, "[schedule]\nretrain = 'weekly'")
    make()  # A user wants the same as the recipe.
    make("daily", kind="monitor")
    # What is read while it changes is one row, too.
    at_once(lambda: store_recipes(models_dir))
    assert list_rows() == [("line", "monitor", "daily", False), *[("line", "retrain", "weekly", False)] * 2]
    Schedule.objects.update(after=SUNDAY)
    found = []
    at_once(lambda: found.extend(enqueue_due(MONDAY + HOUR)))
    assert sorted(taken.kind for taken in found) == ["monitor", "retrain"]
    # First what is to be said of the version that is live, then a new one.
    assert list(Job.objects.order_by("id").values_list("kind", "made_by")) == [
        ("monitor", "schedule of ada"),
        ("retrain", "schedule of ada"),
    ]
    assert enqueue_due(MONDAY + HOUR) == []


def at_once(work, count=6):
    """Do it in so many threads at the same time."""
    together = threading.Barrier(count)

    def run():
        together.wait()
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_moments_that_were_missed_are_caught_up_once():
    make("daily")
    make("hourly", kind="monitor")
    [first, second] = enqueue_due(MONDAY + 9 * DAY + HOUR / 2)
    assert (first.kind, first.moment) == ("monitor", MONDAY + 9 * DAY)
    assert (second.kind, second.moment) == ("retrain", MONDAY + 9 * DAY)
    assert enqueue_due(MONDAY + 9 * DAY + HOUR / 2) == []
    # The next moments, of which the retrain waits for the one that is not done yet.
    held = jobs.take([jobs.MONITOR], "tests")
    jobs.cancel(held.job, by="ada")  # Its worker has not stopped it yet.
    found = [taken.job for taken in enqueue_due(MONDAY + 10 * DAY)]
    assert [job == former for job, former in zip(found, (first.job, second.job), strict=True)] == [False, True]
    assert Job.objects.count() == 3


def test_only_moments_after_a_schedule_began_count_and_none_while_it_is_off_or_its_model_retired():
    row = make(after=MONDAY)
    assert enqueue_due(MONDAY + 6 * DAY) == []
    Schedule.objects.update(is_on=False)
    assert enqueue_due(MONDAY + 8 * DAY) == []
    Schedule.objects.update(is_on=True)
    Retirement.objects.create(model="line", is_retired=True, recorded_by="ada", reason="Replaced.")
    assert enqueue_due(MONDAY + 8 * DAY) == []
    call_command("due", dry_run=True, stdout=(output := StringIO()))
    assert output.getvalue() == "line: retrain weekly (ada): not run: the model is retired\n"
    # What another build wrote, and this one cannot read.
    make("every full moon", model="penguins")
    assert enqueue_due(MONDAY + 8 * DAY) == []
    Retirement.objects.create(model="line", is_retired=False, recorded_by="ada", reason="Back.")
    assert [taken.moment for taken in enqueue_due(MONDAY + 8 * DAY)] == [MONDAY + 7 * DAY]
    row.refresh_from_db()
    assert row.after == MONDAY + 7 * DAY


def test_the_schedules_of_recipes_are_rows_that_follow_them(line, penguins, models_dir):
    store_recipes(models_dir)
    assert list_rows() == []
    write_schedule(models_dir, '[schedule]\nretrain = "weekly"\nwith_outcomes = true\nmonitor = "daily  03:00"')
    make("monthly", model="penguins")
    store_recipes(models_dir)
    retrain, monitor = ("line", "retrain", "weekly", True), ("line", "monitor", "daily 03:00", False)
    assert list_rows() == [monitor, retrain, ("penguins", "retrain", "monthly", False)]
    # A deploy in which nothing changes leaves them alone; their moments go on, and a new timing begins anew.
    Schedule.objects.filter(model="line").update(after=SUNDAY)
    store_recipes(models_dir)
    assert set(Schedule.objects.values_list("after", flat=True)) == {SUNDAY}
    write_schedule(models_dir, '[schedule]\nretrain = "monthly"\nmonitor = "daily 03:00"')
    store_recipes(models_dir)
    going_on = Schedule.objects.filter(after=SUNDAY).order_by("model").values_list("model", "kind")
    assert list(going_on) == [("line", "monitor"), ("penguins", "retrain")]
    # One that is wrong is not run, and says why with its line; once it is right, it goes on.
    file = write_schedule(models_dir, '[schedule]\nretrain = "monthly"\nmonitor = "dayly"')
    number = file.read_text().splitlines().index('monitor = "dayly"') + 1
    store_recipes(models_dir)
    assert set(Schedule.objects.filter(model="line").values_list("error", flat=True)) == {
        f"{file}, line {number}: schedule.monitor: 'dayly' is not a schedule: write hourly, daily, weekly, monthly,"
        ' monday 03:00, or a cron expression such as "0 3 * * 1".'
    }
    assert enqueue_due(datetime(2100, 1, 1, tzinfo=UTC)) == [ScheduledMoment.objects.get(model="penguins")]
    file.write_text("[[[")
    store_recipes(models_dir)
    assert "cannot be read as TOML" in Schedule.objects.filter(model="line").first().error
    write_schedule(models_dir, "")
    (models_dir / "line" / "model.toml").unlink()
    store_recipes(models_dir)
    assert list_rows() == [("penguins", "retrain", "monthly", False)]


def test_a_wrong_schedule_of_a_model_that_had_none_is_shown(line, models_dir):
    file = write_schedule(models_dir, '[schedule]\nretrian = "weekly"')
    store_recipes(models_dir)
    [row] = Schedule.objects.all()
    assert "schedule.retrian: there is no such key; it may be one of retrain, with_outcomes, monitor" in row.error
    JobWorker.objects.create(pk=uuid.uuid4(), name="tests", seen_at=from_now(0))
    with pytest.raises(CommandError, match=f"{file.name}, line .* there is no such key"):
        call_command("due")
    write_schedule(models_dir, '[schedule]\nmonitor = "weekly"')
    store_recipes(models_dir)
    assert list_rows() == [("line", "monitor", "weekly", False)]


def test_due_lists_schedules_with_their_next_moments_and_changes_nothing(line, models_dir):
    write_schedule(models_dir, '[schedule]\nmonitor = "0 3 * * *"')
    make("monday 03:00", with_outcomes=True, after=datetime(2020, 1, 1, tzinfo=UTC))
    make("daily", is_on=False)
    output = StringIO()
    call_command("due", dry_run=True, format="json", stdout=output)
    monitor, weekly, off = json.loads(output.getvalue())
    assert (monitor["by"], monitor["due"], monitor["next"][10:]) == ("recipe", None, "T03:00:00+00:00")
    assert weekly["due"] < weekly["next"]
    assert (off["on"], off["due"], off["next"]) == (False, None, None)
    call_command("due", dry_run=True, stdout=(output := StringIO()))
    first, second, third = output.getvalue().splitlines()
    assert first.startswith("line: monitor 0 3 * * * (recipe): next ")
    assert second.startswith("line: retrain with outcomes monday 03:00 (ada): due since ")
    assert third == "line: retrain daily (ada): off"
    assert (Schedule.objects.count(), Job.objects.count()) == (2, 0)


@pytest.fixture
def start_due(database_url):
    started = []

    def start():
        environment = {**os.environ, "DATABASE_URL": database_url}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        program = [sys.executable, "manage.py", "due"]
        started.append(subprocess.Popen(program, cwd=ROOT, env=environment, **pipes))  # noqa: S603  # Our own command.
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.both_databases
def test_processes_at_once_do_each_moment_once_and_without_a_worker_due_does_it_itself(
    line,
    start_due,
    start_worker,  # noqa: F811  # The fixture that is imported above.
):
    yearly, long_ago = "0 0 1 1 *", datetime(2020, 1, 1, tzinfo=UTC)
    make(yearly, kind="monitor", after=long_ago)
    make(yearly, kind="monitor", after=long_ago, model="gone")
    called = [start_due() for _ in range(2)]
    said = [process.communicate(timeout=120) for process in called]
    assert sorted(Job.objects.values_list("model", "state")) == [("gone", "failed"), ("line", "done")]
    assert (Monitoring.objects.count(), ScheduledMoment.objects.count()) == (1, 2)
    # Whoever added the failed job says so.
    failed = Job.objects.get(model="gone")
    assert max(process.returncode for process in called) == 1
    assert f"gone: monitor, job {failed.pk}: failed, there is no live version of 'gone'" in "".join(
        out for out, _ in said
    )
    assert f"job {failed.pk} failed" in "".join(error for _, error in said)
    # None of them is taken for a worker any more. With two workers, all three look at the same time.
    assert not jobs.is_worker_alive()
    Schedule.objects.filter(model="gone").delete()
    make("0 0 2 1 *", kind="monitor", after=long_ago)
    start_worker(), start_worker()
    start_due().communicate(timeout=120)
    wait_for(lambda: Job.objects.filter(state="done").count() == 2)
    assert (Monitoring.objects.count(), ScheduledMoment.objects.count()) == (2, 3)


def test_monitoring_as_a_job_stores_what_the_command_does_once_and_sends_its_alert(line, mailoutbox, settings):
    make_outcomes(line, datetime.now(UTC) - DAY, draw_errors(300, size=3))
    settings.ALERT_EMAILS, settings.EMAIL_PORT = ["ada@example.com"], find_free_port()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    job = monitor_line()
    assert (job.state, job.result["state"], Monitoring.objects.count()) == ("done", "alarm", 1)
    assert job.result["reason"].startswith("the e-mail was not sent: ")
    assert job.result["reason"].endswith(" The next run tries again.")
    # One that was killed between both has stored it, and sends what was not sent.
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    for _ in range(2):
        assert monitor_line(cursor="stored").result == {"state": "alarm", "reason": ""}
    assert monitor_line().result == {"state": "alarm", "reason": ""}
    assert [mail.subject for mail in mailoutbox] == ["line: alarm"]
    assert "RMSE" in mailoutbox[0].body
    assert Monitoring.objects.count() == 2


def monitor_line(cursor=None):
    job = jobs.enqueue(jobs.MONITOR, by="schedule", model="line")
    Job.objects.filter(pk=job.pk).update(cursor=cursor)
    held = jobs.take([jobs.MONITOR], "tests")
    carry_out(held.job.pk, held.lease)
    job.refresh_from_db()
    return job


def test_old_moments_are_forgotten_with_the_jobs_that_were_added_for_them():
    make("hourly", kind="monitor", is_from_recipe=True)
    own = jobs.enqueue(jobs.MONITOR, by="ada", model="line")
    for number in range(KEPT + 3):
        enqueue_due(MONDAY + number * HOUR)
        Job.objects.unfinished().update(state="done", finished_at=MONDAY)
    assert ScheduledMoment.objects.count() == KEPT
    assert list(Job.objects.filter(moments=None)) == [own]
    assert Job.objects.count() == KEPT + 1
