"""Writes a file that appears whole or not at all."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EISDIR
from pathlib import Path
from typing import BinaryIO

from django.core.management.base import CommandError


@contextmanager
def write_whole(output: Path | None) -> Iterator[BinaryIO]:
    """A file to write next to `output`, which it replaces once the block has ended; a pipe itself, None for stdout.

    Where the block raises, nothing is left. Raises CommandError for what cannot be written.
    """
    try:
        if output is None:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif output.exists() and not output.is_file() and not output.is_dir():
            with output.open("wb") as pipe:
                yield pipe
        else:
            with _replace(output) as file:
                yield file
    except OSError as error:
        raise CommandError(f"{output or 'The table'} cannot be written: {error.strerror or error}.") from error


@contextmanager
def _replace(output: Path) -> Iterator[BinaryIO]:
    if output.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
    with tempfile.NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}.", delete=False) as file:
        made = Path(file.name)
    try:
        with made.open("wb") as writing:
            yield writing
            writing.flush()
            os.fsync(writing.fileno())
        made.chmod(0o644)
        made.replace(output)
    finally:
        made.unlink(missing_ok=True)
