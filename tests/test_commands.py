import json
import re
import shutil
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from predictor.models import Artifact, ArtifactChunk, Promotion, Version
from tests.conftest import run_manage

pytestmark = pytest.mark.django_db

AGAIN = ("--promote", "always", "--force")


@pytest.fixture
def retrain(models_dir, capsys):
    """Call the command; give what it printed."""

    def call(*arguments, fails=False):
        if fails:
            with pytest.raises(CommandError):
                call_command("retrain", *arguments)
        else:
            call_command("retrain", *arguments)
        return capsys.readouterr()

    return call


def test_all_recipes_are_retrained_when_none_is_named(retrain):
    retrain()
    assert list(Version.objects.values_list("model", "number")) == [("line", 1), ("penguins", 1)]


def test_the_text_is_a_short_table_with_the_baseline_beside_each_metric(retrain):
    printed = retrain("line")
    assert re.search(r"line  version 1  live  trained on 161 rows", printed.out)
    assert re.search(r"hold-out, 39 rows +model +baseline", printed.out)
    assert re.search(r"RMSE +1\.\d+ +6\.\d+ +0\.\d+ to 1\.\d+", printed.out)


def test_progress_goes_to_stderr_and_only_the_result_to_stdout(retrain):
    printed = retrain("line", "--format", "json")
    assert "line: fitting on 161 rows" in printed.err
    assert json.loads(printed.out)


def test_json_holds_one_object_a_model(retrain):
    line, penguins = json.loads(retrain("--format", "json").out)
    assert set(line) == {
        "model",
        "version",
        "rows",
        "outcomes",
        "metrics",
        "intervals",
        "baseline",
        "promoted",
        "reason",
        "data_changes",
        "decision",
    }
    assert (line["model"], line["version"], line["rows"], line["promoted"]) == ("line", 1, 161, True)
    assert set(line["metrics"]) == set(line["baseline"]) == {"mae", "rmse", "r2"}
    assert set(penguins["metrics"]) == {"accuracy", "macro_f1", "log_loss"}


def test_what_was_decided_is_printed_with_its_scores_and_intervals(retrain):
    retrain("penguins")
    printed = retrain("penguins", "--force").out
    assert "cannot tell with 67 rows whether it beats version 1: log loss gain, 95 % interval 0 to 0\n" in printed
    assert re.search(r"  log loss on 67 rows: this version 0\.\d+, version 1 0\.\d+, the baseline 1\.\d+\n", printed)
    assert "  gain over version 1, 95 % interval: 0 to 0\n" in printed
    assert re.search(r"  gain over the baseline, 95 % interval: 0\.\d+ to 1\.\d+\n", printed)
    [penguins] = json.loads(retrain("penguins", "--force", "--format", "json").out)
    kept = Version.objects.get(number=3).decision
    assert penguins["decision"] == kept
    assert (kept["verdict"], kept["gain"], kept["rows"]) == ("cannot tell", {"low": 0, "high": 0}, 67)


def test_a_dry_run_measures_and_stores_nothing(retrain, models_dir):
    [line] = json.loads(retrain("line", "--dry-run", "--format", "json").out)
    assert (line["version"], line["promoted"], line["reason"]) == (None, False, "dry run; the first version")
    assert line["metrics"]["rmse"] > 0
    assert not Version.objects.exists()
    assert not (models_dir / "line/model.pkl").exists()


def test_missing_trains_only_models_without_a_live_version_that_loads(retrain, settings):
    retrain("line")
    assert [done["model"] for done in json.loads(retrain("--missing", "--format", "json").out)] == ["penguins"]
    assert json.loads(retrain("--missing", "--format", "json").out) == []


OTHER_KEY = "b7f1c9e2d4a6083512fedcba98765432aa01bb23cc45dd67ee89ff10213243"


def test_missing_leaves_a_version_alone_whose_signature_it_does_not_know_and_fails(retrain, settings, models_dir):
    retrain("line")
    settings.MODEL_SIGNING_KEY = OTHER_KEY
    line, penguins = json.loads(retrain("--missing", "--format", "json", fails=True).out)
    assert Version.objects.filter(model="line").count() == 1
    assert (line["promoted"], penguins["promoted"]) == (False, True)
    for hint in ("set MODEL_SIGNING_KEY", "MODEL_SIGNING_KEY_FALLBACKS", "retrain line --replace-untrusted"):
        assert hint in line["reason"]
    with pytest.raises(CommandError, match=r"^line is live but not trusted here, and was skipped\.$"):
        call_command("retrain", "--missing")


