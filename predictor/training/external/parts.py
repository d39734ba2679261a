"""Finds what files contain, apart from each other: an estimator, what prepares its inputs, encoders, columns' names."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelEncoder

from predictor.exceptions import ModelFileError
from predictor.texts import add_article, list_names
from predictor.training.external.boosted_file import adopt_booster
from predictor.training.external.contents import describe_contents
from predictor.training.external.model_file import ModelFile


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What the options say about parts, which are called by their names: None or empty where they say nothing.

    `steps` are the transformers to apply, in this order, each with the columns that it takes, where these are given.
    `encoders` gives the columns of label encoders, `dropped` the categories without a column of their own, and
    `dummies` the prefixes of those that have one. `texts` are columns of texts, and `terms` says how the estimator got
    those of a vectoriser: "dense" or "sparse".
    """

    estimator: str | None = None
    columns: str | None = None
    steps: Mapping[str, tuple[str, ...]] | None = None
    encoders: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    dummies: Mapping[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    terms: str | None = None


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The estimator and, by name, what was saved with it; `file` is the one that contains the estimator.

    `names` are lists of texts that may name columns, and `unused` what has no role here.
    """

    file: ModelFile
    estimator: Any
    transformers: Mapping[str, Any] = field(default_factory=dict)
    encoders: Mapping[str, LabelEncoder] = field(default_factory=dict)
    names: Mapping[str, list[str]] = field(default_factory=dict)
    unused: Mapping[str, Any] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        return [f"not used: {name} ({add_article(type(part).__name__)})" for name, part in self.unused.items()]


def find_parts(loaded: Sequence[tuple[ModelFile, Any]], hints: Hints) -> Parts:
    """Sort what the files contain by what it can do. Raises ModelFileError where that is not one estimator."""
    twice = [name for name, count in Counter(file.path.name for file, _ in loaded).items() if count > 1]
    if twice:
        raise loaded[0][0].error(f"there are several files of the name {twice[0]!r}: give each a name of its own")
    named = {
        name: (file, adopt_booster(file, part))
        for file, content in loaded
        for name, part in _list_named(file, content, len(loaded) > 1)
    }
    _check_hints(loaded[0][0], hints, list(named))
    predicting = {name: each for name, each in named.items() if can(each[1], "predict")}
    file, estimator = _choose_estimator(loaded, predicting, hints)
    others = {name: part for name, (_, part) in named.items() if name not in predicting}
    encoders = {name: part for name, part in others.items() if isinstance(part, LabelEncoder)}
    transformers = {
        name: part
        for name, part in others.items()
        if name not in encoders and can(part, "transform") and (hints.steps is None or name in hints.steps)
    }
    names = {name: list(map(str, part)) for name, part in others.items() if is_names(part)}
    used = {*encoders, *transformers, *names}
    left = {name: part for name, (_, part) in named.items() if name not in used and part is not estimator}
    return Parts(file=file, estimator=estimator, transformers=transformers, encoders=encoders, names=names, unused=left)


def _choose_estimator(
    loaded: Sequence[tuple[ModelFile, Any]], predicting: dict[str, tuple[ModelFile, Any]], hints: Hints
) -> tuple[ModelFile, Any]:
    if hints.estimator is not None:
        if hints.estimator not in predicting:
            raise loaded[0][0].error(f"--estimator: {hints.estimator!r} has no predict; {_list_choice(predicting)}")
        return predicting[hints.estimator]
    if not predicting:
        raise loaded[0][0].error("; ".join(describe_contents(content) for _, content in loaded))
    if len(predicting) > 1:
        raise loaded[0][0].error(
            f"several parts have predict: add --estimator with the one to serve; {_list_choice(predicting)}"
        )
    return next(iter(predicting.values()))


def _list_choice(predicting: Mapping[str, object]) -> str:
    return f"these have it: {list_names([*predicting])}" if predicting else "no part has it"


def _list_named(file: ModelFile, content: Any, is_one_of_several: bool) -> Iterator[tuple[str, Any]]:
    """The parts of a file: keys of a dict, positions in a tuple or list, with the file's name where there are several.

    Inner dicts are parts of their own, "encoders/town"; what is not taken apart has the name of its file.
    """
    parts = list(_take_apart(content))
    if [name for name, _ in parts] == [""]:
        yield file.path.name, content
        return
    before = f"{file.path.name}/" if is_one_of_several else ""
    yield from ((f"{before}{name}", part) for name, part in parts)


def _take_apart(content: Any) -> Iterator[tuple[str, Any]]:
    inner: Iterable[tuple[object, Any]]
    if isinstance(content, dict):
        inner = content.items()
    elif isinstance(content, tuple | list) and not is_names(content):
        inner = enumerate(content)
    else:
        yield "", content
        return
    for key, part in inner:
        for name, each in _take_apart(part):
            yield (f"{key}/{name}" if name else str(key)), each


def _check_hints(file: ModelFile, hints: Hints, known: list[str]) -> None:
    given: dict[str, list[str | None]] = {
        "--estimator": [hints.estimator],
        "--columns": [hints.columns],
        "--steps": [*(hints.steps or ())],
        "--encoder": [*hints.encoders],
    }
    for option, names in given.items():
        for name in names:
            is_written_out = option == "--columns" and name is not None and "," in name
            if name is not None and name not in known and not is_written_out:
                raise file.error(f"{option}: there is no part {name!r}; the parts are {list_names(known)}")


def choose_names(parts: Parts, hints: Hints, count: int | None) -> list[str] | None:
    """The names of so many columns; None where no part has as many. Raises ModelFileError where several differ."""
    if hints.columns is not None:
        chosen = parts.names.get(hints.columns)
        if chosen is None and "," in hints.columns:
            chosen = [name.strip() for name in hints.columns.split(",")]
        if chosen is None:
            raise parts.file.error(f"--columns: {hints.columns!r} is not a list of names")
        return chosen if len(chosen) == count else None
    fitting = {name: names for name, names in parts.names.items() if len(names) == count}
    if len({tuple(names) for names in fitting.values()}) > 1:
        raise parts.file.error(
            f"several parts may be the names of its columns: add --columns with one of {list_names([*fitting])}"
        )
    return next(iter(fitting.values()), None)


def can(part: Any, method: str) -> bool:
    """Whether a part is an object, not a class, that has this method."""
    return not isinstance(part, type) and callable(getattr(part, method, None))


def is_names(part: Any) -> bool:
    """Whether a part is a list of texts, or the like of numpy and pandas."""
    # An Index of pandas, which need not be installed, is no Sequence.
    is_list = isinstance(part, list | tuple | np.ndarray) or type(part).__name__ == "Index"
    return is_list and len(part) > 0 and all(isinstance(each, str) for each in part)


def blame_part(parts: Parts, name: str, problem: str) -> ModelFileError:
    """Make the error that names one part and its type."""
    part = {**parts.transformers, **parts.encoders}[name]
    return parts.file.error(f"{name}, {add_article(type(part).__name__)}, {problem}")
