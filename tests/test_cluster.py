"""Whole files on a Dask cluster: what comes back is what one machine answers."""

import csv
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import msgspec
import polars as pl
import pytest
from distributed import Client, KilledWorker, LocalCluster
from django.core.management import CommandError, call_command

from predictor.cluster import pieces
from predictor.cluster.build import WrongBuild, check_build, find_build
from predictor.cluster.client import ClusterError, _explain, connect
from predictor.cluster.pieces import divide
from predictor.cluster.training import train_on_cluster
from predictor.files.results import read_result
from predictor.lifecycle.retraining import train_model
from predictor.models import Prediction, Version
from predictor.scoring.on_cluster import ClusterTable
from predictor.tables.content import Content
from predictor.tables.csv_pieces import divide_csv
from tests.test_hiding import make_sensitive
from tests.test_kept_scoring import carry_out, enqueue, kill_in_the_middle
from tests.training import keep_quiet, register_shipped

STORED = ("version_id", "inputs", "hashed_inputs", "output", "probabilities", "interval", "warnings", "warning_codes")
STORED += ("source",)
SETTINGS = ("SECRET_KEY", "MODEL_SIGNING_KEY", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "DEPLOYMENT")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler and two workers, processes of their own without any of the site's settings."""
    folder = str(tmp_path_factory.mktemp("cluster"))
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "local_directory": folder}
    with pytest.MonkeyPatch.context() as patch:
        for name in SETTINGS:
            patch.delenv(name, raising=False)
        started = LocalCluster(processes=True, **options)
    with started:
        yield started


@pytest.fixture
def score(transactional_db, tmp_path, cluster):
    """Scores a table with the shipped line, here or on the cluster, and gives the file and what was said."""
    register_shipped("line")

    def run(given, name, *, there, history="none", **options):
        made, said = tmp_path / f"{'there' if there else 'here'}-{name}", io.StringIO()
        where = {"scheduler": cluster.scheduler_address} if there else {}
        call_command("score", "line", given, made, history=history, stderr=said, **where, **options)
        # How many rows there were every 10 s depends on the machine.
        return made, re.sub(r"^\d+ rows …\n", "", said.getvalue(), flags=re.MULTILINE)

    return run


def make_table(given, folder):
    return ClusterTable(Version.objects.get(), divide(given, folder), format="parquet", history=True)


def write_table(file, rows):
    """Rows with texts that contain line ends and quotes, blank rows, and rows with errors."""
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["=note", "x"])
        for number in range(rows):
            writer.writerow([f'case {number}, "of\nmany"', "abc" if number % 97 == 0 else number / 7])
            if number % 101 == 0:
                stream.write("\r\n" if number % 2 else "5\n")
    return file


def test_a_csv_file_is_divided_between_the_records_that_python_reads_whatever_quotes_it_contains():
    draw = random.Random(5)  # noqa: S311  # Texts to be divided.
    for _ in range(3_000):
        pool = ['"', '"', '""', ";", "\n", "\r\n", "a", "b"]
        text = "".join(draw.choice(pool) for _ in range(draw.randint(1, 40)))
        content = Content(name="x", file=Path("-"), unpacked=text.encode())
        for size in (3, 8, 100):
            found = list(divide_csv(content, ";", size))
            assert b"".join(piece.data for piece in found) == text.encode()
            assert read_all(piece.data.decode() for piece in found) == read_all([text])
            for piece in found:
                assert piece.line == text.encode()[: piece.byte].count(b"\n") + 1


def read_all(texts):
    """The rows of texts one after the other, up to the first that cannot be read."""
    rows = []
    for text in texts:
        try:
            rows.extend(csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True))
        except csv.Error as error:
            return [*rows, str(error)]
    return rows


