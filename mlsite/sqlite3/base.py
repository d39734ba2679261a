"""Django's SQLite backend, with a new database's file readable by its owner only; SQLite's other files follow it."""

import os
import threading
from contextlib import suppress
from typing import Any

from django.db.backends.sqlite3 import base, features

# Closing a file releases every lock that SQLite holds on it in this process, so nothing may connect meanwhile.
creating = threading.Lock()


class DatabaseFeatures(features.DatabaseFeatures):
    # Django would ask the database in a check of each JSON field, and raise where there is none.
    supports_json_field = True


# Overrides what is not documented. Checked with Django 5.2.19 (tests/test_insides.py).
class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with creating:
            create_file(str(conn_params["database"]))
        return super().get_new_connection(conn_params)


def create_file(name: str) -> None:
    """Create an empty database file with mode 600 unless the file exists; SQLite reports what it cannot open."""
    if name == ":memory:" or name.startswith("file:"):
        return
    with suppress(OSError):
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
