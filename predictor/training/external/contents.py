"""Describes what a model's file contains where nothing in it predicts."""

from collections.abc import Iterator
from typing import Any

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
    return (
        f"it contains {kind}; {listed}{more}: none of these has predict; save the fitted estimator itself, or add the"
        " file that contains it"
    )


def _list_parts(loaded: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a dict, a tuple or a list, each with the expression that takes it."""
    if isinstance(loaded, dict):
        yield from ((f"loaded[{key!r}]", part) for key, part in loaded.items())
    elif isinstance(loaded, tuple | list):
        yield from ((f"loaded[{place}]", part) for place, part in enumerate(loaded))


def _name_type(part: Any) -> str:
    return "a class" if isinstance(part, type) else add_article(type(part).__name__)