def test_a_cluster_gives_the_same_file_as_one_machine_and_its_workers_need_neither_django_nor_settings(
    score, tmp_path, monkeypatch, cluster
):
    monkeypatch.setattr(pieces, "MOST_BYTES", 20_000)
    given = write_table(tmp_path / "given.csv", 5_000)
    (here, said_here), (there, said_there) = (score(given, "made.csv", there=where) for where in (False, True))
    assert here.read_bytes() == there.read_bytes()
    assert said_here == said_there
    assert "with an error, none stored" in said_there
    here, there = (score(given, "made.parquet", there=where)[0] for where in (False, True))
    assert pl.read_parquet(here).equals(pl.read_parquet(there))
    # A table with types, which is not CSV.
    monkeypatch.setattr(pieces, "MOST_ROWS", 700)
    here, there = (score(here, "again.csv", there=where)[0] for where in (False, True))
    assert here.read_bytes() == there.read_bytes()
    # Workers may read both kinds by themselves.
    for table in (given, tmp_path / "here-made.parquet"):
        here, there = (score(table, "shared.csv", there=where, shared=where)[0] for where in (False, True))
        assert here.read_bytes() == there.read_bytes()
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        loaded = client.run(eval, "sorted(__import__('sys').modules)")
        assert len(loaded) == 2
        assert all({"predictor.cluster.work", "onnxruntime"} <= set(names) for names in loaded.values())
        assert not any({"django", "sklearn", "predictor.models"} & set(names) for names in loaded.values())
        assert client.run(os.getenv, "SECRET_KEY") == dict.fromkeys(loaded)


def test_parts_have_a_manifest_from_which_each_can_be_checked(score, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "MOST_BYTES", 20_000)
    given = write_table(tmp_path / "given.csv", 3_000)
    whole, folder = score(given, "made.parquet", there=False)[0], score(given, "parts", there=True, format="parts")[0]
    manifest = json.loads((folder / "manifest.json").read_text())
    files = [folder / part["file"] for part in manifest["parts"]]
    assert sorted(folder.iterdir()) == sorted([*files, folder / "manifest.json"])
    assert len(files) > 3
    assert [sha256(file.read_bytes()).hexdigest() for file in files] == [part["sha256"] for part in manifest["parts"]]
    assert [len(pl.read_parquet(file)) for file in files] == [part["rows"] for part in manifest["parts"]]
    table = pl.read_parquet(whole)
    assert pl.concat(map(pl.read_parquet, files)).equals(table)
    assert (manifest["rows"], manifest["columns"]) == (len(table), table.columns)
    assert (manifest["model"], manifest["version"], manifest["history"]) == ("line", 1, False)
    content = given.read_bytes()
    assert manifest["input"]["sha256"] == sha256(content).hexdigest()
    ends = [(part["start"], part["stop"]) for part in manifest["parts"]]
    assert [start for start, _ in ends] == [0, *(stop for _, stop in ends[:-1])]
    assert ends[-1][1] == len(content)
    with pytest.raises(CommandError, match=r"parts cannot be written: it exists already"):
        score(given, "parts", there=True, format="parts")


@pytest.mark.both_databases
def test_with_history_each_answer_is_stored_once_and_as_one_machine_stores_it(score, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "MOST_BYTES", 10_000)
    given = write_table(tmp_path / "given.csv", 1_200)
    (here, _), (there, said) = (score(given, "made.parquet", there=where, history="all") for where in (False, True))
    here, there = pl.read_parquet(here), pl.read_parquet(there)
    assert here.drop("id").equals(there.drop("id"))
    ids = [table["id"].drop_nulls().to_list() for table in (here, there)]
    assert f"{len(ids[1])} stored" in said
    assert Prediction.objects.count() == sum(map(len, ids)) == len({*ids[0], *ids[1]})
    kept = Prediction.objects.in_bulk([*ids[0], *ids[1]])
    for pair in zip(*ids, strict=True):
        one, other = (kept[UUID(id)] for id in pair)
        assert {name: getattr(one, name) for name in STORED} == {name: getattr(other, name) for name in STORED}


