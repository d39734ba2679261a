"""Shortcuts to trained versions, for tests that are about something else."""

from functools import cache
from pathlib import Path

from predictor.lifecycle.candidate import add_report, describe_candidate
from predictor.lifecycle.judgement import find_live_model, judge_challenger
from predictor.lifecycle.retraining import RetrainRequest, retrain_model, train_model
from predictor.models import Version
from predictor.registry import versions as registry

SHIPPED = Path(__file__).parent.parent / "ml_models"


def keep_quiet(line, *, done=0, total=0):
    """The progress of a training that only a test waits for."""


def train(models_dir, slug):
    """Retrain, and make the result live whatever it is worth."""
    done = retrain_model(models_dir, RetrainRequest(slug=slug, by="tests", mode="always", force=True), keep_quiet)
    return Version.objects.get(model=slug, number=done.version)


def register_shipped(slug):
    """Make a shipped recipe's version live, as `train` does, but train it only once in all tests."""
    trained, candidate = train_shipped(slug)
    judgement = judge_challenger(trained, find_live_model(slug), "always")
    return registry.register(candidate, judgement, by="tests")


@cache
def train_shipped(slug):
    trained = train_model(SHIPPED, slug, progress=keep_quiet)
    return trained, add_report(trained, describe_candidate(trained))
