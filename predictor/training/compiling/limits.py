"""Compiles what limits the output of an estimator: ends for numbers, a threshold for one of two classes."""

from dataclasses import replace

import numpy as np

from predictor.estimators.limited import Limited, Thresholded
from predictor.training.compiling.graph import Graph, NotCompiled, Predicted


def add_limits(graph: Graph, limited: Limited | Thresholded, predicted: Predicted, codes: list[int]) -> Predicted:
    """The limited outputs of an estimator with these outputs, and with classes of these codes."""
    if isinstance(limited, Limited):
        return replace(predicted, numbers=_clip(graph, predicted.numbers, limited))
    return replace(predicted, codes=_compare(graph, predicted.probabilities, limited, codes))


def _clip(graph: Graph, numbers: str, limited: Limited) -> str:
    above = graph.add("Max", numbers, graph.constant([[limited.minimum]]))
    within = graph.add("Min", above, graph.constant([[limited.maximum]]))
    nothing = graph.add("Sub", numbers, numbers)  # NaN for what is not finite.
    return graph.add("Add", within, nothing)


def _compare(graph: Graph, probabilities: str, limited: Thresholded, codes: list[int]) -> str:
    if not probabilities or sorted(codes) != sorted([limited.positive, limited.negative]):
        raise NotCompiled("a threshold is compiled for two classes with probabilities")
    positive, negative = codes.index(limited.positive), codes.index(limited.negative)
    share = graph.add("Gather", probabilities, graph.constant([positive], np.int64), axis=1)
    is_positive = graph.add("GreaterOrEqual", share, graph.constant([[limited.limit]]))
    chosen = graph.add(
        "Where", is_positive, graph.constant([[positive]], np.int64), graph.constant([[negative]], np.int64)
    )
    return graph.add("Reshape", chosen, graph.constant([-1], np.int64))
