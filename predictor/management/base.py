"""The base class of all commands: the one place that turns errors into one line and an exit status."""

import argparse
from typing import Any

import django.db
from django.core.management.base import BaseCommand, CommandError

from predictor.exceptions import MlsiteError


class SiteCommand(BaseCommand):
    """Reports errors of mlsite and of the database in one line, and exits with 1."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except MlsiteError as error:
            raise CommandError(str(error)) from error
        except django.db.Error as error:
            hint = "check DATABASE_URL, and that `manage.py migrate` has run."
            raise CommandError(f"The database cannot be used: {hint} Its error: {str(error).strip()}") from error


def read_reason(text: str) -> str:
    """Parse a reason for the log: one line."""
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError("give the reason in one line of text")
    return text.strip()
