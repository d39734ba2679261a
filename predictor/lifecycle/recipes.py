"""Finds recipes, which are folders or rows: a row is written to a temporary folder, and read as a folder is."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from predictor.exceptions import DatasetError, RecipeError, TrainingError
from predictor.files.keeping import spool
from predictor.models import KeptFile, StoredRecipe


@dataclass(frozen=True, kw_only=True)
class RowContent:
    """The text of a model.toml, and the table that it names."""

    slug: str
    toml: str
    table: KeptFile

    @classmethod
    def of(cls, row: StoredRecipe) -> "RowContent":
        return cls(slug=row.model, toml=row.toml, table=row.data_version.file)


def list_recipes(models_dir: Path) -> list[str]:
    """The models that can be trained here, by folders and by rows; imported ones that are only described are not."""
    from predictor.training.description import find_trained

    return sorted({*find_trained(models_dir), *StoredRecipe.objects.in_use().values_list("model", flat=True)})


@contextmanager
def open_recipe(models_dir: Path, slug: str) -> Iterator[Path]:
    """The folder of recipes to read a model's from: `models_dir` or, for a row, a temporary one.

    Raises RecipeError where there is neither, or both.
    """
    row = StoredRecipe.objects.filter(model=slug).select_related("data_version__file").first()
    if row is not None and row.handed_over_at is None:
        refuse_folder(models_dir, slug)
        with open_row(RowContent.of(row)) as place:
            yield place
        return
    if not (models_dir / slug / "model.toml").exists():
        raise RecipeError(explain_missing(models_dir, slug, row), code="no_recipe", model=[slug])
    yield models_dir


@contextmanager
def open_row(content: RowContent) -> Iterator[Path]:
    """A row as a temporary folder of recipes, for the block. Raises RecipeError, also where it is more than allowed.

    Errors of the block that name the folder's files name the row.
    """
    from predictor.training.stored.rules import read_stored

    with tempfile.TemporaryDirectory(prefix="mlsite-recipe-") as temporary:
        place = Path(temporary)
        try:
            write_folder(content, place / content.slug)
            read_stored(place, content.slug)
            yield place
        except (RecipeError, DatasetError, TrainingError) as error:
            raise error.reword(_name_row(str(error), place / content.slug, content)) from error


def write_folder(content: RowContent, folder: Path) -> None:
    """Write a row as a folder. Raises OSError, RecipeError, DatasetError, FileGone."""
    from predictor.training.stored.rules import read_data_name

    folder.mkdir()
    (folder / "model.toml").write_text(content.toml, encoding="utf-8", newline="\n")
    spool(content.table, folder / read_data_name(folder))


def _name_row(problem: str, folder: Path, content: RowContent) -> str:
    named = problem.replace(str(folder / "model.toml"), f"the recipe of {content.slug} in the database")
    return re.sub(rf"{re.escape(str(folder))}/data(\.[a-z]+)+", lambda found: content.table.name, named)


def refuse_folder(models_dir: Path, slug: str) -> None:
    """Raise RecipeError where a model that is a row has a folder, too."""
    folder = models_dir / slug
    if folder.exists():
        keep = f"`manage.py exportrecipe {slug} FOLDER`, which writes the row to another one"
        problem = f"{slug} has two recipes, the folder {folder} and a row of the database"
        raise RecipeError(f"{problem}: remove the folder or, to go by it, run {keep}.")


def explain_missing(models_dir: Path, slug: str, row: StoredRecipe | None) -> str:
    file = models_dir / slug / "model.toml"
    if row is not None and row.handed_over_at is not None:
        when, undo = f"{row.handed_over_at:%Y-%m-%d %H:%M} UTC", f"`manage.py exportrecipe {slug} --undo`"
        return f"{file} was not found: the recipe was exported on {when}. Put its folder there, or run {undo}."
    known = ", ".join(list_recipes(models_dir)) or "none yet"
    return f"{file} was not found; the recipes here are: {known}."
