"""Writes recipe folders, for tests of what is made from them."""

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
