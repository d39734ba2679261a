"""Measures what indexes on predictions cost: the write-ahead log and the bytes of each row, in batches of 32.

    python -m benchmarks.history.indexes [--rows 64000]

A PostgreSQL of its own, with a table like that of predictions for each set of indexes.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.history.filling import PREDICTIONS, copy_rows, make_predictions
from benchmarks.lifetime import end_when_asked, run_postgres

VERSIONS = {"prices": list(range(1, 9)), "penguins": list(range(9, 13)), "line": list(range(13, 16))}
WARNED = "WHERE NOT (warnings = '[]')"
FORMER = ["(version_id, id DESC)", "(source, id DESC)", "(created_at)", f"(id DESC) {WARNED}"]
SETS = {
    "the primary key alone": [],
    "those of the former build": FORMER,
    "the same, ascending": [each.replace(" DESC", "") for each in FORMER],
    "without the time": ["(version_id, id)", "(source, id)", f"(version_id, id) {WARNED}"],
    "without time and source": ["(version_id, id)", f"(version_id, id) {WARNED}"],
    "a partial index for each rare source": [
        "(version_id, id)",
        "(id) WHERE source = 'form'",
        "(id) WHERE source = 'csv'",
        f"(version_id, id) {WARNED}",
    ],
    "version, source and id": ["(version_id, source, id)", f"(version_id, source, id) {WARNED}"],
}
TABLE = """
CREATE TABLE measured (id uuid PRIMARY KEY, version_id bigint, inputs jsonb, output jsonb, probabilities jsonb,
interval jsonb, warnings jsonb, source varchar(4), created_at timestamptz, duration_ms float8)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=64_000)
    rows = parser.parse_args().rows
    end_when_asked()
    import psycopg2

    made = list(make_predictions(rows, VERSIONS))
    with tempfile.TemporaryDirectory() as folder, run_postgres(Path(folder) / "data") as url:
        connection = psycopg2.connect(url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for name, indexes in SETS.items():
                log, size = measure(cursor, indexes, made)
                print(f"{name}: {log:.0f} bytes of write-ahead log a row, {size:.0f} bytes of indexes", flush=True)
        connection.close()


def measure(cursor: Any, indexes: list[str], rows: list[tuple[Any, ...]]) -> tuple[float, float]:
    cursor.execute(f"DROP TABLE IF EXISTS measured; {TABLE}")
    for index in indexes:
        cursor.execute(f"CREATE INDEX ON measured {index}")
    cursor.execute("CHECKPOINT")
    before = _read_log(cursor)
    for start in range(0, len(rows), 32):
        copy_rows(cursor, "measured", PREDICTIONS, rows[start : start + 32])
    log = _read_log(cursor) - before
    cursor.execute("SELECT pg_indexes_size('measured')")
    return log / len(rows), cursor.fetchone()[0] / len(rows)


def _read_log(cursor: Any) -> int:
    cursor.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
    return int(cursor.fetchone()[0])


if __name__ == "__main__":
    main()
