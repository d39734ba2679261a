"""Explains stored predictions: finds their version, its background and its compiled model, and takes turns."""

from collections import OrderedDict

from predictor.exceptions import ArtifactError
from predictor.models import Artifact, Kept, Prediction, Version
from predictor.record.background import BACKGROUND, read_background
from predictor.registry.versions import read_verified
from predictor.schema.schema import Row
from predictor.schema.table import Inputs
from predictor.serving.explaining.curve import Curve, trace_curve
from predictor.serving.explaining.explainer import Explainer, Explanation
from predictor.serving.explaining.measures import CannotExplain
from predictor.serving.explaining.turns import one_at_a_time
from predictor.serving.runtime import Runtime, load_read
from predictor.serving.service import service

# One of 30,000 leaves has 4 MB, but texts may have many words.
MOST_BYTES = 20_000_000
# Prepared for the next answer of the same version.
MOST_PREPARED = 4

_prepared: "OrderedDict[int, Explainer]" = OrderedDict()


def explain_prediction(prediction: Prediction) -> Explanation:
    """Why a stored answer is what it is. Raises CannotExplain, and Overloaded where others wait already."""
    runtime = find_runtime(prediction.version)
    row = encode_inputs(runtime, prediction)
    explainer = find_explainer(runtime)
    return one_at_a_time.run(lambda: explainer.explain(row, prediction.output))


def trace_prediction(prediction: Prediction, name: str) -> Curve:
    """What the version would answer for other values of one input. Raises as `explain_prediction`, and LookupError."""
    runtime = find_runtime(prediction.version)
    row = encode_inputs(runtime, prediction)
    return one_at_a_time.run(lambda: trace_curve(runtime, row, name, prediction.output))


def find_runtime(version: Version) -> Runtime:
    """The version that this process serves, or a former one that loads quickly.

    Raises CannotExplain for a former one that is a pickle or large, and Overloaded.
    """
    held = service.find_held(version.id)
    if held is None:
        live = next((each for each in service.list_live() if each.id == version.id), None)
        held = service.get_runtime(version.model) if live else None
    return held if held is not None and held.version.id == version.id else _find_former(version)


def loads_quickly(version: Version) -> bool:
    """Whether a version that is not served can be loaded for an explanation."""
    return Artifact.objects.filter(version=version, kind=Artifact.Kind.ONNX, size__lte=MOST_BYTES).exists()


def _find_former(version: Version) -> Runtime:
    prepared = _prepared.get(version.id)
    if prepared is not None and prepared.runtime.version == version:
        return prepared.runtime
    if not loads_quickly(version):
        raise CannotExplain("not_served")
    try:
        content, data = read_verified(version, Artifact.Kind.ONNX)
        return one_at_a_time.run(lambda: load_read(version, content, data))
    except ArtifactError:
        raise CannotExplain("not_served") from None


def encode_inputs(runtime: Runtime, prediction: Prediction) -> Inputs:
    """The inputs as the model gets them. Raises CannotExplain where some are not stored, since they are sensitive."""
    names = runtime.schema.names
    if runtime.schema.sensitive or not prediction.inputs or not all(name in prediction.inputs for name in names):
        raise CannotExplain("no_inputs")
    return runtime.schema.encode([Row(values={name: prediction.inputs[name] for name in names})])


def find_explainer(runtime: Runtime) -> Explainer:
    """Raises CannotExplain where the version has no background."""
    version_id = runtime.version.id
    found = _prepared.get(version_id)
    if found is None or found.runtime is not runtime:
        found = _make_explainer(runtime)
        _prepared[version_id] = found
    _prepared.move_to_end(version_id)
    for other, each in list(_prepared.items()):
        # Of the versions that are not served, only the last that was asked for stays in memory.
        is_served = service.find_held(other) is each.runtime
        if len(_prepared) > MOST_PREPARED or (other != version_id and not is_served):
            del _prepared[other]
    return found


def _make_explainer(runtime: Runtime) -> Explainer:
    content = Kept.objects.find_content(runtime.version.id, BACKGROUND)
    if content is None:
        raise CannotExplain("no_background")
    return Explainer(runtime, read_background(content).inputs, _read_compiled(runtime.version))


def _read_compiled(version: Version) -> bytearray | None:
    """The bytes of the compiled model; None where there is none, or one that is too large or cannot be used."""
    if not loads_quickly(version):
        return None
    try:
        return read_verified(version, Artifact.Kind.ONNX)[1]
    except ArtifactError:
        return None
