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
