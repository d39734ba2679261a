# Sourced by bin/run and bin/test: makes .venv with exactly the pinned requirements, and .env on the first run.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Tells by its exit status whether a Python is one that this project runs on.
is_supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

# The newest one that is here, unless PYTHON names another.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    if "$candidate" -c "$is_supported" 2>/dev/null; then
      printf '%s' "$candidate"
      return
    fi
  done
  fail "${PYTHON:-Python 3.11, 3.12 or 3.13} was not found, or is another version than 3.11 to 3.13: install one (on Debian: apt-get install python3 python3-venv), then try again."
}

# Whether .venv can stay: it works, and is of the Python that PYTHON names, if that names one.
has_environment() {
  local version='import sys; print(sys.version_info[:2])'
  .venv/bin/python -c "import pip; $is_supported" 2>/dev/null &&
    { [ -z "${PYTHON:-}" ] || [ "$(.venv/bin/python -c "$version")" = "$("$PYTHON" -c "$version" 2>&1)" ]; }
}

# Installs one requirements file unless just these requirements are already there.
install_requirements() {
  local file=$1 python
  local stamp=".venv/$file.installed"
  if ! has_environment; then
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
      fail "Python has no venv module: install it (on Debian: apt-get install python3-venv), then try again."
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
