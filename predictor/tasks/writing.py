"""Writes the result of a scored file as a workbook, which takes longer than a page may."""

from typing import BinaryIO, cast

from predictor import jobs
from predictor.exceptions import FileGone
from predictor.models import Job


def write(held: jobs.Held) -> None:
    """Keep the result of another job in one of the formats of `files.results`, next to it."""
    # It imports polars, which a worker that waits does without.
    from predictor.files.keeping import FileWriter, find_kept, name_result
    from predictor.files.results import write_result

    scored = Job.objects.filter(public_id=held.job.arguments["job"]).first()
    if scored is None or not scored.result:
        raise FileGone("the result was not found")
    kept = find_kept(scored.result["file"])
    format = held.job.arguments["format"]
    jobs.report(held, "writing the result", total=scored.result["rows"])
    with FileWriter(name=name_result(kept.name, format), made_by=held.job.made_by, expires=kept.expires_at) as writer:
        write_result(scored, format, cast(BinaryIO, writer))
        jobs.finish(held, {"file": str(writer.finish().pk)})
