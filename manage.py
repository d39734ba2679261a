#!/usr/bin/env python3
"""Runs Django's commands: with the Python of .venv where there is one next to this file, whatever Python was called."""

import os
import sys
from pathlib import Path

VENV = Path(__file__).resolve().parent / ".venv"


def find_other_python(venv: Path) -> "Path | None":
    """The Python of the virtual environment `venv`; None where there is none, or where it runs this already."""
    python = venv / "bin" / "python"
    if not python.exists():
        return None
    # By its path too, so that an environment that is damaged, and not in sys.prefix, is not started again and again.
    is_running = Path(sys.executable) == python or venv.samefile(sys.prefix)
    return None if is_running else python


if __name__ == "__main__":
    python = find_other_python(VENV)
    if python is not None:
        # The interpreter's own options (-W, -X) go along; Python has had them in orig_argv since 3.10.
        arguments = getattr(sys, "orig_argv", [sys.executable, *sys.argv])[1:]
        os.execv(python, [str(python), *arguments])  # noqa: S606  # Our own environment's Python.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")
    from predictor.management.command_line import run_command

    run_command(sys.argv)
