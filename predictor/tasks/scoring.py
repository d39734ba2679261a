"""Scores a file that was uploaded as a job."""

from predictor import jobs
from predictor.tasks.cluster import try_again_without_cluster


def score(held: jobs.Held) -> None:
    """Answer every row of a kept file; each chunk is stored once, with its part of the result."""
    # It imports polars, which a worker that waits does without.
    from predictor.scoring.kept_file import score_kept_file

    with try_again_without_cluster():
        score_kept_file(held)
