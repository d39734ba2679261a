"""Scores a file that was uploaded as a job."""

from predictor import jobs


def score(held: jobs.Held) -> None:
    """Answer every row of a kept file; each chunk is stored once, with its part of the result."""
    # It imports polars, which a worker that waits does without.
    from predictor.cluster.client import ClusterLost
    from predictor.scoring.kept_file import score_kept_file

    try:
        score_kept_file(held)
    except ClusterLost as error:
        # Unlike other errors of ours, it may be over at the next attempt.
        raise ConnectionError(str(error)) from error
