"""Records the outcomes of an uploaded file as a job, by the rules of `manage.py record_outcomes`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from predictor import jobs
from predictor.exceptions import OutcomeChanged
from predictor.files.keeping import find_kept
from predictor.lifecycle.data_versions import open_table
from predictor.models import KeptFile
from predictor.outcomes.files import REFUSED, Entry, Judged, Sorting, Wording, count_results, store_rows, write_refused
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
    entries = read_file(file)
    jobs.report(held, "looking up the predictions", total=len(entries))
    sorting = Sorting(
        new_classes=bool(arguments.get("new_classes")),
        correct=bool(arguments.get("correct")),
        model=job.model,
        wording=WORDING,
    )
    sorting.sort(entries)
    judged = sorting.by_line
    refused = sum(each.result in REFUSED for each in judged)
    is_stored = bool(arguments.get("partial")) or not refused
    report = keep_table(held, f"{Path(file.name).stem}-report", "csv", COLUMNS, make_rows(judged))
    result = {"file": str(report.pk), "stored": is_stored, "counts": count_results(judged)}
    if not is_stored:
        problem = f"{write_refused(refused, len(judged))}, and nothing was stored"
        shown = JobProblem(code="rows_refused", values={"refused": refused, "rows": len(judged)})
        jobs.fail(held, f"{problem}: the report says why.", result, problem=shown)
        return
    try:
        store_rows(sorting.rows, job.made_by, on_stored=lambda: jobs.finish(held, result))
    except OutcomeChanged as error:
        jobs.fail_attempt(held, str(error))


def read_file(file: KeptFile) -> list[Entry]:
    """The rows of a kept file. Raises DatasetError and FileGone."""
    # It imports polars, which a worker that waits does without.
    from predictor.scoring.outcome_file import read_entries

    with open_table(file) as table:
        return read_entries(table)


def make_rows(judged: list[Judged]) -> Iterator[list[list[Any]]]:
    for start in range(0, len(judged), ROWS_AT_ONCE):
        yield [
            [each.entry.line, each.entry.id, each.entry.reference, str(each.entry.outcome), each.result, each.reason]
            for each in judged[start : start + ROWS_AT_ONCE]
        ]
