"""Writes a first model.toml, and a summary of what was inferred and of doubts about it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from predictor.formats import format_number, format_share, write_count
from predictor.metrics.names import LABELS, format_score
from predictor.record.remark import Remark
from predictor.schema.kinds import Task
from predictor.schema.target import Target
from predictor.texts import make_printable, quote
from predictor.training.drafting.described import describe_keys, describe_labels, describe_numbers, join
from predictor.training.drafting.doubts import Finding
from predictor.training.drafting.labels import label_columns
from predictor.training.drafting.lines import (
    CLASSES,
    CODES,
    begin_sentence,
    end_sentence,
    list_coded,
    note_codes,
    write_keys,
    write_label,
    write_merge,
    write_quiet_labels,
    write_unit,
)
from predictor.training.drafting.selection import Selection
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.recipe import EstimatorRecipe
from predictor.training.writing import write_inline, write_key, write_string

NO_OTHER = "The estimator does no other."
READS_NUMBERS = "Its texts are read as numbers."
MANY_COLUMNS = 50
SCHEDULE = ("# [schedule]  # Without being asked:", '# retrain = "weekly"', '# monitor = "daily"')


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The content of a first recipe.

    `source` is the table as the author named it and `data` its copy; `low` and `high` are the range of a target of
    numbers, and `other_task` is another task that it allows, with `other_estimator` for it. `why_task` says why the
    recipe sets the task, where it does. `features` has the keys without which columns would be read otherwise, and
    `merge` the spellings that may be one class.
    """

    slug: str
    source: Path
    data: str
    rows: int
    target: Target
    low: float
    high: float
    other_task: Task | None
    other_estimator: EstimatorRecipe | None
    why_task: str
    holds_out: bool
    selection: Selection
    doubts: tuple[Remark, ...]
    findings: list[Finding]
    features: dict[str, FeatureRecipe] = field(default_factory=dict)
    merge: dict[str, list[str]] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        return label_columns([self.target.name, *(finding.name for finding in self.findings)])

    @property
    def coded(self) -> dict[str, tuple[int, ...]]:
        """The few whole numbers of each column that has no other; a column with a unit has amounts."""
        amounts = {name for name, given in self.features.items() if given.kind}
        return {each.name: each.codes for each in self.findings if each.codes and each.name not in amounts}

    @property
    def estimator(self) -> EstimatorRecipe:
        return self.selection.chosen.estimator

    @property
    def is_one_sided(self) -> bool:
        """Whether the target is never below 0, and its errors grow with it: then no prediction should be either."""
        return self.selection.interval == "scaled" and self.low >= 0

    @property
    def described(self) -> Remark:
        """The target in a few words."""
        if self.target.task == "regression":
            return describe_numbers(self.low, self.high)
        return describe_labels(self.target.classes, "classes", "class")


def write_toml(draft: Draft) -> str:
    """Write the whole model.toml: doubts are comments, and columns that cannot be trained on are excluded."""
    target, params, labels = draft.target, draft.estimator.params, draft.labels
    lines = [
        f"# Written by `manage.py startmodel {draft.slug}` from {quote(draft.source.name)}:"
        f" {write_count(draft.rows, 'row')}, {write_count(len(draft.findings), 'feature')}.",
        "# Edit it: docs/recipes.md explains every key. Then run: manage.py retrain " + draft.slug,
        *(f"# Doubt: {end_sentence(doubt.text)}" for doubt in draft.doubts),
        "",
        f"title = {write_string(draft.slug.replace('_', ' ').capitalize())}",
        '# description = "A sentence or two below the title."',
        f"data = {write_string(draft.data)}",
        f"target = {write_string(target.name)}",
        f"# The target: {draft.described}.",
        *_write_task(draft),
        *_write_target_keys(draft.selection),
        "# holdout = 0.2"
        if draft.holds_out
        else "holdout = 0  # With so few different rows, cross-validation measures the model.",
        "# show_data = true  # Pages then show up to 200 of these rows.",
        "",
        *(f"# {line}" for line in describe_selection(draft.selection)),
        "[estimator]",
        f"class = {write_string(draft.estimator.path)}",
        *([f"params = {write_inline(params)}"] if params else []),
        *_write_other_estimator(draft),
        *_write_limits(draft),
        "",
        *SCHEDULE,
        "",
        "# Labels and units for pages. A feature also takes kind, help, minimum, maximum, choices, required, exclude,",
        "# and labels, the words for codes. [output] says how predictions are shown and limited.",
        f"[features.{write_key(target.name)}]  # The target.",
        write_label(target.name, labels),
        *(
            write_unit(draft.features.get(target.name))
            if target.task == "regression"
            else note_codes(list_coded(target), CLASSES)
        ),
        *write_merge(draft.merge),
        *write_keys(draft.features.get(target.name)),
        *_write_features(draft),
    ]
    return "\n".join(lines) + "\n"


def _write_task(draft: Draft) -> Iterator[str]:
    if draft.why_task:
        yield f'task = "{draft.target.task}"  # {draft.why_task}'
    elif draft.other_task:
        keys = (("target_transform", draft.selection.chosen.transform), ("interval", draft.selection.interval))
        removed = [key for key, is_set in (*keys, ("[output]", draft.is_one_sided)) if is_set]
        rest = f", without {', '.join(removed)}" if removed else ""
        yield f"# The task is {draft.target.task}; for another, write this line and those below [estimator]{rest}:"
        yield f'# task = "{draft.other_task}"'
    else:
        yield f"# The task is {draft.target.task}."


