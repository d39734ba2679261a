"""Puts what was saved apart in front of its estimator: which columns each part takes, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from predictor.formats import write_count
from predictor.texts import list_names
from predictor.training.boosters import find_library
from predictor.training.external.parts import Hints, Parts, blame_part, choose_names
from predictor.training.external.text_columns import takes_list
from predictor.training.external.wrapping import forget_names
from predictor.training.pipeline import find_nested


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A transformer that takes some of the columns `before` it, and whose outputs are some of those `after` it.

    One that takes all of them as they are has no names: these are empty.
    """

    transformer: Any
    before: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The stages before an estimator, in the order in which they are applied, and the columns that the first one takes.

    `names` are None where no part knows them, and so is `count`.
    """

    stages: tuple[Stage, ...]
    names: list[str] | None
    count: int | None


def plan_stages(parts: Parts, hints: Hints, columns: Sequence[str]) -> Plan:
    """Work back from the estimator's columns to those that people have, which are the `columns` of the sample.

    Raises ModelFileError, with the option that says it, where the parts do not tell which columns they take, or in
    which order they are applied.
    """
    count = count_features(parts.estimator)
    names = _name_columns(parts, hints, columns)
    order = _find_order(parts, hints, names)
    stages: list[Stage] = []
    for name in reversed(order):
        transformer = parts.transformers[name]
        takes, gives = _find_columns(parts, hints, name)
        stage = _take_some(transformer, takes, gives, names)
        if stage is None and (takes is None or names is None):
            _check_outputs(parts, hints, name, count, columns)
        if stage is not None:
            names, count = list(stage.before), len(stage.before)
        else:
            count = count_features(transformer)
            names = takes or choose_names(parts, hints, count)
        stages.insert(0, stage or Stage(transformer=transformer))
    return Plan(stages=tuple(stages), names=names, count=count)


def _name_columns(parts: Parts, hints: Hints, columns: Sequence[str]) -> list[str] | None:
    """The names of the estimator's columns; None where no part knows them.

    Where all parts give as many columns as they take, an estimator without names has those of the sample, in order.
    """
    count = count_features(parts.estimator)
    names = find_names(parts.estimator) or choose_names(parts, hints, count)
    if names is not None or count != len(columns):
        return names
    placed = [_find_columns(parts, hints, name) for name in parts.transformers]
    is_kept = all(takes and set(takes) == set(gives) < set(columns) for takes, gives in placed)
    return [*columns] if placed and is_kept else None


def _find_order(parts: Parts, hints: Hints, names: list[str] | None) -> list[str]:
    if hints.steps is not None:
        wrong = [name for name in hints.steps if name not in parts.transformers]
        if wrong:
            raise parts.file.error(f"--steps: {wrong[0]!r} prepares no inputs: it has no transform, or it predicts")
        return list(hints.steps)
    order = list(parts.transformers)
    if len(order) > 1 and not _is_side_by_side(parts, hints, order, names or []):
        raise parts.file.error(
            "several parts prepare its inputs, and their order is not known: add --steps with those to apply, in that"
            f" order; they are {list_names(order)}"
        )
    return order


def _is_side_by_side(parts: Parts, hints: Hints, order: list[str], names: list[str]) -> bool:
    """Whether each takes columns of its own among those of the estimator, so that any order gives the same."""
    seen = set[str]()
    for name in order:
        takes, gives = _find_columns(parts, hints, name)
        both = {*(takes or ()), *gives}
        if _take_some(parts.transformers[name], takes, gives, names) is None or both & seen:
            return False
        seen |= both
    return True


def _find_columns(parts: Parts, hints: Hints, name: str) -> tuple[list[str] | None, list[str]]:
    """The names of the columns that a transformer takes, None where they are unknown, and of those that it gives."""
    transformer = parts.transformers[name]
    given = list((hints.steps or {}).get(name, ()))
    takes = given or find_names(transformer)
    if given and count_features(transformer) not in (len(given), None):
        raise blame_part(parts, name, f"takes {count_features(transformer)} columns, and --steps names {len(given)}")
    if takes is None:
        return None, []
    try:
        return takes, list(map(str, transformer.get_feature_names_out(takes)))
    except (AttributeError, ValueError):  # Not every transformer names its outputs.
        return takes, takes


def _take_some(transformer: Any, takes: list[str] | None, gives: list[str], names: list[str] | None) -> Stage | None:
    """The stage of a transformer whose outputs are some of the columns `names`; None where it takes all of them."""
    if not takes or names is None or not set(gives) < set(names):
        return None
    rest = [name for name in names if name not in set(gives)]
    before = names if set(takes) == set(gives) else [*rest, *takes]
    return Stage(
        transformer=transformer, before=tuple(before), takes=tuple(takes), gives=tuple(gives), after=tuple(names)
    )


def _check_outputs(parts: Parts, hints: Hints, name: str, wanted: int | None, columns: Sequence[str]) -> None:
    """Raise ModelFileError for a transformer that does not give as many columns as come after it, without names."""
    transformer = parts.transformers[name]
    given, width = _count_outputs(transformer), count_features(transformer)
    if given is None or wanted is None or given == wanted:
        return
    problem = f"gives {write_count(given, 'column')}, and {wanted} are wanted after it"
    if takes_list(transformer):
        way_out = "they were not fitted together, or others stand next to them, which only a pipeline of all can tell"
        raise blame_part(parts, name, f"{problem}: {way_out}")
    if _find_columns(parts, hints, name)[0] is None:
        place = f'add --steps "{name}=COLUMN,…" with the {width} that it takes'
        raise blame_part(parts, name, f"{problem}; which ones it takes is not known: {place}")
    example = [*columns]
    for takes, gives in (_find_columns(parts, hints, each) for each in parts.transformers):
        if takes and set(takes) != set(gives):
            example = [*(column for column in example if column not in takes), *gives]
    shown = ",".join(example) if len(example) == wanted else "A,B,…"
    raise blame_part(
        parts,
        name,
        f"{problem}; the names of these are not known: add --columns with all of them in the order in which the model"
        f' was fitted on them, such as --columns "{shown}"',
    )


def _count_outputs(transformer: Any) -> int | None:
    """How many columns a transformer gives; None where that is unknown."""
    try:
        return len(transformer.get_feature_names_out())
    except (AttributeError, ValueError):  # Not every transformer names its outputs.
        pass
    try:
        return int(np.shape(transformer.transform(np.zeros((1, count_features(transformer) or 1))))[-1])
    except (AttributeError, TypeError, ValueError):  # It takes texts.
        return None


def build_pipeline(stages: Sequence[Stage], estimator: Any, inputs: Any, *, is_dense: bool) -> Any:
    """One pipeline of all stages and the estimator, for inputs like these: a matrix or a DataFrame, (n, columns).

    With `is_dense`, the estimator gets a dense matrix of what the last stage gives.
    """
    if not stages:
        return estimator
    steps: list[Any] = []
    for stage in stages:
        if steps or (stage.after and isinstance(inputs, np.ndarray)):
            # It is given a matrix here.
            forget_names(stage.transformer)
        if stage.after:
            steps += _place(stage, np.zeros((2, len(stage.before))) if steps else inputs)
        else:
            steps.append(stage.transformer)
    forget_names(estimator)
    dense = [_make_dense(estimator)] if is_dense else []
    return make_pipeline(*steps, *dense, estimator)


def wants_dense(parts: Parts, hints: Hints, plan: Plan) -> bool:
    """Whether an estimator takes the terms of a vectoriser before it as a dense matrix, not as the sparse one.

    Raises ModelFileError for XGBoost, to which what is not in a sparse matrix is missing, and 0 in a dense one.
    """
    estimator = parts.estimator
    if not plan.stages or not takes_list(plan.stages[0].transformer):
        return False
    if hints.terms is None and any(find_library(each) == "xgboost" for each in find_nested(estimator)):
        raise parts.file.error(
            "XGBoost predicts otherwise for a sparse matrix than for a dense one: add --terms dense where it was"
            " fitted on what toarray() makes of a vectoriser's terms, else --terms sparse"
        )
    is_sparse = not hasattr(estimator, "__sklearn_tags__") or get_tags(estimator).input_tags.sparse
    return not is_sparse if hints.terms is None else hints.terms == "dense"


def _make_dense(estimator: Any) -> ColumnTransformer:
    """What a notebook does by `toarray`."""
    width = count_features(estimator) or 1
    return ColumnTransformer([("all", "passthrough", slice(0, width))], sparse_threshold=0).fit(np.zeros((2, width)))


def _place(stage: Stage, inputs: Any) -> list[ColumnTransformer]:
    """Apply a transformer to its columns, and put its outputs among the others, in the order that comes after."""
    rest = [name for name in stage.before if name not in set(stage.takes)]
    positions = {name: position for position, name in enumerate(stage.before)}
    side_by_side = ColumnTransformer(
        [
            ("part", FrozenEstimator(stage.transformer), [positions[name] for name in stage.takes]),
            ("rest", "passthrough", [positions[name] for name in rest]),
        ],
        sparse_threshold=0,
    )
    made = [*stage.gives, *rest]
    order = [made.index(name) for name in stage.after]
    placed = [side_by_side.fit(inputs)]
    if order != sorted(order):
        placed.append(ColumnTransformer([("order", "passthrough", order)]).fit(np.zeros((2, len(order)))))
    return placed


def find_names(estimator: Any) -> list[str] | None:
    """The names of the columns that an estimator was fitted on; None where it does not know any.

    CatBoost has them under a name of its own, and gives the columns of a matrix their numbers as names.
    """
    wanted = getattr(estimator, "feature_names_in_", None)
    if wanted is None and (own := _find_own_names(estimator)) != [str(number) for number in range(len(own))]:
        wanted = own
    return None if wanted is None else [str(name) for name in wanted]


def count_features(estimator: Any) -> int | None:
    """How many columns an estimator was fitted on, None where that is unknown. A fitted CatBoost says 0."""
    count = getattr(estimator, "n_features_in_", None)
    return count or len(_find_own_names(estimator)) or None


def _find_own_names(estimator: Any) -> list[str]:
    return list(getattr(estimator, "feature_names_", None) or [])
