"""Runs a command as manage.py does: its exit status says what was done, and no database error is a trace."""

import gc
import sys

import django.db
from django.core.management import execute_from_command_line

from predictor.management.base import describe_error
from predictor.management.output import guard_stream

# Django's commands that store what they do; ours say so themselves.
STORING = {"changepassword", "clearsessions", "collectstatic", "createsuperuser", "flush", "loaddata", "migrate"}
# What libraries make while they are imported stays: to look through it every 700 objects takes a tenth of the import.
OBJECTS_AT_ONCE = 20_000


def run_command(arguments: list[str]) -> None:
    """Run a command and exit with its status.

    The status is 1 where the command's result is its output and could not be written, unless a pipe's reader closed it.
    """
    gc.set_threshold(OBJECTS_AT_ONCE)
    output = sys.stdout = guard_stream(sys.stdout, 1)
    sys.stderr = guard_stream(sys.stderr, 2)
    output.is_result = STORING.isdisjoint(arguments[1:2])
    try:
        execute_from_command_line(arguments)
    except django.db.Error as error:
        if "--traceback" in arguments:
            raise
        sys.exit(f"CommandError: {describe_error(error)}")
    output.flush()
    if output.failure is not None and not isinstance(output.failure, BrokenPipeError):
        sys.stderr.write(f"The output could not be written: {output.failure.strerror}.\n")
        sys.exit(int(output.is_result))