@pytest.mark.parametrize("missing", [["--missing"], []], ids=["missing", "named"])
def test_replace_untrusted_replaces_what_this_process_does_not_trust(retrain, settings, missing):
    retrain("line")
    settings.MODEL_SIGNING_KEY = OTHER_KEY
    [line] = json.loads(retrain("line", *missing, "--replace-untrusted", "--format", "json").out)
    assert line["promoted"]
    assert Version.objects.find_live("line").number == 2
    assert retrain("line", "--missing", "--replace-untrusted").out.startswith("Every model has a live version")


def test_missing_replaces_what_is_trusted_but_damaged(retrain):
    retrain("line")
    ArtifactChunk.objects.all().delete()
    [line] = json.loads(retrain("line", "--missing", "--format", "json").out)
    assert (line["version"], line["promoted"]) == (2, True)


def forbid(models_dir):
    """A limit that the line never keeps."""
    with (models_dir / "line/model.toml").open("a") as recipe:
        recipe.write("\n[gate]\nrmse_max = 0.0\n")


def test_missing_does_not_repeat_a_training_that_was_kept_back_and_names_it(retrain, models_dir):
    forbid(models_dir)
    [first] = json.loads(retrain("line", "--missing", "--format", "json").out)
    assert (first["version"], first["promoted"]) == (1, False)
    printed = retrain("line", "--missing")
    assert "line  skipped\n  version 1 was kept back (RMSE" in printed.out
    assert "`manage.py promote line 1 --reason" in printed.out
    assert "fitting" not in printed.err
    assert Version.objects.count() == 1


def change_recipe(models_dir):
    with (models_dir / "line/model.toml").open("a") as recipe:
        recipe.write("# tried again\n")


def change_data(models_dir):
    with (models_dir / "line/data.csv").open("a") as data:
        data.write("1.0,2.0\n")


def change_code(models_dir):
    (models_dir / "line/pipeline.py").write_text(
        "from sklearn.linear_model import LinearRegression\n\ndef build(schema): return LinearRegression()\n"
    )


def change_libraries(models_dir):
    Version.objects.update(libraries={"scikit-learn": "0.9"})


def drop_artifacts(models_dir):
    Artifact.objects.all().delete()


def forget_origin(models_dir):
    """As a build stored it that did not keep of which files a version was made."""
    Version.objects.update(report={"tuning": None})


def lose_to_a_champion(models_dir):
    Version.objects.update(decision={"promoted": False, "champion": 7, "reason": "worse"})


@pytest.mark.parametrize(
    "change",
    [
        change_recipe,
        change_data,
        change_code,
        change_libraries,
        drop_artifacts,
        forget_origin,
        lose_to_a_champion,
    ],
)
def test_missing_trains_again_once_anything_has_changed(retrain, models_dir, change):
    forbid(models_dir)
    retrain("line")
    change(models_dir)
    [line] = json.loads(retrain("line", "--missing", "--format", "json").out)
    assert line["version"] == 2


@pytest.mark.parametrize("insisting", [["--force"], ["--promote", "always"], ["--with-outcomes"]])
def test_missing_trains_again_where_it_is_told_more(retrain, models_dir, insisting):
    forbid(models_dir)
    retrain("line")
    [line] = json.loads(retrain("line", "--missing", "--format", "json", *insisting).out)
    assert line["version"] == 2


def test_one_recipe_that_fails_does_not_stop_the_others(retrain, models_dir):
    (models_dir / "line/model.toml").write_text('title = "Broken"\n')
    printed = retrain("--format", "json", fails=True)
    line, penguins = json.loads(printed.out)
    assert not line["promoted"]
    assert "model.toml" in line["reason"]
    assert penguins["promoted"]
    assert list(Version.objects.values_list("model", flat=True)) == ["penguins"]


