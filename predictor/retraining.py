"""Retrains one model from its recipe and registers the result: where training and serving meet."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django.db

from predictor.exceptions import (
    ArtifactError,
    CannotCompare,
    DamagedArtifact,
    MlsiteError,
    TrainingError,
    WrongCode,
    WrongLibraries,
)
from predictor.models import Version
from predictor.own_code import hash_code
from predictor.profile import describe_training
from predictor.serving import registry
from predictor.serving.artifact import dump_pickle, find_libraries
from predictor.serving.runtime import load_runtime

if TYPE_CHECKING:
    from predictor.training.contest import Champion
    from predictor.training.dataset import Dataset
    from predictor.training.evaluation import Evaluation
    from predictor.training.gate import Decision, Mode
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


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A recipe carried out, but nowhere stored: the fitted estimator and all that it is judged by."""

    recipe: "Recipe"
    dataset: "Dataset"
    fitted: Any
    evaluation: "Evaluation"
    code: str | None


def retrain_model(
    models_dir: Path,
    slug: str,
    *,
    by: str,
    mode: "Mode" = "always",
    force: bool = False,
    dry_run: bool = False,
    report: Callable[[str], None],
) -> Retrained:
    """Fit, measure and judge one model, register it, and export its pickle beside the recipe.

    With `mode` "if-better", a challenger that answers as the live version does is not even registered, unless
    with `force`. Nothing is stored before all of it is made, so that a killed retrain leaves nothing. Raises
    RecipeError, DatasetError or TrainingError.
    """
    trained = train_model(models_dir, slug, report=report)
    with _blame_recipe(trained.recipe):
        candidate = describe_candidate(trained)
    version = None
    while version is None:
        champion = Version.objects.find_live(slug)
        with _blame_recipe(trained.recipe):
            if champion and mode == "if-better" and not force and _is_same(trained, candidate, champion):
                reason = f"answers as version {champion.number}, which is live: nothing to register"
                return _summarise(candidate, None, promoted=False, reason=reason)
            judgement = judge_challenger(trained, champion, mode)
        if dry_run:
            return _summarise(candidate, None, promoted=False, reason=f"dry run; {judgement.reason}")
        if hash_code(trained.recipe.pipeline_file) != candidate.code:
            raise TrainingError(f"{trained.recipe.pipeline_file} was changed during the training: retrain once more.")
        # None when another retrain was promoted meanwhile: then that one is the champion to beat.
        version = registry.register(candidate, judgement, by=by)
    _export_pickle(trained.recipe.folder, candidate.pickled)
    return _summarise(candidate, version.number, promoted=judgement.promoted, reason=judgement.reason)


def train_model(models_dir: Path, slug: str, *, report: Callable[[str], None]) -> Trained:
    """Read a recipe, fit its model and measure it; nothing is stored."""
    # scikit-learn takes two seconds to import, which `manage.py help` need not wait for.
    from predictor.training.dataset import load_dataset
    from predictor.training.evaluation import evaluate_model, fit_model
    from predictor.training.gate import check_gate
    from predictor.training.pipeline import build_pipeline
    from predictor.training.recipe import read_recipe

    recipe = read_recipe(models_dir, slug)
    report(f"{slug}: reading {recipe.data}")
    dataset = load_dataset(recipe)
    for note in dataset.notes:
        report(f"{slug}: {note}")
    check_gate(recipe, dataset.schema.target.task)
    # Before it is imported: what is signed must be the code that was trained.
    code = hash_code(recipe.pipeline_file)
    with _blame_recipe(recipe):
        model = build_pipeline(recipe, dataset.schema)
        report(f"{slug}: fitting on {dataset.training.sum()} rows")
        fitted = fit_model(model, dataset, dataset.training)
        report(f"{slug}: measuring")
        evaluation = evaluate_model(model, fitted, dataset)
    return Trained(recipe=recipe, dataset=dataset, fitted=fitted, evaluation=evaluation, code=code)


@contextmanager
def _blame_recipe(recipe: "Recipe") -> Iterator[None]:
    """Whatever an estimator raises when it is built, fitted, asked or pickled is about its recipe.

    So it becomes a TrainingError that names the file, and the other models are still trained.
    """
    try:
        yield
    except TrainingError as error:
        raise TrainingError(f"{recipe.file}: estimator: {error}") from error
    except (MlsiteError, django.db.Error):
        raise
    except (Exception, SystemExit) as error:
        said = str(error).strip().partition("\n")[0] or "no reason given"
        raise TrainingError(f"{recipe.file}: estimator: {type(error).__name__}: {said}") from error


