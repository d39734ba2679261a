"""The keys that a stored recipe may have: those of a folder's that reach neither files nor other sites."""

import re
from pathlib import Path
from typing import Any

from predictor.exceptions import RecipeError
from predictor.texts import clip, list_names
from predictor.training.recipe import Recipe, read_content, read_recipe
from predictor.training.stored.allowlist import check_estimator

# By key, the most characters of a text; None for what is bounded by the folder's own rules.
KEYS: dict[str, int | None] = {
    "title": 200,
    "description": 2_000,
    "data": None,
    "target": 1_000,
    "task": None,
    "target_transform": None,
    "interval": None,
    "holdout": None,
    "access": None,
    "estimator": None,
    "output": None,
    "features": None,
}
FEATURE_KEYS: dict[str, int | None] = {
    "label": 200,
    "kind": None,
    "unit": 50,
    "help": 500,
    "missing": None,
    "merge": None,
    "labels": None,
    "exclude": None,
    "sensitive": None,
}
OUTPUT_KEYS: dict[str, int | None] = {"minimum": None, "maximum": None, "decimals": None}
MOST_FEATURES, MOST_BYTES = 1_000, 1_000_000
# What the table is called next to an exported recipe.
DATA = re.compile(r"data(\.[a-z]{1,8}){1,2}")


def read_stored(models_dir: Path, slug: str) -> Recipe:
    """Read and check a stored recipe that was written to `models_dir`, as a folder's, and more strictly.

    Raises RecipeError, naming the key and what would be right.
    """
    file = models_dir / slug / "model.toml"
    read_data_name(file.parent)
    if file.stat().st_size > MOST_BYTES:
        raise RecipeError(f"{file}: has more than {MOST_BYTES} bytes: leave some columns out.")
    _check_content(file, read_content(models_dir, slug))
    recipe = read_recipe(models_dir, slug)
    if recipe.estimator is None:
        raise recipe.error("estimator", "is missing")
    check_estimator(file, recipe.estimator)
    return recipe


def read_data_name(folder: Path) -> str:
    """The name of the table next to a stored recipe in its folder; raises RecipeError for a path."""
    name = read_content(folder.parent, folder.name).get("data")
    if not isinstance(name, str) or not DATA.fullmatch(name):
        raise RecipeError(f"{folder / 'model.toml'}: data: must be a name such as data.csv, not {clip(repr(name))}.")
    return name


def _check_content(file: Path, content: dict[str, Any]) -> None:
    _check_keys(file, "", content, KEYS)
    features = content.get("features", {})
    if isinstance(features, dict):  # Else the folder's own rules say so.
        if len(features) > MOST_FEATURES:
            raise RecipeError(f"{file}: features: {len(features)} columns are more than {MOST_FEATURES}.")
        for name, given in features.items():
            _check_keys(file, f"features.{clip(name)}.", given, FEATURE_KEYS)
    _check_keys(file, "output.", content.get("output", {}), OUTPUT_KEYS)


def _check_keys(file: Path, where: str, content: Any, allowed: dict[str, int | None]) -> None:
    for key, value in content.items() if isinstance(content, dict) else ():
        if key not in allowed:
            problem = f"a recipe from an upload may have {list_names(list(allowed))}: export it to a folder for others"
            raise RecipeError(f"{file}: {where}{clip(key)}: {problem}.")
        most = allowed[key]
        if most is not None and isinstance(value, str) and len(value) > most:
            raise RecipeError(f"{file}: {where}{key}: may have at most {most} characters, not {len(value)}.")
