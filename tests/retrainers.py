"""Retrains in processes of their own, which need not import scikit-learn anew each time and can be killed."""

import multiprocessing
import os
import signal
from dataclasses import replace

import django
from django.apps import apps
from django.db import connections

if not apps.ready:  # In the process that the others are forked from.
    django.setup()

PRELOADED = ["tests.retrainers", "predictor.lifecycle.retraining", "predictor.training.fitting", "sklearn.tree"]


def start_retrain(models_dir, by):
    """Start a retrain of `line` under the rules of the gate, in the database that this process uses."""
    return _start(_retrain, models_dir, by)


def start_deadly_retrain(models_dir, by):
    """Start one that SIGKILL ends in the middle of its transaction: all chunks are written, the promotion is not."""
    return _start(_retrain_until_killed, models_dir, by)


def _start(target, models_dir, by):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=target, args=(models_dir, connections["default"].settings_dict["NAME"], by))
    process.start()
    return process


def _retrain(models_dir, database, by):
    from predictor.lifecycle.retraining import RetrainRequest, retrain_model
    from tests.training import keep_quiet

    connections["default"].settings_dict["NAME"] = database
    retrain_model(models_dir, RetrainRequest(slug="line", by=by), keep_quiet)


def _retrain_until_killed(models_dir, database, by):
    from predictor.lifecycle.candidate import describe_candidate
    from predictor.lifecycle.judgement import find_live_model, judge_challenger
    from predictor.lifecycle.retraining import train_model
    from predictor.registry import versions as registry
    from tests.training import keep_quiet

    connections["default"].settings_dict["NAME"] = database
    trained = train_model(models_dir, "line", progress=keep_quiet)
    candidate = describe_candidate(trained)
    deadly = replace(candidate.package, chunks=_give_all_and_die(candidate.package.chunks))
    judgement = judge_challenger(trained, find_live_model("line"), "always")
    registry.register(replace(candidate, package=deadly), judgement, by=by)


def _give_all_and_die(chunks):
    yield from chunks
    os.kill(os.getpid(), signal.SIGKILL)
