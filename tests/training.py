"""Shortcuts to trained versions, for tests that are about something else."""

from predictor.models import Version
from predictor.retraining import retrain_model


def train(models_dir, slug):
    done = retrain_model(models_dir, slug, by="tests", report=lambda line: None)
    return Version.objects.get(model=slug, number=done.version)
