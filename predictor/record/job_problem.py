"""Why a job failed, as it is stored; and the one place where that becomes a sentence of a page.

The job's own error stays in English, for commands, for the admin's record and for what has no code.
"""

from collections.abc import Mapping

import msgspec

from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.record.file_preview import SENTENCES as OF_FILES
from predictor.record.filling import Value, fill

# By code.
SENTENCES: dict[str, str] = {
    **{code: OF_FILES[code] for code in ("no_rows", "missing", "too_many_rows", "large_groups", "unreadable")},
    "too_many_cells": _("An Excel file may have at most {limit} cells here: save it as CSV or Parquet."),
    "no_space": _(
        "There is no space for it at the moment: it needs {needed}, and {free} are free for files."
        " Older files are deleted by themselves."
    ),
    "file_gone": _("The file is no longer kept: upload it again."),
    "sheet_full": _("An Excel file has at most {limit} rows: choose CSV or Parquet."),
    "rows_refused": _("Nothing was stored. Refused rows: {refused} of {rows}. The report says why."),
    "model_retired": _("The model was retired: it makes no new predictions."),
    "model_not_ready": _("The model cannot be used at the moment. Those who run this site see why in the admin."),
    "too_much_memory": _(
        "It was stopped: it needs more than {limit} MB of memory, which is the most here. Use a smaller table or file."
    ),
    "table_not_found": _(
        "The table {table} of the recipe was not found: put it there, or correct its path in the recipe."
    ),
    "no_target": _("The table has no column {target}, the target of the recipe. Its columns are {columns}."),
    "no_column": _("The table has no column {column}, which the recipe names. Its columns are {columns}."),
    "no_recipe": _("The recipe of {model} was not found on the machine of the worker."),
    "empty_target": _("No row of the table has a value in {target}, the target of the recipe."),
    "few_rows": _("Too few rows are left to train on: {rows}. At least 2 are needed."),
    "no_holdout": _("The table has too few rows to hold some out: {rows}. Use more, or set holdout = 0 in the recipe."),
    "contract_broken": _(
        "The table differs from that of version {version} in what the contract of the recipe refuses. Correct the table"
        " or, where the change is meant, the contract."
    ),
    "training_too_large": _(
        "The training needs about {megabytes} MB of memory, and {limit} MB are left for it (WORKER_MEMORY_MB). Set that"
        " higher where there is more, or use fewer rows or a smaller model."
    ),
    "failed_often": _("It failed {times} times at the same place."),
    "worker_lost": _(
        "It was begun {times} times at the same place, and its worker was lost each time: perhaps the machine has too"
        " little memory."
    ),
}


class JobProblem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A code, the values of its sentence, and what has no code, in English; sizes are in bytes.

    A build that does not know the code shows the job's error in its place.
    """

    code: str
    values: Mapping[str, Value] = {}
    detail: str = ""

    def __str__(self) -> str:
        """The sentence in the current language; empty for an unknown code."""
        return fill(gettext(SENTENCES[self.code]), self.values) if self.code in SENTENCES else ""
