"""The clients' own names of predictions."""

from django.db import models

MOST_CHARACTERS = 200


class Reference(models.Model):
    """A client's own id of a case at a time, such as "customer-42/2026-03": of a model, it names one prediction.

    It is written in the commit of its prediction, and deleted before it. Without a constraint of the database, a former
    build can still delete predictions: a reference whose prediction is gone, or forgotten, is free.
    """

    prediction = models.OneToOneField(
        "predictor.Prediction",
        models.PROTECT,
        primary_key=True,
        db_constraint=False,
        related_name="reference",
    )
    model = models.CharField(max_length=50)
    reference = models.CharField(max_length=MOST_CHARACTERS)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "reference"], name="reference_model_reference")]

    def __str__(self) -> str:
        return self.reference
