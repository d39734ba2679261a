"""Compiles vectorisers: the terms of texts are counted and weighed next to the graph, which gets their scores."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from predictor.estimators.analysis import Analysis
from predictor.estimators.bag_of_words import BagOfWords
from predictor.training.compiling.graph import Columns, Graph, NotCompiled

# An expression that finds each run of word characters, or of all but whitespace, in one pass. Others may try again from
# each character of a long text, or never end.
LINEAR_PATTERN = re.compile(r"(\(\?u\))?(\\b)?(\\w)*\\w(\+|\{[1-9],\})(\\b)?|\\S\+")
# Each term of a text is a copy of a part of it.
MOST_IN_TERM = 10
# A vocabulary of a million terms and their weights take about 200 MB of each process.
MOST_WEIGHTS = 5_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Terms:
    """The columns of a bag of words, shape (n, width): those `kept` of its vocabulary, multiplied by `scale`."""

    bag: BagOfWords
    kept: NDArray[np.int64]
    scale: NDArray[np.float64]

    @property
    def width(self) -> int:
        return len(self.kept)

    @property
    def is_counted(self) -> bool:
        """Whether its numbers are counts, which do not depend on other terms of a text."""
        is_weighed = self.bag.idf or self.bag.is_sublinear or self.bag.norm
        return not is_weighed and bool((self.scale == 1.0).all())


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixed:
    """Columns next to each other, of which some are terms."""

    blocks: tuple[Columns | Terms, ...]

    @property
    def width(self) -> int:
        return sum(block.width for block in self.blocks)


AnyColumns: TypeAlias = Columns | Mixed


def list_blocks(columns: AnyColumns) -> tuple[Columns | Terms, ...]:
    return columns.blocks if isinstance(columns, Mixed) else (columns,)


def add_vectoriser(graph: Graph, step: Any, columns: Columns) -> Mixed:
    """CountVectorizer and TfidfVectorizer, fitted on a column of texts."""
    name, origin = type(step).__name__, columns.origins[0]
    if columns.width != 1 or origin is None or origin.column not in graph.texts:
        raise NotCompiled(f"{name} is compiled for a column of texts only")
    if np.dtype(step.dtype) not in (np.dtype(np.int64), np.dtype(np.float64)):
        raise NotCompiled(f"{name} is not compiled with this dtype")
    vocabulary = sorted(step.vocabulary_, key=step.vocabulary_.__getitem__)
    places = [int(step.vocabulary_[term]) for term in vocabulary]
    if places != list(range(len(places))) or not all(type(term) is str for term in vocabulary):
        raise NotCompiled(f"{name} is not compiled with a vocabulary that is not of texts, each with a column")
    bag = BagOfWords(
        column=origin.column,
        analysis=_describe_analysis(step),
        vocabulary=tuple(vocabulary),
        is_binary=bool(step.binary),
    )
    terms = Terms(bag=bag, kept=np.arange(len(places)), scale=np.ones(len(places)))
    return Mixed(blocks=(_weigh(terms, step._tfidf) if hasattr(step, "_tfidf") else terms,))


def _describe_analysis(step: Any) -> Analysis:
    name = type(step).__name__
    own = [key for key in ("preprocessor", "tokenizer", "analyzer", "strip_accents") if callable(getattr(step, key))]
    if own:
        raise NotCompiled(f"{name} is not compiled with a function as its {own[0]}")
    if step.input != "content":
        raise NotCompiled(f"{name} is not compiled with input = {step.input!r}")
    fewest, most = step.ngram_range
    if not 1 <= fewest <= most <= MOST_IN_TERM:
        raise NotCompiled(f"{name} is compiled with an ngram_range from 1 to {MOST_IN_TERM}")
    is_word = step.analyzer == "word"
    if is_word and not LINEAR_PATTERN.fullmatch(step.token_pattern):
        raise NotCompiled(f"{name} is not compiled with another token_pattern than a run of word characters")
    described = {
        "analyzer": step.analyzer,
        "lowercase": bool(step.lowercase),
        "strip_accents": step.strip_accents or None,
        "ngram_range": (int(fewest), int(most)),
        "token_pattern": step.token_pattern if is_word else "",
        "stop_words": (step.get_stop_words() or ()) if is_word else (),
    }
    try:
        return msgspec.convert(described, Analysis)
    except msgspec.ValidationError as error:
        raise NotCompiled(f"{name} is not compiled: {error}") from error


def add_tfidf(graph: Graph, step: Any, columns: Mixed) -> Mixed:
    return Mixed(blocks=(_weigh(_take_only(step, columns), step),))


def _weigh(terms: Terms, transformer: Any) -> Terms:
    """Counted terms, weighed as by a TfidfTransformer."""
    if not terms.is_counted or terms.width < len(terms.bag.vocabulary):
        raise NotCompiled("TfidfTransformer is compiled for the counts of a CountVectorizer only")
    idf = getattr(transformer, "idf_", None)
    weighed = msgspec.structs.replace(
        terms.bag,
        is_sublinear=bool(transformer.sublinear_tf),
        norm=transformer.norm,
        idf=b"" if idf is None else write_floats(idf),
    )
    return replace(terms, bag=weighed)


def add_scale(graph: Graph, step: Any, columns: Mixed) -> Mixed:
    """MaxAbsScaler, and StandardScaler without its mean: what a matrix of terms allows."""
    terms = _take_only(step, columns)
    if getattr(step, "with_mean", False) or getattr(step, "clip", False):
        raise NotCompiled(f"{type(step).__name__} is compiled for terms without with_mean and clip")
    scale = 1.0 if step.scale_ is None else 1.0 / np.asarray(step.scale_, dtype=np.float64)
    return Mixed(blocks=(replace(terms, scale=terms.scale * scale),))


def _take_only(step: Any, columns: Mixed) -> Terms:
    [first, *others] = columns.blocks
    if others or isinstance(first, Columns):
        raise NotCompiled(
            f"{type(step).__name__} is compiled for the terms of one vectoriser, with nothing next to them"
        )
    return first


def select_columns(graph: Graph, step: Any, columns: AnyColumns) -> AnyColumns:
    """Keep the columns that a step of sklearn.feature_selection keeps."""
    kept = np.asarray(step.get_support(), dtype=bool)
    if isinstance(columns, Columns):
        return graph.gather(columns, np.flatnonzero(kept).tolist())
    return Mixed(blocks=tuple(_select(graph, block, chosen) for block, chosen in _cut(columns, kept) if chosen.any()))


def _select(graph: Graph, block: Columns | Terms, chosen: NDArray[np.bool_]) -> Columns | Terms:
    if isinstance(block, Columns):
        return graph.gather(block, np.flatnonzero(chosen).tolist())
    if not block.is_counted:
        return replace(block, kept=block.kept[chosen], scale=block.scale[chosen])
    vocabulary = tuple(block.bag.vocabulary[place] for place in block.kept[chosen])
    bag = msgspec.structs.replace(block.bag, vocabulary=vocabulary)
    return Terms(bag=bag, kept=np.arange(len(vocabulary)), scale=block.scale[chosen])


def add_singular_values(graph: Graph, step: Any, columns: AnyColumns) -> Columns:
    """TruncatedSVD, which multiplies by its components."""
    components = np.asarray(step.components_, dtype=np.float64)
    return Columns(name=multiply(graph, components.T, columns), origins=(None,) * len(components))


def add_topics(graph: Graph, step: Any, columns: AnyColumns) -> Columns:
    """Topics, which multiply by the components of a TruncatedSVD, or take few terms as they are."""
    if step.svd_ is not None:
        return add_singular_values(graph, step.svd_, columns)
    return Columns(name=multiply(graph, np.eye(columns.width), columns), origins=(None,) * columns.width)


def multiply(graph: Graph, weights: NDArray[np.float64], columns: AnyColumns) -> str:
    """The columns times weights of shape (width, outputs): a tensor of shape (n, outputs)."""
    products = [
        graph.add("MatMul", block.name, graph.constant(part))
        if isinstance(block, Columns)
        else graph.add_bag(_give_weights(block, part))
        for block, part in _cut(columns, weights)
    ]
    total = products[0]
    for product in products[1:]:
        total = graph.add("Add", total, product)
    return total


def _give_weights(terms: Terms, weights: NDArray[np.float64]) -> BagOfWords:
    size, outputs = len(terms.bag.vocabulary), weights.shape[1]
    if size * (outputs + 1) > MOST_WEIGHTS:
        raise NotCompiled(f"a vocabulary of {size} terms with {outputs} weights each is too large to be compiled")
    spread = np.zeros((size, outputs))
    spread[terms.kept] = weights * terms.scale[:, None]
    return msgspec.structs.replace(terms.bag, outputs=outputs, weights=write_floats(spread))


def _cut(columns: AnyColumns, values: NDArray[Any]) -> Iterator[tuple[Columns | Terms, NDArray[Any]]]:
    """The part of `values`, one for each column, that belongs to each block."""
    blocks = list_blocks(columns)
    ends = np.cumsum([block.width for block in blocks])
    return zip(blocks, np.split(values, ends[:-1]), strict=True)


def write_floats(values: Any) -> bytes:
    return np.ascontiguousarray(values, dtype="<f8").tobytes()
