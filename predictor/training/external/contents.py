"""Describes what a model's file contains where that is not one fitted estimator, and what to save instead."""

from collections.abc import Iterator
from typing import Any

from sklearn.preprocessing import LabelBinarizer, LabelEncoder

from predictor.texts import add_article, list_names

MOST_PARTS = 20


def describe_contents(loaded: Any) -> str:
    """Say what an object without `predict` is, what its parts are, and what to save instead."""
    parts = list(_list_parts(loaded))
    if not parts:
        return f"it contains {_name_type(loaded)}, which has no predict: save the fitted estimator itself"
    if isinstance(loaded, dict):
        kind = f"a dict with the keys {list_names([*loaded])}"
    else:
        kind = f"a {type(loaded).__name__} of {len(loaded)}"
    listed = ", ".join(f"{place} is {_name_type(part)}" for place, part in parts[:MOST_PARTS])
    more = ", …" if len(parts) > MOST_PARTS else ""
    return f"it contains {kind}, and not one estimator; {listed}{more}: {_suggest(parts)}"


def _list_parts(loaded: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a dict, a tuple or a list, each with the expression that takes it."""
    if isinstance(loaded, dict):
        yield from ((f"loaded[{key!r}]", part) for key, part in loaded.items())
    elif isinstance(loaded, tuple | list):
        yield from ((f"loaded[{place}]", part) for place, part in enumerate(loaded))


def _suggest(parts: list[tuple[str, Any]]) -> str:
    """Write the line that saves the one estimator, behind what prepares its inputs."""
    estimators = [place for place, part in parts if _can(part, "predict")]
    if len(estimators) != 1:
        return "save one of them alone" if estimators else "none of these has predict; save the fitted estimator itself"
    steps = [place for place, part in parts if _prepares_inputs(part)]
    if not steps:
        return f'save that alone, with joblib.dump({estimators[0]}, "model.joblib")'
    pipeline = f"sklearn.pipeline.make_pipeline({', '.join([*steps, *estimators])})"
    order = " in the order in which they are applied" if len(steps) > 1 else ""
    return f'save what prepares its inputs with it{order}, with joblib.dump({pipeline}, "model.joblib")'


def _can(part: Any, method: str) -> bool:
    return not isinstance(part, type) and callable(getattr(part, method, None))


def _prepares_inputs(part: Any) -> bool:
    """Whether a part may be a step before the estimator; an encoder of labels is one for the target."""
    return _can(part, "transform") and not _can(part, "predict") and not isinstance(part, LabelEncoder | LabelBinarizer)


def _name_type(part: Any) -> str:
    return "a class" if isinstance(part, type) else add_article(type(part).__name__)