def judge_challenger(trained: Trained, champion: Version | None, mode: "Mode") -> registry.Judgement:
    """Hold what was trained against the live version; `mode` may overrule what comes out, but not hide it."""
    decision = _decide(trained, champion)
    promoted, reason = decision.promoted, decision.reason
    if mode != "if-better" and promoted != (mode == "always"):
        promoted, reason = mode == "always", f"as told: {mode}; else {reason}"
    return registry.Judgement(
        promoted=promoted,
        reason=reason,
        champion_id=champion.id if champion else None,
        decision={**decision.to_json(), "promoted": promoted, "reason": reason},
    )


def _decide(trained: Trained, champion: Version | None) -> "Decision":
    from predictor.training import gate
    from predictor.training.contest import hold_contest

    recipe, evaluation = trained.recipe, trained.evaluation
    task = trained.dataset.schema.target.task
    metric = gate.choose_metric(recipe, task, has_probabilities="log_loss" in evaluation.scores)
    judged = (recipe.gate, evaluation.scores, evaluation.baseline, metric)
    if champion is None:
        is_first = not Version.objects.filter(model=recipe.slug).exists()
        return gate.decide_unopposed(*judged, why="the first version" if is_first else "no version was live")
    try:
        theirs = _read_champion(champion)
    except (WrongLibraries, WrongCode, DamagedArtifact) as error:
        # No process that starts with this build can serve it, so that there is nothing to be better than.
        return gate.decide_unopposed(*judged, why=f"version {champion.number} is live but cannot be loaded: {error}")
    except ArtifactError as error:
        # More likely this process has the wrong key than all others: what they serve is left alone.
        return gate.refuse_comparison(f"version {champion.number} is not trusted: {error}", champion=champion.number)
    try:
        contest = hold_contest(trained.dataset, recipe.holdout, trained.fitted, theirs, metric)
    except CannotCompare as error:
        return gate.refuse_comparison(str(error), champion=champion.number)
    return gate.decide_contest(recipe.gate, evaluation.scores, contest, champion=champion.number, seed=recipe.seed)


def _read_champion(version: Version) -> "Champion":
    from predictor.training.contest import Champion

    runtime = load_runtime(version)
    return Champion(
        number=version.number,
        schema=runtime.schema,
        names=version.split["names"],
        share=version.split["share"],
        estimator=runtime.estimator,
    )


def _is_same(trained: Trained, candidate: registry.Candidate, champion: Version) -> bool:
    """Whether the live version says the same of itself and answers the same for every row of the table."""
    from predictor.training.evaluation import answer_rows

    described = ("title", "description", "estimator", "split", "data", "libraries")
    if any(getattr(candidate, name) != getattr(champion, name) for name in described):
        return False
    try:
        runtime = load_runtime(champion)
    except ArtifactError:
        return False
    if runtime.schema != candidate.schema:
        return False
    classes = len(candidate.schema.target.classes)
    ours, theirs = (answer_rows(e, trained.dataset.matrix, classes) for e in (trained.fitted, runtime.estimator))
    return ours.equals(theirs)


def _summarise(candidate: registry.Candidate, version: int | None, *, promoted: bool, reason: str) -> Retrained:
    return Retrained(
        model=candidate.model,
        version=version,
        rows=candidate.data["training_rows"],
        metrics=candidate.metrics,
        promoted=promoted,
        reason=reason,
    )


def needs_version(slug: str) -> bool:
    """Whether a model has no live version that this build can load."""
    live = Version.objects.find_live(slug)
    if live is None:
        return True
    try:
        load_runtime(live)
    except ArtifactError as error:
        logger.warning("%s is live but cannot be loaded: %s", live, error)
        return True
    return False


def describe_candidate(trained: Trained) -> registry.Candidate:
    recipe, dataset, fitted, evaluation = trained.recipe, trained.dataset, trained.fitted, trained.evaluation
    training = dataset.training
    return registry.Candidate(
        model=recipe.slug,
        title=recipe.title,
        description=recipe.description,
        estimator=str(fitted),
        schema=dataset.schema,
        libraries=find_libraries(),
        code=trained.code,
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
        split={"names": sorted(dataset.schema.names), "share": recipe.holdout},
        data={
            "file": recipe.data,
            "sha256": dataset.sha256,
            "training_rows": int(training.sum()),
            "held_out_rows": int(dataset.held_out.sum()),
            "rows_without_target": dataset.left_out,
        },
        pickled=dump_pickle(fitted),
    )


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
