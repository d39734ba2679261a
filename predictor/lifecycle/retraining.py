"""Retrains one model from its recipe and registers the result: where training and the registry meet."""

import logging
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from django.db.models import Count, Max

from predictor.exceptions import RecipeError
from predictor.lifecycle.candidate import blame_recipe, describe_candidate, describe_data
from predictor.lifecycle.data_versions import hold_while_registered, open_table
from predictor.lifecycle.last_table import find_last_table
from predictor.lifecycle.recipes import open_recipe
from predictor.lifecycle.registration import Registered, RegistrationRequest, register_challenger
from predictor.models import DataVersion, Outcome, Version
from predictor.record.data_changes import DataChanges
from predictor.record.provenance import describe_sources, hash_file
from predictor.record.source import TrainedSource
from predictor.record.written_data_changes import write_data_changes
from predictor.registry.candidate import Candidate
from predictor.registry.packing import Package
from predictor.schema.schema import Schema

if TYPE_CHECKING:
    from predictor.training.dataset import Dataset
    from predictor.training.fitting import Trained
    from predictor.training.observed import Observed
    from predictor.training.progress import Progress
    from predictor.training.recipe import Recipe
    from predictor.training.table_changes import LastTable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RetrainRequest(RegistrationRequest):
    """Which model to retrain, and on what.

    `data`, or the uploaded `data_version`, takes the place of the recipe's own table; `with_outcomes` also trains on
    what was recorded of the model's predictions, at or after the moment `since` if there is one. The Dask cluster of
    `scheduler` carries out the fits that do not depend on each other.
    """

    slug: str
    data: Path | None = None
    data_version: DataVersion | None = None
    with_outcomes: bool = False
    since: datetime | None = None
    scheduler: str = ""

    @property
    def has_own_table(self) -> bool:
        return self.data is not None or self.data_version is not None


def retrain_model(models_dir: Path, request: RetrainRequest, progress: "Progress") -> Registered:
    """Fit, measure and judge one model, register it, and export its pickle next to the recipe.

    Nothing is stored before all of it is made, so that a killed retrain leaves nothing. Raises RecipeError,
    DatasetError or TrainingError.
    """
    from predictor.training.recipe import check_slug

    is_new = not Version.objects.filter(model=request.slug).exists()
    check_slug(request.slug, models_dir / request.slug / "model.toml", is_new=is_new)
    with open_recipe(models_dir, request.slug) as place:
        return retrain_from(place, request, progress, exports=place == models_dir)


def retrain_from(place: Path, request: RetrainRequest, progress: "Progress", *, exports: bool) -> Registered:
    """Retrain by the recipe in a folder of recipes; with `exports`, its pickle is written there."""
    if request.data_version is None:
        return _retrain(place, request, progress, exports=exports)
    with open_table(request.data_version.file) as table:
        held = hold_while_registered(request.data_version, request.on_registered)
        return _retrain(place, replace(request, data=table, on_registered=held), progress, exports=exports)


def _retrain(place: Path, request: RetrainRequest, progress: "Progress", *, exports: bool) -> Registered:
    observed = find_observed(request.slug, request.since, progress) if request.with_outcomes else None
    champion = Version.objects.find_live(request.slug)
    live = champion.parsed_schema if champion else None
    last = find_last_table(request.slug)
    from predictor.cluster.training import train_on_cluster

    with train_on_cluster(request.scheduler):
        trained = train_model(
            place, request.slug, data=request.data, observed=observed, live=live, last=last, progress=progress
        )
    with blame_recipe(trained.recipe):
        candidate = name_table(describe_candidate(trained), request.data_version)
    done = register_challenger(trained, candidate, request, progress)
    if exports and done.version is not None:
        _export_pickle(trained.recipe.folder, candidate.package)
    return done


def name_table(candidate: Candidate, version: DataVersion | None) -> Candidate:
    """The same candidate, whose rows came from an uploaded table."""
    if version is None or not isinstance(candidate.data, TrainedSource):
        return candidate
    named = msgspec.structs.replace(candidate.data, file=version.file.name, data_version=version.pk)
    return replace(candidate, data=named)


