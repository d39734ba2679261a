"""Retrains that are killed, run at once or lose: the log of promotions tells the true story of them."""

import random
import shutil
import signal
import time

import pytest

from predictor.models import Artifact, ArtifactChunk, Promotion, Version
from predictor.serving.runtime import load_runtime
from tests.recipes import use_estimator, write_line
from tests.retrainers import start_deadly_retrain, start_retrain

KILLS = 10
BETTER_AND_BETTER = (
    "sklearn.dummy.DummyRegressor",
    "sklearn.tree.ExtraTreeRegressor",
    "sklearn.linear_model.LinearRegression",
)
# Which of them each of twenty retrains brings; the last ones are mostly worse than what is live by then.
ORDER = (0, 0, 1, 1, 0, 1, 1, 2, 2, 0, 2, 2, 0, 1, 1, 0, 2, 1, 0, 2)


@pytest.mark.both_databases
def test_a_retrain_killed_at_any_moment_leaves_nothing_half_registered(database_url, models_dir):
    run_to_the_end(start_retrain(models_dir, "warm up"))
    started = time.monotonic()
    run_to_the_end(start_retrain(models_dir, "run 0"))
    whole = time.monotonic() - started
    chosen = random.Random(7)  # noqa: S311  # Nothing secret: moments.
    for run in range(1, KILLS + 1):
        use_estimator(models_dir, BETTER_AND_BETTER[run % 2])
        kill_after(start_retrain(models_dir, f"run {run}"), whole * chosen.uniform(0.2, 1.05))
        assert_log_is_true()


@pytest.mark.both_databases
def test_a_retrain_killed_in_the_middle_of_its_transaction_leaves_nothing_and_no_hole(database_url, models_dir):
    run_to_the_end(start_retrain(models_dir, "run 0"))
    write_line(models_dir, 1.0)
    deadly = start_deadly_retrain(models_dir, "run 1")
    deadly.join(timeout=60)
    assert deadly.exitcode == -signal.SIGKILL
    assert Version.objects.get() == Version.objects.find_live("line")
    assert (
        Artifact.objects.filter(kind="pickle").count()
        == ArtifactChunk.objects.filter(artifact__kind="pickle").count()
        == 1
    )
    run_to_the_end(start_retrain(models_dir, "run 2"))
    assert set(Version.objects.values_list("number", flat=True)) == {1, 2}
    assert_log_is_true()


def test_twenty_retrains_in_a_row_at_once_and_killed_leave_a_log_that_tells_the_true_story(database_url, models_dir):
    chosen = random.Random(11)  # noqa: S311  # Nothing secret: moments.
    ended, exits = set(), []
    write_line(models_dir, 1.0)
    for run in range(0, 20, 2):
        folders = [copy_recipe(models_dir, each, BETTER_AND_BETTER[ORDER[each]]) for each in (run, run + 1)]
        started = time.monotonic()
        first = start_retrain(folders[0], f"run {run}")
        if run % 4 == 0:  # At once; else one after the other, and one of them killed.
            second = start_retrain(folders[1], f"run {run + 1}")
            run_to_the_end(first)
            run_to_the_end(second)
            ended |= {f"run {run}", f"run {run + 1}"}
        else:
            run_to_the_end(first)
            ended.add(f"run {run}")
            whole = time.monotonic() - started
            exits.append(kill_after(start_retrain(folders[1], f"run {run + 1}"), whole * chosen.uniform(0, 1.1)))
        assert_log_is_true()

    verdicts = {version.decision["verdict"] for version in Version.objects.all()}
    assert {"unopposed", "better", "worse"} <= verdicts
    assert -signal.SIGKILL in exits
    assert set(Promotion.objects.values_list("promoted_by", flat=True)) & ended


def copy_recipe(models_dir, run, estimator):
    """A folder of recipes for one run, so that two at once do not share one."""
    folder = models_dir.parent / f"run_{run}"
    shutil.copytree(models_dir, folder)
    use_estimator(folder, estimator)
    return folder


def run_to_the_end(process):
    process.join(timeout=60)
    assert process.exitcode == 0


def kill_after(process, seconds):
    time.sleep(seconds)
    process.kill()
    process.join()
    return process.exitcode


def assert_log_is_true():
    """Replay what every version's decision says: it must give the promotions, and the version that is live."""
    live = None
    promotions = iter(Promotion.objects.filter(version__model="line").order_by("id").select_related("version"))
    versions = list(Version.objects.filter(model="line").order_by("number"))
    assert [version.number for version in versions] == list(range(1, len(versions) + 1))
    for version in versions:
        decision = version.decision
        assert decision["champion"] == (live.number if live else None)
        load_runtime(version)
        if decision["promoted"]:
            promotion = next(promotions)
            assert (promotion.version, promotion.previous) == (version, live)
            assert promotion.reason == decision["reason"]
            live = version
    assert next(promotions, None) is None
    assert Version.objects.find_live("line") == live
