"""Counts what a web process does, for Prometheus. Without METRICS_TOKEN nothing is counted, or imported.

Where PROMETHEUS_MULTIPROC_DIR is set (gunicorn.conf.py), all processes count in files there, and any can sum them up.
"""

import os
from collections import Counter
from collections.abc import Iterable

TOKEN = os.environ.get("METRICS_TOKEN", "").strip()
# From 1 ms to the router's 30 s.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

if TOKEN:
    from prometheus_client import Counter as CounterMetric
    from prometheus_client import Gauge, Histogram

    PREDICTIONS = CounterMetric("mlsite_predictions", "Predictions stored.", ["model", "version", "source"])
    ERRORS = CounterMetric("mlsite_errors", "Requests answered with an error, by its kind.", ["kind"])
    REQUESTS = Histogram("mlsite_request_seconds", "Time to answer a request.", ["page"], buckets=SECONDS)
    BATCHES = Histogram("mlsite_batch_rows", "Rows predicted and stored together.", buckets=ROWS)
    WAITING = Gauge("mlsite_rows_waiting", "Rows waiting to be predicted.", multiprocess_mode="livesum")
    CLIENTS = Gauge("mlsite_clients", "Open connections of clients.", multiprocess_mode="livesum")
    CONNECTIONS = Gauge("mlsite_database_connections", "Pooled connections in use.", multiprocess_mode="livesum")
    QUEUED = Gauge("mlsite_database_waiting", "Requests that wait for a connection.", multiprocess_mode="livesum")


def count_predictions(kept: Iterable[tuple[str, int, str]]) -> None:
    """Count stored predictions, each by its model, version and source."""
    if TOKEN:
        for (model, version, source), number in Counter(kept).items():
            PREDICTIONS.labels(model, version, source).inc(number)


def observe_batch(rows: Iterable[int], waiting: int) -> None:
    """Count a batch by the rows of each of its requests, and how many more are waiting."""
    if TOKEN:
        BATCHES.observe(sum(rows))
        WAITING.set(waiting)


def observe_request(page: str, seconds: float, kind: str) -> None:
    """Count a request by the name of its address, and an error by its kind, which is empty where there is none."""
    if TOKEN:
        REQUESTS.labels(page).observe(seconds)
        if kind:
            ERRORS.labels(kind).inc()


def set_connections(*, clients: int, used: int, waiting: int) -> None:
    if TOKEN:
        CLIENTS.set(clients)
        CONNECTIONS.set(used)
        QUEUED.set(waiting)


def write_all() -> tuple[bytes, str]:
    """What all processes have counted since the start of the server, with its content type."""
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry), CONTENT_TYPE_LATEST
