"""Runs one of our commands with other recipes; at the end, the standard error has its time and peak of memory."""

import sys
import time
from pathlib import Path

import django


def main(models: str, *arguments: str) -> None:
    started = time.monotonic()
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from tests.memory import read_memory

    settings.MODELS_DIR = Path(models)
    call_command(*arguments)
    sys.stderr.write(f"\n{time.monotonic() - started:.1f} s, peak {read_memory('VmHWM'):.0f} MB\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
