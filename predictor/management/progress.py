"""Shows the progress of a training: a bar on a terminal, plain lines anywhere else."""

from types import TracebackType
from typing import Any, Self

from django.core.management.base import OutputWrapper

from predictor.formats import format_number

# In how many lines a count is reported where there is no bar.
REPORTED_PARTS = 10


class TerminalProgress:
    """A `training.progress.Progress` for a command's stderr, while its `with` lasts."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._bar: Any = None
        self._task: Any = None
        self._shown = ""

    def __enter__(self) -> Self:
        if self._stream.isatty():
            # Imported only where somebody watches.
            from rich.console import Console
            from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            # A spinner of ASCII, for terminals without UTF-8.
            columns = (SpinnerColumn("line"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
            self._bar = Bar(*columns, console=Console(stderr=True, highlight=False), transient=True)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, line: str, *, done: int = 0, total: int = 0) -> None:
        if self._bar is not None:
            self._draw(line, done, total)
        elif not total:
            self._stream.write(line, style_func=str)
        elif done * REPORTED_PARTS // total > (done - 1) * REPORTED_PARTS // total:
            self._stream.write(f"{line}: {format_number(done)} of {format_number(total)}", style_func=str)

    def _draw(self, line: str, done: int, total: int) -> None:
        if line != self._shown:
            if self._task is not None:
                self._bar.remove_task(self._task)
            if not total:
                self._bar.console.print(line, markup=False, soft_wrap=True)
            self._shown, self._task = line, self._bar.add_task("", total=total or None)
        description = f"{line}: {format_number(done)} of {format_number(total)}" if total else ""
        self._bar.update(self._task, completed=done, description=description, refresh=True)
