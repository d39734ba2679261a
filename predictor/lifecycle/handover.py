"""Hands a recipe that is a row over to a folder, and takes it back."""

import tempfile
from pathlib import Path

from django.utils import timezone

from predictor.exceptions import RecipeError
from predictor.lifecycle.recipes import RowContent, write_folder
from predictor.models import StoredRecipe


def export_recipe(slug: str, folder: Path, *, hands_over: bool) -> None:
    """Write a row as a folder, whole or not at all; unless it is a copy, the folder then takes the row's place.

    Raises RecipeError, DatasetError or FileGone.
    """
    row = find_row(slug)
    if folder.exists() or folder.is_symlink():
        raise RecipeError(f"{folder} already exists: choose another folder, or remove it.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".export-", dir=folder.parent) as temporary:
            made = Path(temporary) / slug
            write_folder(RowContent.of(row), made)
            made.rename(folder)
    except OSError as error:
        raise RecipeError(f"{folder} cannot be created: {error.strerror}.") from error
    if hands_over:
        StoredRecipe.objects.filter(pk=row.pk).update(handed_over_at=timezone.now())


def take_back(slug: str) -> None:
    """Use a row again that was handed over. Raises RecipeError."""
    StoredRecipe.objects.filter(pk=find_row(slug).pk).update(handed_over_at=None)


def find_row(slug: str) -> StoredRecipe:
    """Raises RecipeError."""
    row = StoredRecipe.objects.filter(model=slug).select_related("data_version__file").first()
    if row is None:
        known = ", ".join(StoredRecipe.objects.values_list("model", flat=True)) or "none yet"
        raise RecipeError(f"{slug} has no recipe in the database; those there are: {known}.")
    return row
