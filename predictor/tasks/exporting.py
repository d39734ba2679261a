"""Exports stored predictions as a job."""

from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from predictor import jobs
from predictor.history.exports import Export
from predictor.history.filters import read_filters
from predictor.tasks.progress import JobProgress
from predictor.tasks.result_file import keep_table


def export(held: jobs.Held) -> None:
    """Write the predictions of `filters` as `format`, with the columns and rules of `manage.py export`.

    A file of columns cannot be continued: begun again, it is written anew.
    """
    job, arguments = held.job, held.job.arguments
    table = Export(read_filters({**arguments["filters"], "model": job.model}))
    progress, count = JobProgress(held), 0

    def read() -> Iterator[list[list[Any]]]:
        nonlocal count
        for rows in table.read():
            count += len(rows)
            yield rows
            progress("writing predictions", done=count)

    file = keep_table(held, f"{job.model}-{timezone.now():%Y-%m-%d}", arguments["format"], table.columns, read())
    jobs.finish(held, {"file": str(file.pk), "rows": count})
