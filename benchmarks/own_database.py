"""A database of a benchmark's own, in which this process then works as a command of the site does."""

import os
import secrets
import subprocess
import sys

from benchmarks.checkouts import ROOT


def use_database(url: str) -> None:
    """Migrate it, train the line, and set Django up."""
    os.environ |= {
        "DATABASE_URL": url,
        "DEPLOYMENT": "local",
        "SECRET_KEY": secrets.token_hex(32),
        "MODEL_SIGNING_KEY": secrets.token_hex(32),
        "FILES_MAX_MB": "100000",
        "DJANGO_SETTINGS_MODULE": "mlsite.settings",
    }
    for command in (["migrate", "--verbosity", "0"], ["retrain", "line"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, stdout=sys.stderr, check=True)
    import django

    django.setup()