BROKEN = {
    "predict": "    def predict(self, X): raise RuntimeError('no answer today')",
    "nan": "    def predict(self, X): return np.full(len(X), np.nan)",
    "huge": "    def predict(self, X): return np.full(len(X), 1e300)",
    "pickle": "    def predict(self, X): return np.array([self.f(x) for x in X])",
    "tags": "    def __sklearn_tags__(self): raise ValueError('no tags')",
    "exit": "sys.exit()",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_whatever_an_estimator_does_the_other_models_are_trained(retrain, models_dir, monkeypatch, fault):
    (models_dir / f"a_{fault}").mkdir()
    for name in ("model.toml", "data.csv"):
        shutil.copy(models_dir / "line" / name, models_dir / f"a_{fault}" / name)
    (models_dir / f"a_{fault}/pipeline.py").write_text(
        "import sys\nimport numpy as np\nfrom sklearn.base import BaseEstimator, RegressorMixin\n\n"
        "class Broken(RegressorMixin, BaseEstimator):\n"
        "    def fit(self, X, y):\n        self.f = lambda x: 1.0\n        return self\n"
        f"{BROKEN[fault]}\n\n"
        "def build(schema): return Broken()\n"
    )
    monkeypatch.syspath_prepend(models_dir.parent)
    broken, line, penguins = json.loads(retrain("--format", "json", fails=True).out)
    assert f"a_{fault}" in broken["reason"]
    assert not broken["promoted"]
    assert line["promoted"]
    assert penguins["promoted"]


def test_a_wrong_parameter_is_named_with_file_key_and_value(retrain, models_dir):
    recipe = models_dir / "line/model.toml"
    recipe.write_text(recipe.read_text().replace('LinearRegression"', 'Ridge"\nparams = { alpha = "x" }'))
    printed = retrain("line", fails=True).err
    assert "model.toml: estimator: Ridge could not be fitted: The 'alpha' parameter" in printed
    assert "Got 'x' instead" in printed


def test_what_was_live_stays_live_when_a_retrain_fails(retrain, models_dir):
    retrain("line")
    (models_dir / "line/data.csv").write_text("x,y\n1,a\n")
    retrain("line", fails=True)
    assert Promotion.objects.newest().get().version.number == 1


def test_a_slug_without_a_recipe_is_named_with_those_that_exist(retrain):
    assert "the recipes here are: line, penguins" in retrain("lime", fails=True).err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["retrain", "nothing"], 1), (["retrain", "--format", "xml"], 2), (["retrain", "--nonsense"], 2)],
)
def test_the_exit_status_tells_a_failure_from_wrong_usage(database_url, arguments, status):
    done = run_manage(*arguments, DATABASE_URL=database_url)
    assert done.returncode == status
    assert "Traceback" not in done.stderr


def test_a_database_without_tables_is_said_plainly(tmp_path):
    done = run_manage("retrain", "line", DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")
    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["help"], ["help", "retrain"], ["retrain", "--help"], ["help", "versions"]])
def test_help_waits_for_none_of_the_large_libraries(database_url, arguments):
    large = {"numpy", "sklearn", "polars", "matplotlib", "onnxruntime", "pandas"}
    code = (
        f"import sys; sys.argv = ['manage.py', *{arguments}]\n"
        "from django.core.management import execute_from_command_line\n"
        "try: execute_from_command_line(sys.argv)\n"
        "except SystemExit: pass\n"
        f"sys.exit(str({large} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.stderr.strip().endswith("set()")
    assert arguments[-1] == "versions" or "retrain" in done.stdout


def test_a_command_waits_for_none_of_the_pages(database_url):
    code = (
        "import sys; sys.argv = ['manage.py', 'versions']\n"
        "from predictor.management.command_line import run_command\n"
        "try: run_command(sys.argv)\n"
        "finally: sys.stderr.write(str({'predictor.web.views', 'mlsite.urls'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.stderr.endswith("set()")


@pytest.fixture
def run(models_dir, capsys):
    def call(*arguments):
        call_command(*arguments)
        return capsys.readouterr().out

    return call


def test_versions_lists_them_with_what_became_of_each(run, retrain):
    retrain("line")
    retrain("line", "--force")
    text = run("versions", "line")
    assert re.search(r"line 2 +\d{4}-.* RMSE 1\.149.*\n    cannot tell", text)
    assert re.search(r"line 1 +live +\d{4}-.*\n    the first version", text)
    second, first = json.loads(run("versions", "--format", "json"))
    assert (second["version"], second["live"], first["version"], first["live"]) == (2, False, 1, True)


def test_columns_stand_apart_and_times_have_a_zone(run, retrain, models_dir):
    shutil.copytree(models_dir / "line", models_dir / "a_model_with_quite_a_long_name")
    retrain("line")
    retrain("a_model_with_quite_a_long_name")
    Version.objects.filter(model="line").update(number=1_234_567, metrics={"scores": {"rmse": 2.844e300, "mae": 8e300}})
    lines = [line for line in run("versions").splitlines() if not line.startswith("    ")]
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(rf"a_model_with_quite_a_long_name 1  live     {moment}  MAE .*", lines[0])
    assert re.fullmatch(rf"line 1234567 +live     {moment}  MAE 8e300, RMSE 2\.844e300", lines[1])
    assert re.search(rf"went live {moment} by command line", run("versions"))


def test_promote_makes_an_older_version_live_with_its_reason(run, retrain):
    retrain("line")
    retrain("line", *AGAIN)
    assert run("promote", "line", "1", "--reason", "the new one drifts") == "line 1 is live.\n"
    assert re.search(r"went live \S+ by command line: the new one drifts", run("versions", "line"))
    with pytest.raises(CommandError, match="give the reason in one line of text"):
        run("promote", "line", "2", "--reason", " ")
    newest = Promotion.objects.first()
    assert (newest.version.number, newest.promoted_by, newest.reason) == (1, "command line", "the new one drifts")


def test_rollback_goes_back_along_the_log_and_twice_goes_back_two(run, retrain):
    for _ in range(3):
        retrain("line", *AGAIN)
    assert [run("rollback", "line") for _ in range(2)] == ["line 2 is live.\n", "line 1 is live.\n"]
    with pytest.raises(CommandError, match="no promotion before"):
        run("rollback", "line")
    retrain("line", *AGAIN)
    assert run("rollback", "line", "--reason", "no") == "line 1 is live.\n"
    assert Promotion.objects.count() == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["promote", "line", "7", "--reason", "x"], "There is no version 7 of 'line'; its versions are: 1."),
        (["promote", "nothing", "1", "--reason", "x"], "There is no version 1 of 'nothing'; its versions are: none."),
        (["rollback", "nothing"], "nothing cannot be rolled back"),
        (["versions", "nothing"], "There is no version of 'nothing'"),
    ],
)
def test_a_version_that_does_not_exist_is_named(run, retrain, arguments, message):
    retrain("line")
    with pytest.raises(CommandError, match=re.escape(message)):
        run(*arguments)


