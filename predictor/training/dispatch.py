"""Has the workers of a cluster carry out fits where that is asked for, by joblib; else they run here, in order."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from joblib import Parallel, delayed, parallel_config
from sklearn.base import BaseEstimator

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """How joblib is led to the workers of a cluster, and what each of them calls first, such as to refuse its build."""

    configure: Callable[[], AbstractContextManager[Any]]
    check: Callable[[], None]


_cluster: ContextVar[Cluster | None] = ContextVar("cluster", default=None)


@contextmanager
def use_cluster(cluster: Cluster | None) -> Iterator[None]:
    """Within the block, this thread's trainings use a cluster; None where they run here."""
    token = _cluster.set(cluster)
    try:
        yield
    finally:
        _cluster.reset(token)


def run_each(function: Callable[..., T], calls: Iterable[tuple[Any, ...]]) -> list[T]:
    """Call a function with each of these arguments, and return its results in their order. Raises what it raises."""
    cluster = _cluster.get()
    if cluster is None:
        return [function(*call) for call in calls]
    with cluster.configure():
        return list(Parallel()(delayed(_run_alone)(cluster.check, function, call) for call in calls))


def _run_alone(check: Callable[[], None], function: Callable[..., T], call: tuple[Any, ...]) -> T:
    check()
    # A worker's thread is the only one of its task.
    with parallel_config(backend="sequential"):
        return function(*call)


class FittedAlone(BaseEstimator):
    """An estimator that a search fits on a worker, in one thread; `model` is what is fitted."""

    def __init__(self, model: Any, check: Callable[[], None]) -> None:
        self.model, self.check = model, check

    def fit(self, inputs: Any, target: Any, **arguments: Any) -> "FittedAlone":
        self.run_alone(lambda: self.model.fit(inputs, target, **arguments))
        return self

    def run_alone(self, function: Callable[..., T], *call: Any) -> T:
        return _run_alone(self.check, function, call)


def find_cluster() -> Cluster | None:
    return _cluster.get()