def test_a_worker_that_is_killed_midway_loses_and_doubles_nothing(score, tmp_path, monkeypatch, cluster):
    monkeypatch.setattr(pieces, "MOST_BYTES", 5_000)
    given = write_table(tmp_path / "given.csv", 4_000)
    here = pl.read_parquet(score(given, "made.parquet", there=False)[0])
    table, parts, killed = make_table(given, tmp_path), [], set()
    with connect(cluster.scheduler_address) as client:
        pids = client.run(os.getpid)
        for piece in table.score(client):
            parts.append(pl.read_parquet(io.BytesIO(piece.data)))
            if not killed:
                # It computes the next pieces, or has their answers.
                killed.add(max(pids.values()))
                os.kill(*killed, signal.SIGKILL)
        assert killed.isdisjoint(client.run(os.getpid).values())
    made = pl.concat(parts)
    assert made.drop("id").equals(here)
    assert table.stored == Prediction.objects.count() == len(set(made["id"].drop_nulls()))
    assert set(map(str, Prediction.objects.values_list("id", flat=True))) == set(made["id"].drop_nulls())


@pytest.mark.both_databases
def test_a_job_of_a_large_file_uses_the_cluster_and_goes_on_where_it_was(
    line, database_url, cluster, settings, monkeypatch
):
    monkeypatch.setenv("SCHEDULER_URL", cluster.scheduler_address)
    text = "note,x\n" + "".join(f'"{number}\n{"-" * 80}",{number % 90 / 10}\n' for number in range(12_000))
    job = enqueue(text)
    done = kill_in_the_middle(job, database_url)
    assert 0 < done < 12_000
    monkeypatch.setattr("predictor.cluster.client.SECONDS_TO_CONNECT", 0.2)
    settings.SCHEDULER_URL = "tcp://127.0.0.1:1"
    assert carry_out(job).state == "waiting"
    assert "No Dask scheduler could be reached at tcp://127.0.0.1:1" in job.error
    assert job.done == done
    settings.SCHEDULER_URL = cluster.scheduler_address
    assert (carry_out(job).state, job.result["rows"], job.result["refused"]) == ("done", 12_000, 0)
    there, stored = pl.concat(read_result(job)), set(map(str, Prediction.objects.values_list("id", flat=True)))
    assert stored == set(there["id"])
    assert len(stored) == len(there)
    settings.SCHEDULER_URL = ""
    assert there.drop("id").equals(pl.concat(read_result(carry_out(enqueue(text, history=False)))))


def test_a_piece_that_fails_is_named_with_its_place_and_leaves_no_output(score, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "MOST_BYTES", 1_000)
    given = tmp_path / "given.csv"
    given.write_text("note,x\n" + "a,1\n" * 1_000 + '"a"b,1\n' + "a,1\n" * 1_000)
    place = r"given\.csv, piece 5 \(from line 1,?000, bytes 3999 to 4998\): .*given\.csv, line 1002: column 'note': "
    with pytest.raises(CommandError, match=place):
        score(given, "made.csv", there=True)
    assert [each.name for each in tmp_path.iterdir()] == ["given.csv"]


FOREST = """
holdout = 0
interval = "scaled"
[estimator]
class = "sklearn.ensemble.RandomForestRegressor"
params = { n_estimators = 8 }
[tune]
candidates = 3
folds = 3
[tune.params]
max_depth = { low = 2, high = 9 }
min_samples_leaf = [1, 2, 4]
"""


def test_a_training_on_the_cluster_gives_what_one_on_this_machine_gives(models_dir, cluster):
    recipe = models_dir / "line" / "model.toml"
    recipe.write_text('title = "A line"\ndata = "data.csv"\ntarget = "y"' + FOREST)
    here = train_model(models_dir, "line", progress=keep_quiet)
    with train_on_cluster(cluster.scheduler_address):
        there = train_model(models_dir, "line", progress=keep_quiet)
    assert here.tuning == there.tuning
    assert here.evaluation.method == "5-fold out-of-fold"
    assert here.evaluation.scores == there.evaluation.scores
    assert here.evaluation.predictions.predicted.tolist() == there.evaluation.predictions.predicted.tolist()
    assert here.spread == there.spread
    assert msgspec.json.encode(here.loss_model) == msgspec.json.encode(there.loss_model)
    matrix = here.dataset.matrix
    assert here.fitted.predict(matrix).tolist() == there.fitted.predict(matrix).tolist()
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        loaded = client.run(eval, "sorted(__import__('sys').modules)")
    assert all("sklearn.ensemble._forest" in names for names in loaded.values())
    # Its code would have to be sent, and is not.
    recipe.write_text(recipe.read_text().partition("[estimator]")[0])
    code = "from sklearn.linear_model import Ridge\n\ndef build(schema): return Ridge()\n"
    (models_dir / "line" / "pipeline.py").write_text(code)
    lines = []
    with train_on_cluster(cluster.scheduler_address):
        train_model(models_dir, "line", progress=lambda line, **done: lines.append(line))
    assert "line: has a pipeline.py, which is not sent to a cluster: it is trained here" in lines


