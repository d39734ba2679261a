"""How a training tells whoever waits for it where it is."""

from typing import Protocol


class Progress(Protocol):
    """Takes a line about what begins now, or, with `total`, that `done` parts of it are done."""

    def __call__(self, line: str, *, done: int = 0, total: int = 0) -> None: ...
