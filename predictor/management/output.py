"""Standard streams that never fail a command: what it has stored is stored, whoever reads about it."""

import io
import os
from typing import TextIO


class Output(io.TextIOWrapper):
    """A standard stream that raises no OSError: what cannot be written is discarded, and `failure` says why.

    Characters that its encoding lacks are escaped, such as `R\\xb2` for R² on a terminal with ASCII.
    """

    failure: OSError | None = None
    # Whether the output is what the command was run for. A command that has stored its result sets this to False.
    is_result = True

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._discard(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._discard(error)

    def _discard(self, error: OSError) -> None:
        """Send to nowhere what is still buffered too, or Python would fail to write it at its end."""
        self.failure = self.failure or error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def guard_stream(stream: TextIO | None, number: int) -> Output:
    """An Output to the same file as a standard stream, also where the caller has closed it."""
    is_terminal = stream is not None and stream.isatty()
    encoding = stream.encoding if stream is not None else "utf-8"
    buffer = stream.buffer if stream is not None else open(take_number(number), "wb", closefd=False)  # noqa: SIM115  # A descriptor, which stays open.
    return Output(buffer, encoding=encoding, errors="backslashreplace", line_buffering=is_terminal or number == 2)


def take_number(number: int) -> int:
    """Let the descriptor refuse every write; unused, its number would be that of the next file which is opened."""
    reading = os.open(os.devnull, os.O_RDONLY)
    if reading != number:
        os.dup2(reading, number)
        os.close(reading)
    return number
