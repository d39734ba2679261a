"""Makes a model of an uploaded table: proposes its recipe, and trains it; the recipe is then a row."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from predictor.exceptions import RecipeError
from predictor.lifecycle.data_versions import measure_table, open_table, store_data_version
from predictor.lifecycle.recipes import RowContent, explain_missing, open_row
from predictor.lifecycle.registration import Registered
from predictor.lifecycle.retraining import RetrainRequest, retrain_from
from predictor.models import KeptFile, StoredRecipe, Version

if TYPE_CHECKING:
    from predictor.training.progress import Progress
    from predictor.training.stored.proposal import Columns, Proposal


def check_place(models_dir: Path, slug: str) -> None:
    """Raise RecipeError unless a model of this name may be made from an upload, or be made anew."""
    from predictor.training.recipe import check_slug

    if not settings.MODELS_FROM_UPLOADS:
        raise RecipeError("Models from uploads are switched off: set MODELS_FROM_UPLOADS=on, and restart the worker.")
    check_slug(slug, Path(slug), is_new=not Version.objects.filter(model=slug).exists())
    folder, row = models_dir / slug, StoredRecipe.objects.filter(model=slug).first()
    if folder.exists():
        raise RecipeError(f"{slug} has a folder, {folder}: choose another name, or change the recipe there.")
    if row is not None and row.handed_over_at is not None:
        raise RecipeError(explain_missing(models_dir, slug, row))
    if row is None and Version.objects.filter(model=slug).exists():
        raise RecipeError(f"{slug} is a model already, whose recipe is elsewhere: choose another name.")


def propose_upload(models_dir: Path, slug: str, file: KeptFile, target: str | None) -> "Columns | Proposal":
    """The columns of a kept table or, for a target, a recipe. Raises RecipeError, DatasetError or FileGone."""
    from predictor.training.stored.proposal import list_columns, propose_recipe

    check_place(models_dir, slug)
    with open_table(file) as table:
        return list_columns(table) if target is None else propose_recipe(slug, table, target)


def train_upload(
    models_dir: Path, request: RetrainRequest, content: dict[str, Any], file: KeptFile, progress: "Progress"
) -> Registered:
    """Train by the content of a recipe on a kept table, and store both as the model's row with its version.

    `request.on_registered` is called in that transaction, also where no version is registered. Nothing is stored where
    it fails. Raises RecipeError, DatasetError, TrainingError or FileGone.
    """
    from predictor.tables.table import name_ending
    from predictor.training.writing import write_recipe

    check_place(models_dir, request.slug)
    with open_table(file) as table:
        toml = write_recipe({**content, "data": f"data{name_ending(table)}"})
    measured = measure_table(file)

    def store(registered: Registered) -> None:
        data_version = store_data_version(request.slug, file, request.by, measured)
        described = {"toml": toml, "made_by": request.by, "made_at": timezone.now()}
        StoredRecipe.objects.update_or_create(model=request.slug, defaults={"data_version": data_version, **described})
        if request.on_registered is not None:
            request.on_registered(registered)

    with open_row(RowContent(slug=request.slug, toml=toml, table=file)) as place:
        registered = retrain_from(place, replace(request, on_registered=store), progress, exports=False)
    if registered.version is None:
        with transaction.atomic():
            store(registered)
    return registered
