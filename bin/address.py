"""Prints the URL at which the site will listen, or in one line why it cannot."""

import os
import runpy
import socket
import sys


def find_address(bind: str) -> str:
    """The URL of the address in gunicorn's `bind`; raise OSError where it is not available."""
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
        # The error of a host name that cannot be resolved has a negative number, and its own text.
        cause = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        sys.exit(f"Cannot listen on {bind} ({cause}): stop the program that uses it, or set another PORT or HOST.")


if __name__ == "__main__":
    main()
