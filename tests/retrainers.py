"""Retrains in processes of their own, which need not import scikit-learn anew each time and can be killed."""

import multiprocessing

import django
from django.apps import apps
from django.db import connections

if not apps.ready:  # In the process that the others are forked from.
    django.setup()

PRELOADED = ["tests.retrainers", "predictor.retraining", "predictor.training.tuning", "sklearn.tree"]


def start_retrain(models_dir, by):
    """Start a retrain of `line` under the rules of the gate, in the database that this process uses."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_retrain, args=(models_dir, connections["default"].settings_dict["NAME"], by))
    process.start()
    return process


def _retrain(models_dir, database, by):
    from predictor.retraining import retrain_model
    from predictor.training.progress import keep_quiet

    connections["default"].settings_dict["NAME"] = database
    retrain_model(models_dir, "line", by=by, report=keep_quiet)
