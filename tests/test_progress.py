import os
import pty
import sys
from contextlib import suppress

from django.core.management.base import OutputWrapper

from predictor.management.progress import TerminalProgress


def test_without_a_terminal_there_are_plain_lines_and_a_count_is_told_in_ten(capsys):
    with TerminalProgress(OutputWrapper(sys.stderr)) as progress:
        progress("line: reading")
        for done in range(1, 101):
            progress("line: tuning", done=done, total=100)
        progress("line: 7 of [them]")
    counted = [f"line: tuning: {done} of 100" for done in range(10, 101, 10)]
    assert capsys.readouterr().err.splitlines() == ["line: reading", *counted, "line: 7 of [them]"]


def read_all(terminal):
    """What was written to a terminal that is closed by now: it comes in parts."""
    parts = []
    with suppress(OSError):  # How Linux says that there is no more.
        while part := os.read(terminal, 100_000):
            parts.append(part)
    return b"".join(parts)


def test_on_a_terminal_there_is_a_bar_that_goes_away_and_the_lines_stay(monkeypatch):
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        patched.setenv("TERM", "xterm")
        with TerminalProgress(OutputWrapper(terminal)) as progress:
            progress("line: reading [x]")
            for done in range(1, 4):
                progress("line: tuning", done=done, total=3)
    shown = read_all(reader).decode()
    os.close(reader)
    assert "line: reading [x]" in shown
    assert "line: tuning: 3 of 3" in shown
    assert "━" in shown
