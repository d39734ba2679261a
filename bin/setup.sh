# Sourced by bin/run and bin/test: makes .venv with exactly the pinned requirements, and .env on the first run.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

find_python() {
  local candidate
  for candidate in python3.11 python3 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      printf '%s' "$candidate"
      return
    fi
  done
  fail "Python 3.11 was not found: install it (on Debian: apt-get install python3.11 python3.11-venv), then try again."
}

# Installs one requirements file unless just these requirements are already there.
install_requirements() {
  local file=$1 python
  local stamp=".venv/$file.installed"
  if ! .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
      fail "Python has no venv module: install it (on Debian: apt-get install python3.11-venv), then try again."
    rm -rf .venv
    "$python" -m venv .venv || fail "The virtual environment .venv could not be made."
  fi
  cmp -s "$file" "$stamp" && return
  printf 'Installing %s (once, about a minute) …\n' "$file" >&2
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --retries 2 \
    --requirement "$file" >.venv/install.log 2>&1 ||
    fail "The requirements could not be installed; is there a network? What pip said is in .venv/install.log."
  cp "$file" "$stamp"
}

# Writes the settings of this machine, once: nobody else can read them, and git does not see them. A .env that
# somebody began by hand gets the keys that it lacks.
write_env() {
  .venv/bin/python - <<'PYTHON'
import os
import secrets
from pathlib import Path

from dotenv import dotenv_values

file = Path(".env")
present = dotenv_values(file)
wanted = {"DEPLOYMENT": "local", "SECRET_KEY": secrets.token_hex(32), "MODEL_SIGNING_KEY": secrets.token_hex(32)}
if file.exists():
    is_begun = not present.keys() & wanted.keys()
    wanted = {name: value for name, value in wanted.items() if name not in present and (is_begun or name != "DEPLOYMENT")}
if wanted:
    before = file.read_text() if file.exists() else ""
    lines = [before.rstrip("\n")] * bool(before.strip()) + [f"{name}={value}" for name, value in wanted.items()]
    new = Path(".env.new")
    with open(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as opened:
        opened.write("\n".join(lines) + "\n")
    new.replace(file)
PYTHON
}
