"""Divides and prunes a table of predictions while others write to it: python -m benchmarks.keeping [ROWS]."""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.lifetime import end_when_asked, run_postgres

DAYS = 400
SHARE_WITH_OUTCOME = 0.06
ROWS_AT_ONCE = 16
# Ids as the site makes them, but with bits from MD5.
FILL = """
INSERT INTO predictor_prediction (id, version_id, inputs, output, interval, warnings, source, created_at, duration_ms)
SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7' || substr(md5(i::text), 1, 3)
    || '8' || substr(md5(i::text), 4, 15))::uuid, %(version)s,
    jsonb_build_object('x', i::float8, 'colour', 'red', 'height', i * 1.5), to_jsonb(i * 2.0), '[1, 2]', '[]', 'api',
    moment, 1.0
FROM (SELECT i, now() - interval '1 day' * %(days)s * (%(rows)s - i) / %(rows)s AS moment
    FROM generate_series(1, %(rows)s) AS i) AS numbered
"""
RECORD = """
INSERT INTO predictor_outcome (prediction_id, value, recorded_at, recorded_by)
SELECT id, '1', now(), 'benchmark' FROM predictor_prediction WHERE random() < %s
"""


def main(rows: int) -> None:
    end_when_asked()
    with tempfile.TemporaryDirectory() as folder, run_postgres(Path(folder)) as url:
        os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "mlsite.settings", "DEPLOYMENT": "local"}
        os.environ |= {"SECRET_KEY": os.urandom(32).hex(), "MODEL_SIGNING_KEY": os.urandom(32).hex()}
        import django

        django.setup()
        measure(rows)


def measure(rows: int) -> None:
    from django.utils import timezone

    from predictor.history.ids import find_moment
    from predictor.history.partitions import list_partitions, make_partitions
    from predictor.history.retention import Pruning

    version, now = fill(rows), timezone.now()
    run(version, "nothing, one table", lambda: time.sleep(5))
    run(version, "rows of 20 days deleted, one table", lambda: Pruning(until=now - timedelta(days=DAYS - 20)).run())
    run(version, "divided", lambda: make_partitions(timezone.now()))
    run(version, "nothing, divided", lambda: time.sleep(5))
    run(version, "rows of 20 days deleted, divided", lambda: Pruning(until=now - timedelta(days=DAYS - 40)).run())
    end = list_partitions()[0].end
    assert end is not None
    run(version, "the first partition dropped", lambda: Pruning(until=find_moment(end)).run())


def fill(rows: int) -> Any:
    from django.core.management import call_command
    from django.db import connection

    from predictor.models import Version

    call_command("migrate", verbosity=0)
    stored: dict[str, Any] = {key: {} for key in ("metrics", "profile", "split", "data", "decision", "libraries")}
    schema = {"features": [], "target": {"name": "y"}}
    version = Version.objects.create(model="line", number=1, title="Line", estimator="", schema=schema, **stored)
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"version": version.id, "days": DAYS, "rows": rows})
        cursor.execute(RECORD, [SHARE_WITH_OUTCOME])
        cursor.execute("VACUUM ANALYZE")
    return version


def run(version: Any, name: str, work: Callable[[], Any]) -> None:
    """Do the work while somebody inserts rows, and say how long both took."""
    from django.db import connection

    from predictor.models import Prediction
    from predictor.serving.history import insert_predictions

    took: list[float] = []
    is_over = threading.Event()

    def write() -> None:
        while not is_over.is_set():
            made = [
                Prediction(version=version, inputs={"x": 1.0}, output=2.0, source="api", duration_ms=1.0)
                for _ in range(ROWS_AT_ONCE)
            ]
            started = time.perf_counter()
            insert_predictions(made)
            took.append(time.perf_counter() - started)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(1)
    before, started = len(took), time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    is_over.set()
    writer.join()
    meanwhile = [each * 1000 for each in took[before:]]
    print(
        f"{name}: {seconds:.1f} s; {len(meanwhile)} inserts of {ROWS_AT_ONCE} rows meanwhile took"
        f" {statistics.median(meanwhile):.1f} ms, the longest {max(meanwhile):.0f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
