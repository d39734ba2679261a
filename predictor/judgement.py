"""Holds what was trained against the version that is live: where training's gate meets what only serving has."""

from typing import TYPE_CHECKING

from predictor.candidate import Trained
from predictor.exceptions import ArtifactError, CannotCompare, UntrustedArtifact
from predictor.models import Artifact, Version
from predictor.schema import Schema
from predictor.serving import registry
from predictor.serving.registry import read_verified
from predictor.serving.runtime import load_comparable

if TYPE_CHECKING:
    from predictor.training.contest import Champion
    from predictor.training.gate import Decision, Mode

ROWS_AT_ONCE = 10_000


def judge_challenger(
    trained: Trained, champion: Version | None, mode: "Mode", *, replace_untrusted: bool = False
) -> registry.Judgement:
    """Hold what was trained against the live version; `mode` may overrule what comes out, but not hide it."""
    decision = _decide(trained, champion, replace_untrusted=replace_untrusted)
    promoted, reason = decision.promoted, decision.reason
    if mode != "if-better" and promoted != (mode == "always"):
        promoted, reason = mode == "always", f"as told: {mode}; else {reason}"
    return registry.Judgement(
        promoted=promoted,
        reason=reason,
        champion_id=champion.id if champion else None,
        decision={**decision.to_json(), "promoted": promoted, "reason": reason},
    )


def _decide(trained: Trained, champion: Version | None, *, replace_untrusted: bool) -> "Decision":
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
    try:
        theirs = _read_champion(champion)
    except ArtifactError as error:
        # No process that starts with this build can serve it, so that there is nothing to be better than.
        if replace_untrusted or not isinstance(error, UntrustedArtifact):
            why = f"version {champion.number} is live but cannot be loaded: {error}"
            return gate.decide_unopposed(*judged, why=why)
        # More likely this process has the wrong key than all others: what they serve is left alone.
        return gate.refuse_comparison(f"version {champion.number} is not trusted: {error}", champion=champion.number)
    try:
        contest = hold_contest(trained.dataset, trained.share, trained.fitted, theirs, metric, evaluation.answers)
    except CannotCompare as error:
        return gate.refuse_comparison(str(error), champion=champion.number)
    return gate.decide_contest(recipe.gate, evaluation.scores, contest, champion=champion.number, seed=recipe.seed)


def _read_champion(version: Version) -> "Champion":
    from predictor.training.contest import Champion

    runtime = load_comparable(version)
    return Champion(
        number=version.number,
        schema=runtime.schema,
        names=version.split["names"],
        share=version.split["share"],
        estimator=runtime.estimator,
    )


def is_same(trained: Trained, candidate: registry.Candidate, champion: Version) -> bool:
    """Whether the live version says the same of itself and answers every row of the table the same, up to rounding."""
    from predictor.training.evaluation import answer_rows

    described = ("title", "description", "estimator", "split", "data", "libraries")
    if any(getattr(candidate, name) != getattr(champion, name) for name in described):
        return False
    try:
        signed = read_verified(champion, Artifact.Kind.PICKLE)[0]  # Without its bytes, which may be 100 MB.
        if Schema.from_json(signed["schema"]) != candidate.schema:
            return False
        if signed["sha256"] == candidate.package.sha256:
            return True
        runtime = load_comparable(champion)
    except ArtifactError:
        return False
    matrix, classes, tolerance = trained.dataset.matrix, len(candidate.schema.target.classes), trained.dataset.tolerance
    # The first rows that are answered otherwise settle it.
    blocks = (matrix[start : start + ROWS_AT_ONCE] for start in range(0, len(matrix), ROWS_AT_ONCE))
    return all(
        answer_rows(trained.fitted, rows, classes).equals(answer_rows(runtime.estimator, rows, classes), tolerance)
        for rows in blocks
    )
