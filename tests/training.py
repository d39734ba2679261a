"""Shortcuts to trained versions, for tests that are about something else."""

from functools import cache
from pathlib import Path

from predictor.candidate import add_report, describe_candidate
from predictor.judgement import judge_challenger
from predictor.models import Version
from predictor.retraining import retrain_model, train_model
from predictor.serving import registry

SHIPPED = Path(__file__).parent.parent / "ml_models"


def train(models_dir, slug):
    """Retrain, and make the result live whatever it is worth."""
    done = retrain_model(models_dir, slug, by="tests", mode="always", force=True, report=lambda line: None)
    return Version.objects.get(model=slug, number=done.version)


def register_shipped(slug):
    """Make a shipped recipe's version live, as `train` does, but train it only once in all tests."""
    trained, candidate = _train_shipped(slug)
    judgement = judge_challenger(trained, Version.objects.find_live(slug), "always")
    return registry.register(candidate, judgement, by="tests")


@cache
def _train_shipped(slug):
    trained = train_model(SHIPPED, slug, report=lambda line: None)
    return trained, add_report(trained, describe_candidate(trained))
