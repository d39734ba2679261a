"""How a training reports its progress."""

from typing import Protocol


class Progress(Protocol):
    """Called with a line about what begins now; with `total`, `done` parts of it are done."""

    def __call__(self, line: str, *, done: int = 0, total: int = 0) -> None: ...
