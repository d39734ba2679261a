"""Makes predictions without training, for tests of what is recorded of them."""

from predictor.models import Outcome, Prediction, Version
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target

LINE = Target(name="y", label="y", task="regression")
PENGUINS = Target(name="species", label="Species", task="classification", classes=("Adelie", "Gentoo"))
X = make_feature(name="x", kind="number", label="x")


def make_version(target=LINE, model="line", feature=X):
    schema = Schema(features=(feature,), target=target).to_json()
    empty = {key: {} for key in ("metrics", "profile", "split", "data", "decision", "libraries")}
    number = Version.objects.next_number(model)
    return Version.objects.create(model=model, number=number, title=model, estimator="", schema=schema, **empty)


def make_predictions(count, target=LINE, model="line"):
    version = make_version(target, model)
    output = target.classes[0] if target.classes else 5.0
    made = [
        Prediction(version=version, inputs={"x": float(x)}, output=output, source="form", duration_ms=1.0)
        for x in range(count)
    ]
    return Prediction.objects.bulk_create(made, batch_size=5000)


def read_log():
    """All outcomes in the order they were recorded: value, by whom, and the value it replaces."""
    rows = Outcome.objects.order_by("id").select_related("replaces")
    return [(row.value, row.recorded_by, row.replaces and row.replaces.value) for row in rows]
