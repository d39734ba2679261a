"""Reads a model.toml without data, which describes a model that is imported: its words, its units and its output."""

from pathlib import Path
from typing import Annotated, Any

import msgspec

from predictor.exceptions import RecipeError
from predictor.schema.output import Output
from predictor.training.feature_recipe import FeatureRecipe, Text
from predictor.training.recipe import Access, ExampleRecipe, GateRecipe, convert_described, find_slugs, read_content
from predictor.training.schedule_recipe import ScheduleRecipe
from predictor.training.toml import convert_table
from predictor.training.translations import TranslationRecipe


class Description(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model.toml that only describes."""

    title: Annotated[Text, msgspec.Meta(min_length=1, max_length=200)] | None = None
    description: Text = ""
    target: Text | None = None
    show_data: bool = False
    gate: GateRecipe = GateRecipe()
    output: Output = Output()
    order: list[Text] = []
    examples: list[ExampleRecipe] = []
    embed_origins: list[Text] | None = None
    access: Access | None = None
    schedule: ScheduleRecipe = ScheduleRecipe()
    features: dict[str, FeatureRecipe] = {}
    translations: dict[str, TranslationRecipe] = {}


def find_description(models_dir: Path, slug: str) -> Description | None:
    """Read the description of a model; None where there is no model.toml, or one to train by. Raises RecipeError."""
    file = models_dir / slug / "model.toml"
    if not file.exists():
        return None
    content = read_content(models_dir, slug)
    if not is_description(content):
        return None
    described = convert_described(file, content)
    return msgspec.structs.replace(convert_table(file, "", content, Description), **described)


def is_description(content: dict[str, Any]) -> bool:
    """Whether a model.toml describes something, and names neither a table nor anything that is trained."""
    return not content.keys() & {"data", "estimator", "tune"} and bool(content.keys() & {"features", "output"})


def find_trained(models_dir: Path) -> list[str]:
    """List the folders whose model.toml is to be trained by; one that cannot be read is among them, to be reported."""
    return [slug for slug in find_slugs(models_dir) if not _only_describes(models_dir, slug)]


def _only_describes(models_dir: Path, slug: str) -> bool:
    try:
        return is_description(read_content(models_dir, slug))
    except RecipeError:
        return False
