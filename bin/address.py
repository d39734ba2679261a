"""Prints where the site will answer, or says in a line why it cannot listen there."""

import os
import runpy
import socket
import sys


def find_address(bind: str) -> str:
    """The URL of what gunicorn's `bind` names; raises OSError where it cannot be listened on."""
    host, _, port = bind.rpartition(":")
    family = socket.AF_INET6 if "[" in host else socket.AF_INET
    with socket.create_server((host.strip("[]"), int(port)), family=family):
        shown = "localhost" if host in ("127.0.0.1", "0.0.0.0") else host  # noqa: S104  # It is compared, not bound.
        return f"http://{shown}:{port}/"


def main() -> None:
    bind = runpy.run_path("gunicorn.conf.py")["bind"]
    try:
        sys.stdout.write(find_address(bind) + "\n")
    except OSError as error:
        # A name that cannot be resolved has a negative number, and a text of its own.
        cause = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        sys.exit(f"{bind} cannot be listened on ({cause}): stop what uses it, or set PORT or HOST.")


if __name__ == "__main__":
    main()
