"""Records the outcomes of an uploaded file as a job, by the rules of `manage.py record_outcomes`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from predictor import jobs
from predictor.exceptions import OutcomeChanged
from predictor.files.keeping import find_kept
from predictor.lifecycle.data_versions import open_table
from predictor.outcomes.files import Judged, Sorting, Wording, write_refused
from predictor.outcomes.storing import split, store_rows
from predictor.record.job_problem import JobProblem
from predictor.tables.columns import TableColumn
from predictor.tasks.result_file import keep_table

COLUMNS = [
    TableColumn(name="line", kind="integer"),
    *(TableColumn(name=name, kind="text") for name in ("id", "reference", "outcome", "result", "reason")),
]
ROWS_AT_ONCE = 1_000
WORDING = Wording(correct="replacing recorded outcomes")


def record_outcomes(held: jobs.Held) -> None:
    """Judge all rows, keep the report, and then store the outcomes together with the end of the job.

    Its arguments are `file`, and the command's options `correct`, `partial` and `new_classes`.
    """
    job, arguments = held.job, held.job.arguments
    file = find_kept(arguments["file"])
    jobs.report(held, f"reading {file.name}")
    # It imports polars, which a worker that waits does without.
    from predictor.scoring.outcome_file import OutcomeFile

    sorting = Sorting(
        new_classes=bool(arguments.get("new_classes")),
        correct=bool(arguments.get("correct")),
        model=job.model,
        wording=WORDING,
    )
    with open_table(file) as table:
        entries = OutcomeFile(table)
        jobs.report(held, "looking up the predictions", total=entries.rows)
        rows = make_rows(sorting.judge(entries))
        report = keep_table(held, f"{Path(file.name).stem}-report", "csv", COLUMNS, rows)
    is_stored = bool(arguments.get("partial")) or not sorting.refused
    result = {"file": str(report.pk), "stored": is_stored, "counts": sorting.counts}
    if not is_stored:
        problem = f"{write_refused(sorting.refused, entries.rows)}, and nothing was stored"
        shown = JobProblem(code="rows_refused", values={"refused": sorting.refused, "rows": entries.rows})
        jobs.fail(held, f"{problem}: the report says why.", result, problem=shown)
        return
    try:
        store_rows(sorting.rows, job.made_by, on_stored=lambda: jobs.finish(held, result))
    except OutcomeChanged as error:
        jobs.fail_attempt(held, str(error))


def make_rows(judged: Iterable[Judged]) -> Iterator[list[list[Any]]]:
    for batch in split(judged, ROWS_AT_ONCE):
        yield [
            [each.entry.line, each.entry.id, each.entry.reference, str(each.entry.outcome), each.result, each.reason]
            for each in batch
        ]
