"""Retrains one model from its recipe and registers the result: where training and serving meet."""

import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from predictor.exceptions import ArtifactError
from predictor.models import Version
from predictor.profile import describe_training
from predictor.schema import Schema
from predictor.serving import registry
from predictor.serving.artifact import dump_pickle
from predictor.serving.runtime import load_runtime

if TYPE_CHECKING:
    from predictor.training.dataset import Dataset
    from predictor.training.evaluation import Evaluation
    from predictor.training.recipe import Recipe

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Retrained:
    """What one retrain did. `version` is None where nothing was registered; `rows` counts what it learnt from."""

    model: str
    version: int | None
    rows: int
    metrics: dict[str, Any]
    promoted: bool
    reason: str


def retrain_model(
    models_dir: Path, slug: str, *, by: str, dry_run: bool = False, report: Callable[[str], None]
) -> Retrained:
    """Fit, measure, register and promote one model, then export its pickle beside the recipe.

    Nothing is stored before all of it is made, so that a killed retrain leaves nothing. Raises RecipeError,
    DatasetError or TrainingError.
    """
    # scikit-learn takes two seconds to import, which `manage.py help` need not wait for.
    from predictor.training.dataset import load_dataset
    from predictor.training.evaluation import evaluate_model, fit_model
    from predictor.training.pipeline import build_pipeline
    from predictor.training.recipe import read_recipe

    recipe = read_recipe(models_dir, slug)
    report(f"{slug}: reading {recipe.data}")
    dataset = load_dataset(recipe)
    if dataset.left_out:
        report(f"{slug}: {dataset.left_out} rows without a {recipe.target} are left out")
    model = build_pipeline(recipe, dataset.schema)
    report(f"{slug}: fitting on {dataset.training.sum()} rows")
    fitted = fit_model(model, dataset, dataset.training)
    report(f"{slug}: measuring")
    evaluation = evaluate_model(model, fitted, dataset)
    candidate = _describe_candidate(recipe, dataset, fitted, evaluation)
    rows = candidate.data["training_rows"]
    if dry_run:
        return Retrained(
            model=slug, version=None, rows=rows, metrics=candidate.metrics, promoted=False, reason="dry run"
        )
    version = registry.register(candidate, by=by, reason="retrained")
    _export_pickle(recipe.folder, candidate.pickled)
    return Retrained(
        model=slug, version=version.number, rows=rows, metrics=candidate.metrics, promoted=True, reason="retrained"
    )


def needs_version(slug: str) -> bool:
    """Whether a model has no live version that this build can load."""
    live = Version.objects.live().filter(model=slug).first()
    if live is None:
        return True
    try:
        load_runtime(live)
    except ArtifactError as error:
        logger.warning("%s is live but cannot be loaded: %s", live, error)
        return True
    return False


def _describe_candidate(
    recipe: "Recipe", dataset: "Dataset", fitted: Any, evaluation: "Evaluation"
) -> registry.Candidate:
    training = dataset.training
    return registry.Candidate(
        model=recipe.slug,
        title=recipe.title,
        description=recipe.description,
        estimator=str(fitted),
        schema=dataset.schema,
        metrics={
            "method": evaluation.method,
            "rows": evaluation.rows,
            "scores": evaluation.scores,
            "baseline": evaluation.baseline,
        },
        profile=describe_training(
            dataset.schema,
            dataset.matrix[training],
            dataset.target[training],
            fitted.predict,
            show_data=recipe.show_data,
            seed=recipe.seed,
        ),
        split=_describe_split(recipe, dataset.schema),
        data={
            "file": recipe.data,
            "sha256": dataset.sha256,
            "training_rows": int(training.sum()),
            "held_out_rows": int(dataset.held_out.sum()),
            "rows_without_target": dataset.left_out,
        },
        pickled=dump_pickle(fitted),
    )


def _describe_split(recipe: "Recipe", schema: Schema) -> dict[str, Any]:
    return {"names": sorted(schema.names), "share": recipe.holdout}


def _export_pickle(folder: Path, pickled: bytes) -> None:
    """Put the same bytes beside the recipe, for notebooks: whole or not at all.

    The database has them already, so a folder that cannot be written is no failure of the retrain.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".model.pkl.", delete=False) as file:
            try:
                file.write(pickled)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(folder / "model.pkl")
            except OSError:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        logger.warning("%s was not written: %s", folder / "model.pkl", error)
