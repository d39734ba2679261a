"""Proposes a recipe for an uploaded table, with doubts, as plain values that a page shows and a form changes."""

import re
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from predictor.exceptions import DatasetError, RecipeError
from predictor.record.parameter_bounds import Bound
from predictor.record.remark import Remark
from predictor.schema.kinds import Task
from predictor.tables.table import read_table
from predictor.texts import is_storable, make_printable, shorten
from predictor.training.drafting.described import describe_keys
from predictor.training.drafting.doubts import Finding
from predictor.training.drafting.draft import Draft, describe_selection
from predictor.training.drafting.folder import fill_folder
from predictor.training.drafting.selection import DEFAULT_ESTIMATORS, LINEAR_ESTIMATORS
from predictor.training.recipe import EstimatorRecipe
from predictor.training.stored.allowlist import ALLOWED
from predictor.training.vectorising import LINEAR_ON_TEXTS

SHOWN_VALUES = 3
# With the target; the form of wider tables would have more fields than a form in the admin may send.
MOST_COLUMNS = 120
MOST_CODES = 10
# What doubts advise to write into model.toml, and where the form has it.
IN_FORM = [
    (re.compile(r"write missing = \[(.*?)\](?: below \[.*\])?"), r"write \1 as what means missing"),
    (re.compile(r": to unite them, write the line with merge"), ": tick “Unite spellings” to make them one"),
    (re.compile(r'write task = "classification" and its estimator'), "choose a class as what is predicted"),
    (re.compile(r'write task = "regression" and its estimator'), "choose a number as what is predicted"),
    (re.compile(r'then write kind = "date" and format = "%Y%m%d"'), "write them like 2026-03-01"),
    (re.compile(r'kind = "text"'), "the kind “text”"),
]
FOREST = {"n_estimators": 100, "max_depth": 12, "min_samples_leaf": 3}
FORESTS: dict[Task, EstimatorRecipe] = {
    "regression": EstimatorRecipe(path="sklearn.ensemble.RandomForestRegressor", params=FOREST),
    "classification": EstimatorRecipe(path="sklearn.ensemble.RandomForestClassifier", params=FOREST),
}


class TableColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table, and a few of its values."""

    name: str
    values: list[str]


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """What a target is chosen from."""

    rows: int
    columns: list[TableColumn]


class ProposedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column in a few words, doubts about it, and `merge`, the spellings that may mean one value.

    `codes` are few values, in order, that may stand for words. `obstacle` says why it is left out; it is empty where it
    is not. `found`, `coded` and `left_out` are the description, the doubts and the obstacle as pages say them; a
    process of the former build says them in English.
    """

    name: str
    described: str
    doubts: list[str]
    obstacle: str
    read_as: str
    merge: dict[str, list[str]]
    codes: list[str]
    found: list[Remark] = []
    coded: list[Remark] = []
    left_out: Remark | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe as `model.toml` would have it, and what startmodel says about its table.

    `estimators` are those to choose from, by task and name; `measured` says how the chosen one was found. `limits` has
    by class which parameters it takes; `bounds` says so in English, for a process of the former build.
    """

    content: dict[str, Any]
    rows: int
    target: ProposedColumn
    task: Task
    other_task: Task | None
    columns: list[ProposedColumn]
    estimators: dict[Task, dict[str, EstimatorRecipe]]
    chosen: str
    measured: list[str]
    bounds: dict[str, dict[str, str]]
    limits: dict[str, dict[str, Bound]]


def list_columns(table: Path) -> Columns:
    """Read a table. Raises DatasetError, also for one of too many columns."""
    read, _ = read_table(table)
    if len(read.columns) > MOST_COLUMNS:
        wide = f"has {len(read.columns)} columns, and a form at most {MOST_COLUMNS}"
        raise DatasetError(f"{table} {wide}: leave some out, or make the model by `manage.py startmodel`.")
    return Columns(
        rows=len(read), columns=[TableColumn(name=each.name, values=list(_show_values(each))) for each in read]
    )


def _show_values(series: pl.Series) -> list[str]:
    different = series.drop_nulls().head(1_000).unique(maintain_order=True).head(SHOWN_VALUES)
    return [make_printable(shorten(str(value))) for value in different.to_list()]


def propose_recipe(slug: str, table: Path, target: str) -> Proposal:
    """Draft a recipe as startmodel does. Raises RecipeError or DatasetError."""
    with tempfile.TemporaryDirectory(prefix="mlsite-draft-") as folder:
        made = Path(folder) / slug
        made.mkdir()
        try:
            draft = fill_folder(made, table, target, None)
            content = tomllib.loads((made / "model.toml").read_text(encoding="utf-8"))
        except (RecipeError, DatasetError) as error:
            raise type(error)(
                str(error).replace(str(made), "").replace("manage.py startmodel", "startmodel")
            ) from error
    task = draft.target.task
    estimators = {each: _list_estimators(draft, each) for each in (task, draft.other_task) if each is not None}
    limits = {each.path: ALLOWED[each.path] for found in estimators.values() for each in found.values()}
    return Proposal(
        content=content,
        rows=draft.rows,
        target=_describe_target(draft),
        task=task,
        other_task=draft.other_task,
        columns=[_describe(draft, finding) for finding in draft.findings],
        estimators=estimators,
        chosen=next(name for name, each in estimators[task].items() if each == draft.estimator),
        measured=[line.removeprefix("- ") for line in describe_selection(draft.selection)],
        bounds={path: {key: bound.expected for key, bound in found.items()} for path, found in limits.items()},
        limits=limits,
    )


def _list_estimators(draft: Draft, task: Task) -> dict[str, EstimatorRecipe]:
    """Those to choose from, by name; what was measured best first."""
    has_texts = any(given.kind == "text" for given in draft.features.values())
    found = {"boosted trees": DEFAULT_ESTIMATORS[task], "random forest": FORESTS[task]}
    found |= LINEAR_ON_TEXTS[task] if has_texts else {"linear model": LINEAR_ESTIMATORS[task]}
    if draft.estimator not in found.values() and task == draft.target.task:
        found["as measured"] = draft.estimator
    return dict(sorted(found.items(), key=lambda each: each[1] != draft.estimator))


def _describe_target(draft: Draft) -> ProposedColumn:
    name = draft.target.name
    return ProposedColumn(
        name=name,
        described=draft.described.text,
        found=[draft.described, *_describe_keys(draft, name)],
        doubts=[_write_for_form(doubt.text) for doubt in draft.doubts],
        coded=list(map(_rewrite, draft.doubts)),
        obstacle="",
        read_as="; ".join(map(str, _describe_keys(draft, name))),
        merge=_leave_storable(draft.merge),
        codes=[str(label) for label in draft.target.classes] if len(draft.target.classes) <= MOST_CODES else [],
    )


def _describe(draft: Draft, finding: Finding) -> ProposedColumn:
    return ProposedColumn(
        name=finding.name,
        described=finding.kind,
        found=[*finding.described, *_describe_keys(draft, finding.name)],
        doubts=[_write_for_form(doubt.text) for doubt in finding.doubts],
        coded=list(map(_rewrite, finding.doubts)),
        obstacle=_write_for_form(str(finding.obstacle or "")),
        left_out=finding.obstacle and _rewrite(finding.obstacle),
        read_as="; ".join(map(str, _describe_keys(draft, finding.name))),
        merge=_leave_storable(finding.merge),
        codes=list(map(str, draft.coded.get(finding.name, ()))),
    )


def _describe_keys(draft: Draft, name: str) -> list[Remark]:
    given = draft.features.get(name)
    return list(describe_keys(given)) if given and (given.kind or given.missing) else []


def _write_for_form(doubt: str) -> str:
    for pattern, words in IN_FORM:
        doubt = pattern.sub(words, doubt)
    return make_printable(doubt)


def _rewrite(doubt: Remark) -> Remark:
    return msgspec.structs.replace(doubt, text=_write_for_form(doubt.text))


def _leave_storable(merge: dict[str, list[str]]) -> dict[str, list[str]]:
    return {into: texts for into, texts in merge.items() if all(map(is_storable, [into, *texts]))}
