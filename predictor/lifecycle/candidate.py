"""Describes what a retrain or an import has made: all that will be stored of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import django.db
import msgspec

from predictor.exceptions import MlsiteError, ModelTooLarge, TrainingError
from predictor.record.background import BACKGROUND, write_background
from predictor.record.estimator import leave_out_addresses
from predictor.record.interval import MeasuredInterval
from predictor.record.loss_model import LOSS_MODEL, write_loss_model
from predictor.record.measurement import Measurement
from predictor.record.reference import REFERENCE, write_reference
from predictor.record.report import Compilation, Report, SkippedCompilation
from predictor.record.source import TrainedSource, UsedOutcomes
from predictor.record.split import Split
from predictor.record.table_summary import TABLE, write_summary
from predictor.registry.artifact import find_libraries
from predictor.registry.candidate import Candidate
from predictor.registry.packing import Package, pack_bytes, pack_model
from predictor.schema.table import Inputs, get_matrix
from predictor.texts import take_first_line

if TYPE_CHECKING:
    from predictor.training.compiling.checked import Checked
    from predictor.training.dataset import Dataset
    from predictor.training.fitting import Trained
    from predictor.training.observed import Observed
    from predictor.training.recipe import Recipe


@contextmanager
def blame_recipe(recipe: "Recipe") -> Iterator[None]:
    """Turn whatever an estimator raises when it is built, fitted, used or pickled into an error of its recipe.

    So it becomes a TrainingError that names the file, and the other models are still trained.
    """
    try:
        yield
    except TrainingError as error:
        raise error.reword(f"{recipe.file}: estimator: {error}") from error
    except (MlsiteError, django.db.Error):
        raise
    except (Exception, SystemExit) as error:
        raise TrainingError(f"{recipe.file}: estimator: {type(error).__name__}: {take_first_line(error)}") from error


def describe_candidate(trained: "Trained") -> Candidate:
    from predictor.training.evaluation import take_inputs
    from predictor.training.layout import make_layout
    from predictor.training.pipeline import find_own_libraries
    from predictor.training.reports.profile import describe_training
    from predictor.training.reports.score_intervals import find_score_intervals

    recipe, dataset, fitted, evaluation = trained.recipe, trained.dataset, trained.fitted, trained.evaluation
    # Inputs of visitors are trained on, but never shown on pages as the table's rows are.
    shown = dataset.training & dataset.from_table
    inputs, target = take_inputs(dataset, shown), dataset.target[shown]
    matrix = get_matrix(inputs)
    return Candidate(
        model=recipe.slug,
        title=recipe.title,
        description=recipe.description,
        translations={code: each.texts for code, each in recipe.translations.items() if each.texts},
        access=recipe.access,
        estimator=leave_out_addresses(str(fitted)),
        schema=dataset.schema,
        libraries=find_libraries() | find_own_libraries(fitted),
        code=trained.code,
        metrics=Measurement(
            method=evaluation.method,
            rows=evaluation.rows,
            scores=evaluation.scores,
            baseline=evaluation.baseline,
            intervals=find_score_intervals(evaluation, recipe.seed),
        ),
        profile=describe_training(
            dataset.schema,
            matrix,
            target,
            fitted.predict,
            show_data=recipe.show_data,
            seed=recipe.seed,
        ),
        layout=make_layout(recipe, dataset.schema, matrix, target),
        split=Split(
            names=tuple(sorted(dataset.schema.names)), share=trained.share, canonical=dataset.canonical or msgspec.UNSET
        ),
        data=describe_data(recipe, dataset, trained.observed),
        interval=_describe_interval(trained),
        package=pack_model(fitted),
        kept=summarise_training(trained, inputs),
    )


def summarise_training(trained: "Trained", inputs: Inputs) -> dict[str, bytes]:
    """What a version keeps of its training data, by name; `inputs` are those of the training rows of its table."""
    from predictor.training.background import make_background
    from predictor.training.reference import describe_reference
    from predictor.training.table_changes import summarise_table

    recipe, dataset = trained.recipe, trained.dataset
    background = make_background(dataset.schema, inputs, show_data=recipe.show_data, seed=recipe.seed)
    reference = describe_reference(dataset, trained.evaluation, seed=recipe.seed)
    kept = {REFERENCE: write_reference(reference), TABLE: write_summary(summarise_table(dataset))}
    if trained.loss_model is not None:
        kept[LOSS_MODEL] = write_loss_model(trained.loss_model)
    return {**kept, BACKGROUND: write_background(background)} if background else kept


def describe_data(recipe: "Recipe", dataset: "Dataset", observed: "Observed | None") -> TrainedSource:
    """Where the rows came from."""
    return TrainedSource(
        file=recipe.data_name,
        sha256=dataset.sha256,
        training_rows=int(dataset.training.sum()),
        held_out_rows=int(dataset.held_out.sum()),
        rows_without_target=dataset.left_out,
        outcomes=_describe_outcomes(dataset, observed) if observed else None,
    )


def _describe_outcomes(dataset: "Dataset", observed: "Observed") -> UsedOutcomes | None:
    if observed.newest is None:
        return None
    return UsedOutcomes(
        found=observed.found,
        used=dataset.outcomes,
        held_out=int((dataset.held_out & ~dataset.from_table).sum()),
        left_out=dataset.misfits,
        newest=observed.newest.isoformat(),
        since=observed.since.isoformat() if observed.since else None,
    )


def add_report(trained: "Trained", candidate: Candidate) -> Candidate:
    """Add the compiled model, the report and its drawings, which only a candidate that will be registered needs."""
    from predictor.training.compiling.checked import compile_checked
    from predictor.training.reports.report import make_report

    recipe, checked = trained.recipe, compile_checked(trained.fitted, trained.dataset)
    made = make_report(
        # It predicts the same in half the time.
        checked.model or trained.fitted,
        trained.dataset,
        trained.evaluation,
        trained.metric,
        show_data=recipe.show_data,
        seed=recipe.seed,
    )
    compiled, described = _pack_compiled(checked)
    report = Report(
        importances=made.importances,
        tuning=trained.tuning,
        compiled=described,
        not_drawn=made.not_drawn,
        commit=made.commit,
        fit_seconds=trained.fit_seconds,
        seconds=time.perf_counter() - trained.started,
        recipe_sha256=trained.recipe_sha256,
        code_sha256=trained.code,
        charts=made.charts,
        data_changes=trained.data_changes,
    )
    return replace(candidate, report=report, drawings=made.drawings, compiled=compiled)


def _describe_interval(trained: "Trained") -> MeasuredInterval | None:
    from predictor.training.conformal import measure_interval

    # The training rows of an import are unknown, and residuals of training rows are too small.
    has_interval = trained.dataset.schema.target.task == "regression" and trained.share is not None
    if not has_interval:
        return None
    return measure_interval(trained.evaluation, transform=trained.recipe.target_transform, spread=trained.spread)


def _pack_compiled(checked: "Checked") -> tuple[Package | None, Compilation | SkippedCompilation]:
    """The compiled model, None where there is none, and on what it was checked, or why there is none."""
    if checked.data is None:
        return None, checked.described
    try:
        return pack_bytes(checked.data), checked.described
    except ModelTooLarge as error:
        return None, SkippedCompilation(reason=f"compiled, {str(error).rstrip('.')}")
