"""Writes recipe folders, for tests of what is made from them."""

import re
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from predictor.training.recipe import read_recipe

LINE = """
title = "A line"
target = "y"
data = "data.csv"
"""
LINE_CSV = "x,y\n" + "".join(f"{i / 10},{2 * i / 10 + 1}\n" for i in range(100))


def write_recipe(tmp_path, slug="line", toml=LINE, csv=LINE_CSV):
    """Write one recipe and its table, both text or bytes, and return the folder of all recipes."""
    folder = tmp_path / "ml_models" / slug
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {"model.toml": toml, "data.csv": csv}.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder.parent


def make_recipe(tmp_path, slug="line", **files):
    """Write a recipe as `write_recipe` does, and read it."""
    return read_recipe(write_recipe(tmp_path, slug, **files), slug)


def write_line(models_dir, noise, slope=2.0, seed=0):
    """A table of 400 rows whose x are always the same, so that the same rows are held out."""
    chosen = np.random.default_rng(seed)
    xs = np.linspace(0, 10, 400).round(3)
    ys = slope * xs + 3 + chosen.normal(0, noise, 400)
    rows = "".join(f"{x},{y:.4f}\n" for x, y in zip(xs, ys, strict=True))
    (models_dir / "line/data.csv").write_text("x,y\n" + rows)


def use_estimator(models_dir, path):
    recipe = models_dir / "line/model.toml"
    recipe.write_text(re.sub('class = ".*"', f'class = "{path}"', recipe.read_text()))


def make_dates(rows=300, seed=0):
    """A table whose target depends on the weekday, the month and the hour."""
    chosen = np.random.default_rng(seed).integers(0, 700 * 24 * 60, rows)
    moments = [datetime(2023, 1, 1) + timedelta(minutes=int(each)) for each in chosen]
    return pl.DataFrame(
        {
            "day": [each.date() for each in moments],
            "start": moments,
            "clock": [each.time() for each in moments],
            "y": [10.0 * (each.weekday() > 4) + each.month + each.hour / 2 for each in moments],
        }
    )
