"""Retrains one model from its recipe and registers the result: where training and serving meet."""

import logging
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from predictor.candidate import Trained, add_report, blame_recipe, describe_candidate, describe_data
from predictor.exceptions import TrainingError
from predictor.formats import format_number
from predictor.judgement import is_same, judge_challenger
from predictor.models import Outcome, Version
from predictor.own_code import hash_code, read_code
from predictor.provenance import describe_sources, hash_file
from predictor.schema import Schema
from predictor.serving import registry
from predictor.serving.packing import Package

if TYPE_CHECKING:
    from predictor.training.gate import Mode
    from predictor.training.observed import Observed
    from predictor.training.progress import Report

logger = logging.getLogger(__name__)

State = Literal["done", "failed", "untrusted", "kept back"]


@dataclass(frozen=True, kw_only=True)
class Retrained:
    """What one retrain or import did.

    `version` is None where nothing was registered; `rows` counts what it learnt from, None where that is not known;
    `data` says where these came from and `decision` how it was judged, as a version keeps them; where it answers as
    the live version does, nothing was to be decided. `unit` is the target's. In another `state` than "done", nothing
    was trained.
    """

    model: str
    version: int | None
    rows: int | None
    metrics: dict[str, Any]
    promoted: bool
    reason: str
    data: dict[str, Any] = field(default_factory=dict)
    decision: dict[str, Any] = field(default_factory=dict)
    unit: str = ""
    state: State = "done"

    @classmethod
    def without_training(cls, model: str, state: State, reason: str, *, version: int | None = None) -> "Retrained":
        return cls(model=model, version=version, rows=0, metrics={}, promoted=False, reason=reason, state=state)


def retrain_model(
    models_dir: Path,
    slug: str,
    *,
    by: str,
    mode: "Mode" = "if-better",
    force: bool = False,
    replace_untrusted: bool = False,
    dry_run: bool = False,
    data: Path | None = None,
    with_outcomes: bool = False,
    since: datetime | None = None,
    report: "Report",
) -> Retrained:
    """Fit, measure and judge one model, register it, and export its pickle beside the recipe.

    A challenger that answers as the live version does is not even registered, unless with `force`. A live version
    that this process does not trust is replaced only with `replace_untrusted`. `data` is learnt from in place of the
    recipe's own table; `with_outcomes` also from what was recorded of this model's predictions, at or after the moment
    `since` if there is one. Nothing is stored before all of it is made, so that a killed retrain leaves nothing.
    Raises RecipeError, DatasetError or TrainingError.
    """
    observed = find_observed(slug, since, report) if with_outcomes else None
    champion = Version.objects.find_live(slug)
    live = champion.parsed_schema if champion else None
    trained = train_model(models_dir, slug, data=data, observed=observed, live=live, report=report)
    with blame_recipe(trained.recipe):
        candidate = describe_candidate(trained)
    done = register_challenger(
        trained,
        candidate,
        by=by,
        mode=mode,
        force=force,
        replace_untrusted=replace_untrusted,
        dry_run=dry_run,
        report=report,
    )
    if done.version is not None:
        _export_pickle(trained.recipe.folder, candidate.package)
    return done


def register_challenger(
    trained: Trained,
    candidate: registry.Candidate,
    *,
    by: str,
    mode: "Mode",
    force: bool = False,
    replace_untrusted: bool = False,
    dry_run: bool = False,
    report: "Report",
) -> Retrained:
    """Judge what was trained against the version that is live, and register it, by the rules of `retrain_model`."""
    version = None
    while version is None:
        champion = Version.objects.find_live(candidate.model)
        with blame_recipe(trained.recipe):
            if champion and not force and is_same(trained, candidate, champion):
                reason = f"answers as version {champion.number}, which is live: nothing to register"
                return _summarise(candidate, None, promoted=False, reason=reason)
            judgement = judge_challenger(trained, champion, mode, replace_untrusted=replace_untrusted)
        if dry_run:
            return _summarise(
                candidate, None, promoted=False, reason=f"dry run; {judgement.reason}", decision=judgement.decision
            )
        if "seconds" not in candidate.report:
            report(f"{candidate.model}: drawing its report")
            candidate = add_report(trained, candidate)
        if hash_code(trained.recipe.pipeline_file) != candidate.code:
            raise TrainingError(f"{trained.recipe.pipeline_file} was changed during the training: retrain once more.")
        # None when another retrain was promoted meanwhile: then that one is the champion to beat.
        version = registry.register(candidate, judgement, by=by)
    return _summarise(
        candidate, version.number, promoted=judgement.promoted, reason=judgement.reason, decision=judgement.decision
    )


