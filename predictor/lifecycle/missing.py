"""What `retrain --missing` does about each model: it is served, to be trained, or left alone, and why."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from predictor.exceptions import ArtifactError, MlsiteError, UntrustedArtifact
from predictor.lifecycle.recipes import open_recipe
from predictor.models import Retirement, Version
from predictor.record.provenance import hash_file
from predictor.record.source import TrainedSource
from predictor.registry.artifact import find_libraries
from predictor.registry.trust import explain_distrust
from predictor.registry.versions import verify_servable
from predictor.serving.runtime import load_runtime

if TYPE_CHECKING:
    from predictor.lifecycle.retraining import RetrainRequest

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`missing` is to be trained; what is `untrusted`, `retired` or was `kept back` is left alone, for this reason."""

    state: Literal["served", "missing", "untrusted", "kept back", "retired"]
    reason: str = ""
    version: int | None = None


def find_missing(models_dir: Path, request: "RetrainRequest") -> Finding:
    """Look whether a model has a live version that this build can load, and whether a training would give one.

    A retired model is never missing. A live version whose signature this process does not know is not missing, unless
    the request replaces such versions. Where the newest version that was kept back was made of the same data, recipe
    and libraries, a training would be kept back again: it is done only where the request asks for something else.
    """
    slug = request.slug
    retirement = Retirement.objects.find(slug)
    if retirement is not None:
        since = f"{retirement.recorded_at:%Y-%m-%d %H:%M} UTC"
        return Finding(state="retired", reason=f"retired on {since}: `manage.py retire {slug} --undo` brings it back")
    live = Version.objects.find_live(slug)
    if live is not None:
        try:
            load_runtime(live)
            return Finding(state="served")
        except UntrustedArtifact as error:
            if not request.replace_untrusted:
                return Finding(state="untrusted", reason=explain_distrust(live, error))
        except ArtifactError as error:
            logger.warning("%s is live but cannot be loaded: %s", live, error)
    asks_for_more = request.force or request.mode == "always" or request.has_own_table or request.with_outcomes
    kept = None if asks_for_more else find_repeated(models_dir, slug)
    if kept is None:
        return Finding(state="missing")
    promote = f'`manage.py promote {slug} {kept.number} --reason "…"`'
    reason = (
        f"version {kept.number} was kept back ({kept.parsed_decision.reason}), and the same data, recipe and libraries"
        f" would give it again: change one of them, or make it live by {promote}"
    )
    return Finding(state="kept back", reason=reason, version=kept.number)


def find_repeated(models_dir: Path, slug: str) -> Version | None:
    """The newest version that was kept back, where a training would only make it again, and it could go live.

    One that lost against a live version may win now that this one cannot be loaded, and one that was kept back because
    its model was retired may go live now. One of a build that did not store what it was made of, or that was made of
    recorded outcomes too, is never repeated for sure.
    """
    from predictor.training.recipe import read_recipe

    kept = Version.objects.filter(model=slug, promotions=None).order_by("-number").first()
    if kept is None or kept.parsed_decision.promoted or kept.parsed_decision.champion is not None:
        return None
    if kept.parsed_decision.verdict == "retired":
        return None
    report, source = kept.parsed_report, kept.parsed_data
    if report is None or not isinstance(source, TrainedSource) or source.outcomes is not None:
        return None
    made_of = [report.recipe_sha256, report.code_sha256, source.sha256, kept.libraries]
    try:
        with open_recipe(models_dir, slug) as place:
            recipe = read_recipe(place, slug)
            files = [hash_file(file) for file in (recipe.file, recipe.pipeline_file, recipe.data_file)]
        if made_of != [*files, find_libraries()]:
            return None
        verify_servable(kept)
    except MlsiteError:  # A training says what is wrong with the recipe.
        return None
    return kept
