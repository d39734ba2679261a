"""Compares `manage.py retrain` with the shortest honest script: the same table, the same estimator, side by side.

    python -m benchmarks.retrain [--rows 1000000] [--rounds 3] [--texts]

Both read one CSV file with polars, fit HistGradientBoosting on four fifths of it, measure it on the rest, and keep the
pickle; with --texts, TF-IDF with logistic regression on 100,000 short texts. Of these, both fit the same ones, since
they decide how long a fit takes: logistic regression needs 12 to 44 steps on four random splits. Boosted trees are 100
on any split. Ours also makes the report, signs and stores: once as a model's first version, and once against a
champion, of which it has the same to learn. Prints medians of wall time, CPU time and peak memory, and their ratios to
the script.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).parent.parent
COLUMNS = 20
NUMBERS_SCRIPT = """
import pickle, sys
import polars as pl
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

table = pl.read_csv(sys.argv[1] + "/measured/data.csv")
X, y = table.drop("y").to_numpy(), table["y"].to_numpy()
X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
model = HistGradientBoostingRegressor(random_state=0).fit(X, y)
print(root_mean_squared_error(y_test, model.predict(X_test)))
pickle.dump(model, open(sys.argv[1] + "/script.pkl", "wb"))
"""
TEXTS_SCRIPT = """
import pickle, sys
import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

table = pl.read_csv(sys.argv[1] + "/measured/data.csv")
X, y, held_out = table["text"].to_numpy(), table["y"].to_numpy(), np.load(sys.argv[1] + "/held_out.npy")
vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, max_features=50_000)
model = make_pipeline(vectoriser, LogisticRegression(max_iter=1000, random_state=0)).fit(X[~held_out], y[~held_out])
print(model.score(X[held_out], y[held_out]))
pickle.dump(model, open(sys.argv[1] + "/script.pkl", "wb"))
"""
# By a process of its own: the memory of a parent counts in its children's peaks.
SPLIT = """
import sys
from pathlib import Path
import numpy as np
from predictor.training.dataset import load_dataset
from predictor.training.recipe import read_recipe
np.save(sys.argv[1] + "/held_out.npy", load_dataset(read_recipe(Path(sys.argv[1]), "measured")).held_out)
"""
OURS = """
import sys
from pathlib import Path
from django.conf import settings
from predictor.management.command_line import run_command
settings.MODELS_DIR = Path(sys.argv[1])
run_command(["manage.py", "retrain", "measured", "--force"])
"""
RECIPE = 'title = "Measured"\ntarget = "y"\ndata = "data.csv"\n[estimator]\nclass = '
NUMBERS_RECIPE = f'{RECIPE}"sklearn.ensemble.HistGradientBoostingRegressor"\n'
TEXTS_RECIPE = f'{RECIPE}"sklearn.linear_model.LogisticRegression"\nparams = {{ max_iter = 1000 }}\n'


@dataclass(frozen=True, kw_only=True)
class Run:
    """The cost of one process: wall-clock and CPU seconds, and peak memory in megabytes."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is compared: a table of so many rows, its recipe, and the script that does the same."""

    described: str
    rows: int
    make_table: Callable[[int], pl.DataFrame]
    recipe: str
    script: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--texts", action="store_true", help="short texts instead of numbers")
    options = parser.parse_args()
    case = TEXTS if options.texts else NUMBERS
    rows = options.rows or case.rows
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "measured").mkdir()
        case.make_table(rows).write_csv(Path(folder) / "measured/data.csv")
        (Path(folder) / "measured/model.toml").write_text(case.recipe)
        run_code(SPLIT, folder)
        prepared = make_database(Path(folder), "champion")
        run_ours(folder, prepared)
        runs: dict[str, list[Run]] = {"script": [], "first version": [], "against a champion": []}
        for number in range(options.rounds):
            runs["script"].append(run_code(case.script, folder))
            runs["first version"].append(run_ours(folder, make_database(Path(folder), f"first-{number}")))
            runs["against a champion"].append(run_ours(folder, prepared))
    print_table(f"{rows:,} {case.described}", runs)


def make_database(folder: Path, name: str) -> dict[str, str]:
    """Migrate a new database, and return the environment that names it."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "mlsite.settings",
        "DATABASE_URL": f"sqlite:///{folder}/{name}.sqlite3",
    }
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return environment


def run_ours(folder: str, environment: dict[str, str]) -> Run:
    return run_code(OURS, folder, environment)


def make_numbers(rows: int) -> pl.DataFrame:
    """A table of numbers, whose target is a curved function of some of them with noise."""
    random = np.random.default_rng(0)
    matrix = random.normal(size=(rows, COLUMNS))
    target = matrix[:, 0] * 2 + np.sin(matrix[:, 1] * 3) + matrix[:, 2] * matrix[:, 3] + random.normal(size=rows)
    return pl.DataFrame({f"x{i}": matrix[:, i] for i in range(COLUMNS)} | {"y": target})


def make_texts(rows: int) -> pl.DataFrame:
    """A table of texts of 5 to 30 words by Zipf's law, in two classes that have some words of their own."""
    random = np.random.default_rng(0)
    classes, lengths = random.integers(0, 2, rows), random.integers(5, 31, rows)
    drawn = random.zipf(1.2, lengths.sum()) % 50_000
    # One in eight words is of the class.
    owned = random.random(len(drawn)) < 1 / 8
    drawn = np.where(owned, 50_000 + drawn % 500 + 400 * np.repeat(classes, lengths), drawn)
    words = np.array([f"w{number:x}" for number in range(51_000)], dtype=object)[drawn]
    texts = [" ".join(each) for each in np.split(words, lengths.cumsum()[:-1])]
    return pl.DataFrame({"text": texts, "y": np.where(classes, "yes", "no")})


NUMBERS = Case(
    described=f"rows, {COLUMNS} columns",
    rows=1_000_000,
    make_table=make_numbers,
    recipe=NUMBERS_RECIPE,
    script=NUMBERS_SCRIPT,
)
TEXTS = Case(described="short texts", rows=100_000, make_table=make_texts, recipe=TEXTS_RECIPE, script=TEXTS_SCRIPT)


def run_code(code: str, folder: str, environment: dict[str, str] | None = None) -> Run:
    # A site compiles its modules once, as all libraries are that both use.
    environment = {**(environment or os.environ)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, folder], cwd=ROOT, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        sys.exit("A run failed.")
    return Run(wall=wall, cpu=usage.ru_utime + usage.ru_stime, peak=usage.ru_maxrss / 1024)


def print_table(described: str, runs: dict[str, list[Run]]) -> None:
    print(f"\n{described}; medians of {len(runs['script'])} interleaved rounds")
    print(f"{'':20}{'wall s':>10}{'CPU s':>10}{'peak MB':>10}{'ratios':>24}")
    medians = {
        who: [statistics.median(getattr(run, name) for run in done) for name in ("wall", "cpu", "peak")]
        for who, done in runs.items()
    }
    for who, figures in medians.items():
        ratios = [ours / theirs for ours, theirs in zip(figures, medians["script"], strict=True)]
        print(f"{who:20}" + "".join(f"{figure:10.1f}" for figure in figures) + "".join(f"{r:8.2f}" for r in ratios))


if __name__ == "__main__":
    main()