def test_a_retrain_without_a_cluster_begins_to_read_its_table_before_scikit_learn_is_imported():
    code = (
        "import sys\n"
        "from predictor.cluster.training import train_on_cluster\n"
        "with train_on_cluster(''): sys.exit(str({'sklearn', 'joblib', 'distributed'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.stderr.strip() == "set()"


@pytest.mark.django_db
def test_a_retrain_on_a_cluster_that_is_away_fails_with_a_sentence(models_dir, monkeypatch):
    monkeypatch.setattr("predictor.cluster.client.SECONDS_TO_CONNECT", 0.2)
    with pytest.raises(CommandError, match="line failed"):
        call_command("retrain", "line", scheduler="tcp://127.0.0.1:1", stderr=io.StringIO(), stdout=io.StringIO())
    assert not Version.objects.exists()


@pytest.mark.django_db
def test_a_model_without_a_compiled_one_is_refused_since_pickles_are_not_sent(tmp_path):
    version = register_shipped("line")
    version.artifacts.filter(kind="onnx").delete()
    given = tmp_path / "given.csv"
    given.write_text("x\n1\n")
    with pytest.raises(ClusterError, match=r"line 1 has no compiled model .* pickles, which are code, are not sent"):
        ClusterTable(version, divide(given, tmp_path), format="csv", history=False)


def test_hashed_inputs_are_not_stored_by_a_cluster_whose_workers_have_no_key(models_dir, transactional_db, tmp_path):
    version = make_sensitive(models_dir, "hash")
    given = tmp_path / "given.csv"
    given.write_text("x\n1\n")
    with pytest.raises(ClusterError, match="a cluster does not get the key"):
        ClusterTable(version, divide(given, tmp_path), format="csv", history=True)
    ClusterTable(version, divide(given, tmp_path), format="csv", history=False)


def test_a_scheduler_that_is_not_there_and_an_address_that_is_none_are_refused_with_a_sentence(monkeypatch):
    monkeypatch.setattr("predictor.cluster.client.SECONDS_TO_CONNECT", 0.2)
    for url in ("tcp://127.0.0.1:1", "nonsense://x", "tcp://"):
        with pytest.raises(ClusterError, match=f"No Dask scheduler could be reached at {url}"), connect(url):
            pass
    with pytest.raises(ClusterError, match="needs a certificate"), connect("tls://127.0.0.1:1"):
        pass


def test_a_worker_with_other_code_or_libraries_refuses_the_work_and_says_what_differs():
    assert f"polars {pl.__version__}" in find_build()
    check_build(find_build())
    other = find_build().replace(pl.__version__, "0.1")
    with pytest.raises(WrongBuild, match=rf"has mlsite .* polars {pl.__version__}.*, and this process .* polars 0\.1"):
        check_build(other)


def test_a_piece_on_which_each_worker_died_is_named(tmp_path):
    given = tmp_path / "given.csv"
    given.write_text("x\n1\n2\n")
    [piece] = divide(given, tmp_path).pieces
    killed = KilledWorker("score_piece", None, 3)
    assert str(_explain(piece, killed)) == (
        f"{given}, piece 1 (from line 1, bytes 0 to 6): each worker that it ran on was lost; perhaps they have too "
        "little memory"
    )
