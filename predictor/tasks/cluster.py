"""What jobs do while their Dask cluster is away."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def try_again_without_cluster() -> Iterator[None]:
    """Have the job tried again where its cluster was lost: unlike other errors of ours, it may be over then."""
    from predictor.cluster.client import ClusterLost

    try:
        yield
    except ClusterLost as error:
        raise ConnectionError(str(error)) from error
