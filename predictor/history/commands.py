"""Commands of ours that a web process runs in another one: the libraries that they import are not for serving."""

import sys

from django.conf import settings


def write_command(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def read_problem(stderr: bytes) -> str:
    """Why a command failed, by its last line; empty where it said nothing."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("CommandError: ") if lines else ""