def _write_other_estimator(draft: Draft) -> Iterator[str]:
    """The lines that go with the other task, as comments."""
    if draft.other_estimator and not draft.why_task:
        yield f"# For {draft.other_task}, in place of these lines:"
        yield f"# class = {write_string(draft.other_estimator.path)}"
        if draft.other_estimator.params:
            yield f"# params = {write_inline(draft.other_estimator.params)}"


def _write_limits(draft: Draft) -> Iterator[str]:
    """The least prediction where the target is never below 0; a comment where it was not measured to matter."""
    if draft.is_one_sided:
        yield from ("", "[output]", "minimum = 0  # No value in the table is below 0.")
    elif draft.target.task == "regression" and draft.low >= 0 and not draft.selection.chosen.transform:
        yield from ("", "# [output]", "# minimum = 0  # No value in the table is below 0; predictions may be.")


def _write_target_keys(selection: Selection) -> Iterator[str]:
    if selection.chosen.transform:
        yield f'target_transform = "{selection.chosen.transform}"  # Measured better: see below.'
    if selection.interval:
        gain = format_share(selection.gain, decimals=0)
        yield f'interval = "{selection.interval}"  # Out of fold, {gain} better than a constant width.'


def describe_selection(selection: Selection) -> Iterator[str]:
    """In sentences, how the candidates were measured, and the chosen one."""
    if selection.is_late:
        yield "Not all folds were measured: the time for that was over."
    if len(selection.measured) < 2:
        return
    folds, rows = write_count(selection.folds, "fold"), write_count(selection.rows, "training row")
    yield f"{LABELS[selection.metric]} on {folds} of {rows}:"
    for each in selection.measured:
        score, is_first = format_score(selection.metric, each.score), each is selection.measured[0]
        wins = "" if is_first else f", better on {write_count(each.wins, 'fold')}"
        chosen = ": chosen" if each.candidate is selection.chosen else ""
        yield f"- {each.candidate.name}: {score}{wins}{chosen}"


def _write_features(draft: Draft) -> Iterator[str]:
    """A table for each column; where there are many, only for those with a doubt, an obstacle or keys."""
    findings, keyed, labels = draft.findings, draft.features.keys(), draft.labels
    is_long = len(findings) > MANY_COLUMNS
    quiet = {each.name for each in findings if not each.doubts and not each.obstacle} - keyed
    for finding in findings:
        if is_long and finding.name in quiet:
            continue
        yield ""
        yield f"[features.{write_key(finding.name)}]"
        yield f"# {end_sentence(begin_sentence(finding.kind))}"
        if finding.obstacle:
            yield f"exclude = true  # Left out, since {make_printable(finding.obstacle.text)}"
            continue
        yield from (f"# Doubt: {end_sentence(doubt.text)}" for doubt in finding.doubts)
        if finding.doubts:
            yield "# exclude = true"
        yield from write_merge(finding.merge)
        yield from write_keys(draft.features.get(finding.name))
        yield from note_codes(draft.coded.get(finding.name, ()), CODES)
        yield write_label(finding.name, labels)
        yield from write_unit(draft.features.get(finding.name)) if finding.is_number else ()
    if is_long and quiet:
        yield ""
        yield f"# {write_count(len(quiet), 'more column is a feature', 'more columns are features')}, without doubts."
        yield "# To configure one, write its table: [features.<column>]"
        yield from write_quiet_labels({name: labels[name] for name in labels if name in quiet})


def write_report(draft: Draft) -> str:
    """Summarise what was left out, inferred and doubted, and the next step."""
    width = min(30, max(len(make_printable(finding.name)) for finding in draft.findings))
    inferred = [f"  {make_printable(finding.name):<{width}}  {finding.kind}" for finding in draft.findings]
    doubts = [f"  {doubt}" for doubt in draft.doubts]
    doubts += [f"  {make_printable(each.name)}: {doubt}" for each in draft.findings for doubt in each.doubts]
    obstacles = [
        f"  {make_printable(each.name)}: {make_printable(each.obstacle.text)}"
        for each in draft.findings
        if each.obstacle
    ]
    read = [f"  {make_printable(name)}: {join(describe_keys(given))}" for name, given in draft.features.items()]
    lines = ["LEFT OUT, by `exclude = true` in model.toml:", *_shorten(obstacles)] if obstacles else []
    lines += [
        f"{draft.slug}: {write_count(draft.rows, 'row')}; the target {quote(draft.target.name)} is {draft.described}:"
        f" a {draft.target.task}.",
        f"The estimator is {draft.estimator.path}.",
        *(f"  {line}" for line in describe_selection(draft.selection)),
        *(f"The recipe has {line.replace('  # ', ': ')}" for line in _write_target_keys(draft.selection)),
        *(
            ["The recipe has minimum = 0 for its output: no value in the table is below 0"]
            if draft.is_one_sided
            else []
        ),
        "The features:",
        *_shorten(inferred),
    ]
    if read:
        lines += ["Read in a way of their own, by keys in model.toml:", *_shorten(read)]
    coded = [f"  {make_printable(name)}: {', '.join(map(str, codes))}" for name, codes in draft.coded.items()]
    if coded:
        lines += ["Few whole numbers, which may be codes that stand for words:", *_shorten(coded)]
    if doubts:
        lines += ["Doubts, which are comments in model.toml and leave nothing out:", *_shorten(doubts)]
    return "\n".join([*lines, f"Next: check ml_models/{draft.slug}/model.toml, then manage.py retrain {draft.slug}"])


def _shorten(lines: list[str]) -> list[str]:
    more = len(lines) - MANY_COLUMNS
    return [*lines[:MANY_COLUMNS], f"  … and {format_number(more)} more"] if more > 0 else lines
