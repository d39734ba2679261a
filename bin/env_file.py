"""Writes .env, the settings of this machine, once: only its owner can read it, and git ignores it."""

import secrets
import sys
from pathlib import Path

from dotenv import dotenv_values


def write_env_file(file: Path) -> None:
    """Add what the file lacks: new keys, and `DEPLOYMENT=local` unless it already has one of these settings."""
    present = dotenv_values(file, encoding="utf-8-sig")
    wanted = {"DEPLOYMENT": "local", "SECRET_KEY": secrets.token_hex(32), "MODEL_SIGNING_KEY": secrets.token_hex(32)}
    if present.keys() & wanted.keys():
        del wanted["DEPLOYMENT"]
    missing = [f"{name}={value}" for name, value in wanted.items() if name not in present]
    if not missing:
        return
    before = file.read_text("utf-8-sig").rstrip("\n").splitlines() if file.exists() else []
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text("\n".join([*before, *missing]) + "\n", "utf-8")
    new.replace(file)


if __name__ == "__main__":
    try:
        write_env_file(Path(".env"))
    except (OSError, ValueError) as error:
        sys.exit(f".env cannot be read or written ({error}): it must be text in UTF-8.")
