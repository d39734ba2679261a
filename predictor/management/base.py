"""The base class of all commands: the one place that turns errors into one line and an exit status."""

import argparse
import sys
from datetime import timedelta
from typing import Any

import django.db
from django.core.checks.registry import registry
from django.core.management.base import BaseCommand, CommandError

from predictor.exceptions import MlsiteError
from predictor.management.output import Output
from predictor.moments import LONGEST, read_duration
from predictor.texts import leave_out_details


class SiteCommand(BaseCommand):
    """Reports errors of mlsite and of the database in one line, and exits with 1.

    Once a command has stored its result, it has not failed where its output cannot be written.
    """

    stores_result = True

    def check(self, *args: Any, **options: Any) -> None:
        """Report errors alone, which stop the command; `manage.py check` lists warnings, too.

        Of this site's settings: Django's own checks import all pages, which takes longer than most commands.
        """
        own = [check for check in registry.get_checks() if check.__module__.startswith("predictor.")]
        problems = (problem for check in own for problem in check(app_configs=None, databases=None))
        if any(problem.is_serious() and not problem.is_silenced() for problem in problems):
            super().check(*args, **options)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            output = super().execute(*args, **options)
        except MlsiteError as error:
            raise CommandError(str(error)) from error
        except django.db.Error as error:
            raise CommandError(describe_error(error)) from error
        if isinstance(sys.stdout, Output) and self.stores_result and not options.get("dry_run"):
            sys.stdout.is_result = False
        return output


def add_format(parser: argparse.ArgumentParser, *, of: str = "result") -> None:
    parser.add_argument(
        "--format", choices=["text", "json"], default="text", help=f"format of the {of} (default: text)"
    )


def describe_error(error: django.db.Error) -> str:
    hint = "check DATABASE_URL, and that `manage.py migrate` has run."
    return f"The database cannot be used: {hint} Its error: {leave_out_details(str(error)).strip()}"


def read_length(text: str, longest: timedelta = LONGEST) -> timedelta:
    """A length of time as an argument, such as 7d."""
    try:
        return read_duration(text, longest)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def read_reason(text: str) -> str:
    """Parse a reason for the log: one line."""
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError("give the reason in one line of text")
    return text.strip()