def find_observed(slug: str, since: datetime | None, report: "Report") -> "Observed | None":
    """What is now held to be true of the predictions of all of a model's versions, the first recorded first."""
    from predictor.training.observed import Observed

    current = Outcome.objects.current().filter(prediction__version__model=slug)
    if since is not None:
        current = current.filter(recorded_at__gte=since)
    wanted = ("prediction__inputs", "value", "prediction__version", "recorded_at")
    found = list(current.order_by("id").values_list(*wanted))
    if not found:
        report(f"{slug}: no outcome is recorded{f' since {since:%Y-%m-%d %H:%M} UTC' if since else ''}")
        return None
    inputs, outcomes, versions, moments = (list(each) for each in zip(*found, strict=True))
    names = {
        version.id: version.parsed_schema.target.name for version in Version.objects.filter(model=slug).only("schema")
    }
    targets = [names[version] for version in versions]
    return Observed(inputs=inputs, outcomes=outcomes, targets=targets, since=since, newest=max(moments))


def train_model(
    models_dir: Path,
    slug: str,
    *,
    data: Path | None = None,
    observed: "Observed | None" = None,
    live: Schema | None = None,
    report: "Report",
) -> Trained:
    """Read a recipe, fit its model on its table, or on `data`, and what was observed; measure it, and store nothing.

    What the recipe leaves open stays as it is in `live`, the schema of the live version.
    """
    from predictor.training.dataset import load_dataset
    from predictor.training.recipe import read_recipe

    started = time.perf_counter()
    recipe_sha256 = hash_file(models_dir / slug / "model.toml")
    recipe = read_recipe(models_dir, slug)
    if data is not None:
        recipe = recipe.with_data(data)
    report(f"{slug}: reading {recipe.data}")
    # scikit-learn takes a second or two to import, which one core does while another reads the table.
    with ThreadPoolExecutor(max_workers=1) as beside:
        beside.submit(import_module, "predictor.training.tuning")
        dataset = load_dataset(recipe, observed, live)
    from predictor.training.evaluation import evaluate_model, fit_model
    from predictor.training.gate import check_gate, choose_metric
    from predictor.training.pipeline import build_pipeline
    from predictor.training.tuning import tune_model

    if sources := describe_sources(describe_data(recipe, dataset, observed)):
        report(f"{slug}: {sources}")
    for note in dataset.notes:
        report(f"{slug}: {note}")
    check_gate(recipe, dataset.schema.target.task)
    # Read once: what is signed must be the code that was trained.
    code = read_code(recipe.pipeline_file)
    with blame_recipe(recipe):
        model, tuning = build_pipeline(recipe, dataset.schema, code), None
        if recipe.tune:
            metric = choose_metric(
                recipe, dataset.schema.target.task, has_probabilities=hasattr(model, "predict_proba")
            )
            tuned = tune_model(recipe, model, dataset, metric, report)
            model, tuning = tuned.model, tuned.described
        report(f"{slug}: fitting on {format_number(int(dataset.training.sum()))} rows")
        fit_started = time.perf_counter()
        fitted = fit_model(model, dataset, dataset.training)
        fit_seconds = time.perf_counter() - fit_started
        report(f"{slug}: measuring")
        evaluation = evaluate_model(model, fitted, dataset)
    return Trained(
        recipe=recipe,
        dataset=dataset,
        fitted=fitted,
        evaluation=evaluation,
        share=recipe.holdout,
        code=code.sha256 if code else None,
        tuning=tuning,
        observed=observed,
        started=started,
        fit_seconds=fit_seconds,
        recipe_sha256=recipe_sha256,
    )


def _summarise(
    candidate: registry.Candidate,
    version: int | None,
    *,
    promoted: bool,
    reason: str,
    decision: dict[str, Any] | None = None,
) -> Retrained:
    return Retrained(
        model=candidate.model,
        version=version,
        rows=candidate.data["training_rows"],
        metrics=candidate.metrics,
        promoted=promoted,
        reason=reason,
        data=candidate.data,
        decision=decision or {},
        unit=candidate.schema.target.unit,
    )


def _export_pickle(folder: Path, package: Package) -> None:
    """Put the same bytes beside the recipe, for notebooks: whole or not at all.

    The database has them already, so a folder that cannot be written is no failure of the retrain.
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
