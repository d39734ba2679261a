"""Has the workers of a Dask cluster carry out the fits of a training, by joblib's backend."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from predictor.cluster.build import check_build, find_build
from predictor.cluster.client import SECONDS_WITHOUT_WORKERS, ClusterError, ClusterLost, connect
from predictor.texts import take_first_line


@contextmanager
def train_on_cluster(url: str) -> Iterator[None]:
    """Within the block, trainings of this thread use the workers of the scheduler at `url`; None where it is empty.

    Raises ClusterError where they cannot.
    """
    if not url:
        # Without scikit-learn, which the training imports while it reads the table.
        yield
        return
    from predictor.training.dispatch import Cluster, use_cluster

    with connect(url) as client:
        from distributed import CancelledError, KilledWorker
        from joblib import parallel_config

        def configure() -> AbstractContextManager[Any]:
            how = {"client": client, "wait_for_workers_timeout": SECONDS_WITHOUT_WORKERS}
            return parallel_config(backend="dask", **how)

        with use_cluster(Cluster(configure=configure, check=partial(check_build, find_build()))):
            try:
                yield
            except KilledWorker as error:
                raise ClusterError(f"Each worker on which a fit ran was lost: {take_first_line(error)}") from error
            except (CancelledError, TimeoutError) as error:
                raise ClusterLost(f"The cluster at {url} was lost: {take_first_line(error)}") from error