def test_a_version_that_could_not_be_loaded_cannot_be_promoted_or_rolled_back_to(run, retrain):
    retrain("line")
    retrain("line", *AGAIN)
    Artifact.objects.filter(version__number=1).update(signature="0" * 64)
    for arguments in (["promote", "line", "1", "--reason", "x"], ["rollback", "line"]):
        with pytest.raises(CommandError, match="not signed"):
            run(*arguments)
    assert Version.objects.live().get().number == 2


def test_prune_drops_the_artifacts_of_versions_that_never_were_live_and_nothing_else(run, retrain):
    retrain("line")
    for _ in range(3):
        retrain("line", "--promote", "never", "--force")
    retrain("line", *AGAIN)
    run("promote", "line", "1", "--reason", "back")

    assert run("prune_versions", "line", "--keep", "1", "--dry-run") == (
        "line: artifacts that would be deleted: version 3, 2.\n"
    )
    assert Artifact.objects.count() == 10
    assert run("prune_versions", "line", "--keep", "1") == "line: artifacts deleted: version 3, 2.\n"
    assert list(Artifact.objects.order_by("id").values_list("version__number", flat=True)) == [1, 1, 4, 4, 5, 5]
    assert ArtifactChunk.objects.values("artifact").distinct().count() == 6
    assert Version.objects.count() == 5
    assert run("prune_versions", "line", "--keep", "1") == "line: nothing to delete.\n"
    assert re.search(r"line 2 +pruned ", run("versions", "line"))
    assert run("rollback", "line") == "line 5 is live.\n"


def test_a_version_without_its_artifact_cannot_go_live_and_is_told_why(run, retrain):
    retrain("line")
    retrain("line", "--promote", "never", "--force")
    run("prune_versions", "line", "--keep", "0")
    with pytest.raises(CommandError, match=r"line 2 cannot go live: it has no pickle; `manage.py prune_versions`"):
        run("promote", "line", "2", "--reason", "x")
    retrain("line", "--force")
    assert Version.objects.live().get().number == 1


@pytest.mark.parametrize("keep", ["-1", "x", "1.5", ""])
def test_a_count_that_is_none_is_wrong_usage(run, retrain, keep):
    with pytest.raises(CommandError, match="is not a whole number, 0 or above"):
        run("prune_versions", "line", f"--keep={keep}")


def test_another_local_table_can_be_learnt_from_and_is_named_with_the_version(retrain, tmp_path):
    other = tmp_path / "other table.csv"
    other.write_text("x,y\n" + "".join(f"{x},{3 * x}\n" for x in range(100)))
    retrain("line", "--data", str(other))
    version = Version.objects.get()
    assert version.data["file"] == "other table.csv"
    assert version.data["training_rows"] + version.data["held_out_rows"] == 100


def test_a_table_that_is_not_on_this_machine_is_named_and_nothing_is_fetched(retrain):
    printed = retrain("line", "--data", "https://example.com/a.csv", fails=True)
    assert "example.com/a.csv was not found on this machine; nothing is downloaded." in printed.err


def test_one_table_for_several_models_is_wrong_usage(models_dir):
    with pytest.raises(CommandError, match="--data is the table of one model") as raised:
        call_command("retrain", "--data", "a.csv")
    assert raised.value.returncode == 2
