"""What all commands have in common: one place that turns errors into a line and an exit status."""

import argparse
from typing import Any

import django.db
from django.core.management.base import BaseCommand, CommandError

from predictor.exceptions import MlsiteError


class SiteCommand(BaseCommand):
    """Says in a line what went wrong, and exits with 1, where the site or its database raises an error of its own."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except MlsiteError as error:
            raise CommandError(str(error)) from error
        except django.db.Error as error:
            hint = "is DATABASE_URL right, and was `manage.py migrate` run?"
            raise CommandError(f"The database cannot be used: {hint} It says: {str(error).strip()}") from error


def read_reason(text: str) -> str:
    """An argument that says why, for the log: one line."""
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError("write a line that says why")
    return text.strip()
