"""Compares a trained or imported model with the live version, and registers it by the gate's rules."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from predictor.estimators.own_code import hash_code
from predictor.exceptions import TrainingError
from predictor.lifecycle.candidate import add_report, blame_recipe
from predictor.lifecycle.judgement import find_live_model, is_same, judge_challenger
from predictor.models import Retirement, Version
from predictor.record.decision import Decision
from predictor.record.measurement import Measurement
from predictor.record.source import Source
from predictor.record.written_data_changes import write_data_changes
from predictor.registry.candidate import Candidate, Judgement
from predictor.registry.versions import register

if TYPE_CHECKING:
    from predictor.training.fitting import Trained
    from predictor.training.gate import Mode
    from predictor.training.progress import Progress

State = Literal["done", "failed", "untrusted", "kept back", "retired"]


@dataclass(frozen=True, kw_only=True)
class RegistrationRequest:
    """How a trained model is to be registered.

    `by` names who asks, for the log. `mode` says when a challenger goes live; with `force` it is registered although it
    predicts as the live version does, and with `replace_untrusted` although the signature of the live version is
    unknown. A `dry_run` stores nothing. `on_registered` gets the result within the transaction that stores the version:
    what it writes is committed with it, and its error stores nothing.
    """

    by: str
    mode: "Mode" = "if-better"
    force: bool = False
    replace_untrusted: bool = False
    dry_run: bool = False
    on_registered: "Callable[[Registered], None] | None" = None


@dataclass(frozen=True, kw_only=True)
class Registered:
    """What one retrain or import did.

    `version` is None where nothing was registered; `rows` counts the training rows, None where they are unknown; `data`
    says where they came from and `decision` how the model was judged, as a version stores them. `data_changes` say in
    sentences how the table differs from the last one. `unit` is the target's.
    A model that `is_retired` makes no predictions, whichever version it has.
    In another `state` than "done", nothing was trained.
    """

    model: str
    version: int | None
    rows: int | None
    metrics: Measurement | None
    promoted: bool
    reason: str
    data: Source | None = None
    decision: Decision | None = None
    data_changes: tuple[str, ...] = ()
    unit: str = ""
    is_retired: bool = False
    state: State = "done"

    @classmethod
    def without_training(cls, model: str, state: State, reason: str, *, version: int | None = None) -> "Registered":
        return cls(model=model, version=version, rows=0, metrics=None, promoted=False, reason=reason, state=state)


def register_challenger(
    trained: "Trained", candidate: Candidate, request: RegistrationRequest, progress: "Progress"
) -> Registered:
    """Judge a challenger and store it as a version, unless it predicts as the live version does.

    Raises TrainingError, also where its pipeline.py was changed meanwhile; then nothing is stored.
    """
    version = None
    while version is None:
        champion = find_live_model(candidate.model)
        with blame_recipe(trained.recipe):
            if champion and not request.force and is_same(trained, candidate, champion):
                is_retired = Retirement.objects.find(candidate.model) is not None
                state = "the live one of the retired model" if is_retired else "which is live"
                reason = f"predicts as version {champion.version.number}, {state}: nothing to register"
                return _summarise(trained, candidate, None, promoted=False, reason=reason, is_retired=is_retired)
            judgement = judge_challenger(trained, champion, request.mode, replace_untrusted=request.replace_untrusted)
        if request.dry_run:
            return _summarise(
                trained,
                candidate,
                None,
                promoted=False,
                reason=f"dry run; {judgement.reason}",
                decision=judgement.decision,
                is_retired=judgement.is_retired,
            )
        if candidate.report is None:
            progress(f"{candidate.model}: drawing its report")
            candidate = add_report(trained, candidate)
        if hash_code(trained.recipe.pipeline_file) != candidate.code:
            raise TrainingError(f"{trained.recipe.pipeline_file} was changed during the training: retrain once more.")
        # None when another retrain was promoted meanwhile: then that one is the champion to beat.
        version = register(candidate, judgement, by=request.by, also=_report_to(request, trained, candidate, judgement))
    return _summarise_registered(trained, candidate, judgement, version)


def _report_to(
    request: RegistrationRequest, trained: "Trained", candidate: Candidate, judgement: Judgement
) -> Callable[[Version], None] | None:
    report = request.on_registered
    return (
        None
        if report is None
        else lambda version: report(_summarise_registered(trained, candidate, judgement, version))
    )


def _summarise_registered(
    trained: "Trained", candidate: Candidate, judgement: Judgement, version: Version
) -> Registered:
    return _summarise(
        trained,
        candidate,
        version.number,
        promoted=judgement.promoted,
        reason=judgement.reason,
        decision=judgement.decision,
        is_retired=judgement.is_retired,
    )


def _summarise(
    trained: "Trained",
    candidate: Candidate,
    version: int | None,
    *,
    promoted: bool,
    reason: str,
    decision: Decision | None = None,
    is_retired: bool,
) -> Registered:
    changes = trained.data_changes
    return Registered(
        model=candidate.model,
        version=version,
        rows=candidate.data.training_rows,
        metrics=candidate.metrics,
        promoted=promoted,
        reason=reason,
        data=candidate.data,
        decision=decision,
        data_changes=tuple(write_data_changes(changes, candidate.schema)) if changes else (),
        unit=candidate.schema.target.unit,
        is_retired=is_retired,
    )
