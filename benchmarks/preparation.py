"""Makes the models that systems are compared on: their tables, our recipes, and the trained versions."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.checkouts import ROOT, Checkout

ROWS = 500
# Made-up reviews have as many words as a short message, most of them common ones.
REVIEWS, KNOWN_WORDS, WORDS_EACH = 2_000, 5_000, 20
FOREST = """
title = "Forest"
data = "data.csv"
target = "target"
task = "regression"
holdout = 0
[estimator]
class = "sklearn.ensemble.RandomForestRegressor"
"""
# MODELS_DIR can only be set inside a process; each checkout runs this with its own code.
PREPARE = """
import sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
settings.MODELS_DIR = Path(sys.argv[1])
call_command("migrate", verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)
call_command("retrain", promote="always")
for model in sys.argv[2:]:
    call_command("retrain", model, promote="always", force=True)
"""

IMPORT = """
import sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
recipes, model, file, data, target = sys.argv[1:]
settings.MODELS_DIR = Path(recipes)
call_command("importmodel", model, file, "--data", data, "--target", target, "--trust", "--promote", "always")
"""


def read_tables() -> dict[str, pl.DataFrame]:
    from sklearn.datasets import load_diabetes

    diabetes = load_diabetes(as_frame=True, scaled=False).frame
    return {"line": pl.read_csv(ROOT / "ml_models/line/data.csv"), "forest": pl.DataFrame(dict(diabetes))}


def make_reviews() -> pl.DataFrame:
    """Reviews in words that are as frequent as Zipf's law says, and their stars, which follow from the words."""
    chosen = np.random.default_rng(0)
    letters = chosen.choice(list("abcdefghijklmnopqrstuvwxyz"), (KNOWN_WORDS, 9))
    lengths = chosen.integers(2, 10, KNOWN_WORDS)
    words = np.array(["".join(word[:length]) for word, length in zip(letters, lengths, strict=True)])
    shares = 1 / np.arange(1, KNOWN_WORDS + 1)
    written = chosen.choice(KNOWN_WORDS, (REVIEWS, WORDS_EACH), p=shares / shares.sum())
    stars = 3 + chosen.normal(size=KNOWN_WORDS)[written].mean(axis=1)
    return pl.DataFrame({"review": [" ".join(words[each]) for each in written], "stars": stars.round(3)})


def choose_rows(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The inputs that every system gets, the same in each run."""
    chosen = np.random.default_rng(0)
    return {name: table[:, :-1][chosen.integers(0, len(table), ROWS).tolist()] for name, table in tables.items()}


def write_recipes(folder: Path, root: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Write a recipe and its table for each model; the line is the one that this checkout ships."""
    # As it comes with the site, but trained on all rows, as the peers do.
    recipes = {"line": "holdout = 0\n" + (root / "ml_models/line/model.toml").read_text(), "forest": FOREST}
    for name, table in tables.items():
        (folder / name).mkdir(parents=True)
        table.write_csv(folder / name / "data.csv")
        (folder / name / "model.toml").write_text(recipes[name])


def prepare_site(checkout: Checkout, environment: dict[str, str], recipes: Path, *again: str) -> None:
    """Migrate, collect the static files and train every recipe, some of them a second time; ends where that fails."""
    done = subprocess.run(
        [checkout.python, "-c", PREPARE, recipes, *again],
        cwd=checkout.folder,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "mlsite.settings"} | environment,
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{checkout.title} could not be prepared; the reason stands above.")


def make_key(checkout: Checkout, environment: dict[str, str]) -> str:
    """A key by which the API predicts, made by the site's own command."""
    command = [checkout.python, "manage.py", "createkey", "benchmark", "--scopes", "predict"]
    done = subprocess.run(
        command, cwd=checkout.folder, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def import_reviews(checkout: Checkout, environment: dict[str, str], work: Path) -> None:
    """Import the pipeline of the reviews, fitted as the peers fit it."""
    folder = work / "ours"
    folder.mkdir()
    fit = [checkout.python, ROOT / "benchmarks/peers/train.py", work, folder]
    imported = (work / "recipes", "reviews", folder / "reviews.pkl", work / "reviews.csv", "stars")
    load = [checkout.python, "-c", IMPORT, *imported]
    for command in (fit, load):
        done = subprocess.run(
            command,
            cwd=checkout.folder,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "mlsite.settings"} | environment,
            stdout=sys.stderr,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{checkout.title} could not import the reviews; the reason stands above.")
