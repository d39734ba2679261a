"""Predictions that were made in the past: their ids, which begin with the time, too."""

from datetime import timedelta

import uuid_utils.compat

from predictor.models import Prediction

SECOND = timedelta(seconds=1)


def make_predictions(version, start, rows, *, step=SECOND, **changed):
    """Store predictions, one each `step` from `start` on, of rows of inputs and output; return them."""
    described = {"probabilities": None, "interval": None, "warnings": [], "source": "api", "duration_ms": 1.0}
    moments = (start + position * step for position in range(len(rows)))
    return Prediction.objects.bulk_create(
        Prediction(
            id=make_id(moment), version=version, inputs=inputs, output=output, created_at=moment, **described | changed
        )
        for moment, (inputs, output) in zip(moments, rows, strict=True)
    )


def make_id(moment):
    return uuid_utils.compat.uuid7(nanoseconds=int(moment.timestamp() * 1000) * 1_000_000)