def find_observed(slug: str, since: datetime | None, progress: "Progress") -> "Observed | None":
    """The current outcomes of the predictions of all of a model's versions; None where there are none."""
    from predictor.training.observed import Observed

    recorded = Outcome.objects.of_model(slug).since(since)
    known = recorded.current().aggregate(found=Count("id"), last=Max("id"), newest=Max("recorded_at"))
    if not known["found"]:
        progress(f"{slug}: no outcome is recorded{f' since {since:%Y-%m-%d %H:%M} UTC' if since else ''}")
        return None
    targets = Version.objects.name_targets(slug)
    rows = recorded.current_at(known["last"]).list_for_training()
    return Observed(
        rows=((inputs, value, targets[version]) for inputs, value, version in rows),
        found=known["found"],
        since=since,
        newest=known["newest"],
    )


def train_model(
    models_dir: Path,
    slug: str,
    *,
    data: Path | None = None,
    observed: "Observed | None" = None,
    live: Schema | None = None,
    last: "LastTable | None" = None,
    progress: "Progress",
) -> "Trained":
    """Carry out a recipe on its table, or on `data`, and on what was observed; store nothing.

    What the recipe leaves open stays as it is in `live`, the schema of the live version. The table is compared with the
    `last` one, by the recipe's contract.
    """
    from predictor.training.dataset import load_dataset
    from predictor.training.description import find_description
    from predictor.training.recipe import read_recipe
    from predictor.training.reports.canvas import import_matplotlib

    file = models_dir / slug / "model.toml"
    if find_description(models_dir, slug) is not None:
        problem = "data: is missing: write data, and train it here; without data, it describes a model for importmodel"
        raise RecipeError(f"{file}: {problem}.")
    started, recipe_sha256 = time.perf_counter(), hash_file(file)
    recipe = read_recipe(models_dir, slug)
    recipe = recipe if data is None else recipe.with_data(data)
    progress(f"{slug}: reading {recipe.data_name}")
    # scikit-learn takes a second or two to import, which one core does while another reads the table.
    with ThreadPoolExecutor(max_workers=1) as importing:
        importing.submit(import_module, "predictor.training.fitting")
        importing.submit(import_matplotlib)
        dataset = load_dataset(recipe, observed, live)
        # After a small table, matplotlib waits until there is a report to draw.
        importing.shutdown(cancel_futures=True)
    from predictor.training.fitting import fit_recipe
    from predictor.training.memory import check_memory

    sources = describe_sources(describe_data(recipe, dataset, observed))
    for note in [*([sources] if sources else []), *dataset.notes]:
        progress(f"{slug}: {note}")
    changes = _compare(recipe, dataset, last, progress) if last else None
    with blame_recipe(recipe), _choose_cluster(recipe, progress):
        check_memory(recipe, dataset)
        trained = fit_recipe(recipe, dataset, observed, progress, started=started, recipe_sha256=recipe_sha256)
    return replace(trained, data_changes=changes)


def _choose_cluster(recipe: "Recipe", progress: "Progress") -> AbstractContextManager[None]:
    """Fit on the cluster that was asked for, if any, but not what a recipe's own code defines: a worker has it not."""
    from predictor.training.dispatch import find_cluster, use_cluster

    cluster = find_cluster()
    if cluster is not None and recipe.pipeline_file.exists():
        progress(f"{recipe.slug}: has a pipeline.py, which is not sent to a cluster: it is trained here")
        cluster = None
    return use_cluster(cluster)


def _compare(recipe: "Recipe", dataset: "Dataset", last: "LastTable", progress: "Progress") -> DataChanges:
    """Say how a table differs from the last one. Raises DatasetError where the recipe's contract refuses that."""
    from predictor.training.data_contract import check_contract
    from predictor.training.table_changes import compare_tables

    changes = compare_tables(recipe, dataset, last)
    for line in write_data_changes(changes, dataset.schema):
        progress(f"{recipe.slug}: {line}")
    check_contract(recipe, changes, dataset.schema)
    return changes


def _export_pickle(folder: Path, package: Package) -> None:
    """Put the same bytes next to the recipe, for notebooks: whole or not at all.

    The database has them already, so the retrain has not failed where the folder cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".model.pkl.", delete=False) as file:
            try:
                file.writelines(package.unpack())
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(folder / "model.pkl")
            except OSError:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        logger.warning("%s was not written: %s", folder / "model.pkl", error)
