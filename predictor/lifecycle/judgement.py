"""Compares a challenger with the live version: training's gate, with models that only serving can load."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from predictor.exceptions import ArtifactError, CannotCompare, UntrustedArtifact
from predictor.models import Artifact, Retirement, Version
from predictor.record.decision import Decision
from predictor.record.estimator import leave_out_addresses
from predictor.registry.candidate import Candidate, Judgement
from predictor.registry.versions import read_verified
from predictor.schema.schema import Schema
from predictor.schema.table import take_rows
from predictor.serving.runtime import Runtime, load_comparable

if TYPE_CHECKING:
    from predictor.training.contest import Champion
    from predictor.training.fitting import Trained
    from predictor.training.gate import Mode

ROWS_AT_ONCE = 10_000
RETIRED = "the model is retired"


@dataclass(frozen=True, kw_only=True)
class LiveModel:
    """The live version of a model; it is loaded once, by whoever asks for its `runtime` first."""

    version: Version

    @cached_property
    def runtime(self) -> Runtime:
        """What it predicts with. Raises ArtifactError where it cannot be loaded."""
        return load_comparable(self.version)


def find_live_model(model: str) -> LiveModel | None:
    """The champion that a challenger of this model has to beat; None where no version is live."""
    version = Version.objects.find_live(model)
    return LiveModel(version=version) if version else None


def judge_challenger(
    trained: "Trained", champion: LiveModel | None, mode: "Mode", *, replace_untrusted: bool = False
) -> Judgement:
    """Compare a challenger with the live version; `mode` may overrule the gate's decision, but not hide it.

    No challenger of a retired model goes live, whatever the gate and `mode` say.
    """
    decision = _decide(trained, champion, mode, replace_untrusted=replace_untrusted)
    promoted, reason = decision.promoted, decision.reason
    if mode != "if-better" and promoted != (mode == "always"):
        promoted, reason = mode == "always", f"as requested: {mode}; otherwise {reason}"
    is_retired = Retirement.objects.find(trained.recipe.slug) is not None
    if is_retired and promoted:
        promoted, reason = False, f"{RETIRED}; otherwise {reason}"
        decision = replace(decision, verdict="retired")
    elif is_retired:
        reason = f"{RETIRED}; {reason}"
    return Judgement(
        promoted=promoted,
        reason=reason,
        champion_id=champion.version.id if champion else None,
        decision=replace(decision, promoted=promoted, reason=reason),
        is_retired=is_retired,
    )


def _decide(trained: "Trained", champion: LiveModel | None, mode: "Mode", *, replace_untrusted: bool) -> Decision:
    from predictor.training import gate
    from predictor.training.contest import hold_contest

    recipe, evaluation, metric = trained.recipe, trained.evaluation, trained.metric
    losses = gate.measure_both(metric, evaluation)
    judged = (
        recipe.gate,
        evaluation.scores,
        evaluation.baseline,
        metric,
        losses,
        trained.dataset.tolerance,
        recipe.seed,
    )
    if champion is None:
        is_first = not Version.objects.filter(model=recipe.slug).exists()
        return gate.decide_unopposed(*judged, why="the first version" if is_first else "no version was live")
    number = champion.version.number
    try:
        theirs = _read_champion(champion)
    except ArtifactError as error:
        # No process that starts with this build can serve it, so there is nothing to compare with.
        if replace_untrusted or not isinstance(error, UntrustedArtifact):
            why = f"version {number} is live but cannot be loaded: {error}"
            return gate.decide_unopposed(*judged, why=why)
        # More likely this process has the wrong key than all others: what they serve is not replaced.
        cause = f"version {number} is not trusted: {str(error).rstrip('.')}"
        return gate.refuse_comparison(cause, _write_step(error, mode), champion=number)
    try:
        contest = hold_contest(trained.dataset, trained.share, trained.fitted, theirs, metric, evaluation.predictions)
    except CannotCompare as error:
        return gate.refuse_comparison(error.cause, "" if mode == "always" else error.step, champion=number)
    return gate.decide_contest(recipe.gate, evaluation.scores, contest, champion=number, seed=recipe.seed)


def _write_step(error: UntrustedArtifact, mode: "Mode") -> str:
    """The step to take where the live version is not trusted; none where the challenger replaces it as requested."""
    return "" if mode == "always" else f"{error.remedy}; or replace it, by a retrain with --replace-untrusted"


def _read_champion(champion: LiveModel) -> "Champion":
    from predictor.training.contest import Champion

    version, runtime = champion.version, champion.runtime
    return Champion(
        number=version.number,
        schema=runtime.schema,
        names=list(version.parsed_split.names),
        share=version.parsed_split.share,
        canonical=version.parsed_split.canonical or {},
        estimator=runtime.estimator,
    )


def is_same(trained: "Trained", candidate: Candidate, champion: LiveModel) -> bool:
    """Whether the live version has the same description and predicts the same for all rows, up to rounding."""
    from predictor.training.evaluation import predict_rows

    version = champion.version
    described = ("title", "description", "libraries")
    if any(getattr(candidate, name) != getattr(version, name) for name in described):
        return False
    # Former builds stored addresses.
    if candidate.estimator != leave_out_addresses(version.estimator):
        return False
    if candidate.translations != (version.translations or {}):
        return False
    if candidate.access != Version.objects.find_access(version.model):
        return False
    if candidate.layout.given != version.parsed_layout.given:
        return False
    # The numbers of an interval follow from the predictions; early builds stored none.
    if len({type(each) for each in (candidate.interval, version.parsed_interval) if each is not None}) > 1:
        return False
    # As they are read: builds may write the same in other ways.
    if (candidate.split, candidate.data) != (version.parsed_split, version.parsed_data):
        return False
    try:
        signed = read_verified(version, Artifact.Kind.PICKLE)[0]  # Without its bytes, which may be 100 MB.
        if Schema.from_json(signed["schema"]) != candidate.schema:
            return False
        if signed["sha256"] == candidate.package.sha256:
            return True
        runtime = champion.runtime
    except ArtifactError:
        return False
    inputs, classes, tolerance = trained.dataset.inputs, len(candidate.schema.target.classes), trained.dataset.tolerance
    # The first rows that are predicted differently decide.
    blocks = (take_rows(inputs, slice(start, start + ROWS_AT_ONCE)) for start in range(0, len(inputs), ROWS_AT_ONCE))
    return all(
        predict_rows(trained.fitted, rows, classes).equals(predict_rows(runtime.estimator, rows, classes), tolerance)
        for rows in blocks
    )
