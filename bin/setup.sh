# Sourced by bin/run and bin/test: creates .venv with exactly the pinned requirements.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Its exit status says whether this project supports a Python.
is_supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

# Finds the newest one that is installed, unless PYTHON names one.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    if "$candidate" -c "$is_supported" 2>/dev/null; then
      printf '%s' "$candidate"
      return
    fi
  done
  fail "${PYTHON:-Python 3.11, 3.12 or 3.13} was not found, or is not a version from 3.11 to 3.13: install one (on Debian: apt-get install python3 python3-venv), then try again."
}

# Whether .venv can be kept: it works, and has the version of the Python that PYTHON names, if it names one.
has_environment() {
  local version='import sys; print(sys.version_info[:2])'
  .venv/bin/python -c "import pip; $is_supported" 2>/dev/null &&
    { [ -z "${PYTHON:-}" ] || [ "$(.venv/bin/python -c "$version")" = "$("$PYTHON" -c "$version" 2>&1)" ]; }
}

has_venv() {
  "$1" -c 'import venv, ensurepip' 2>/dev/null
}

# Installs packages of Debian, where this user may.
install_packages() {
  [ $EUID = 0 ] && command -v apt-get >/dev/null || return 0
  printf 'Installing %s (once) …\n' "$1" >&2
  mkdir -p .venv
  { apt-get update --quiet && DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes \
    --no-install-recommends "$@"; } >.venv/apt.log 2>&1 ||
    printf '%s could not be installed; the output of apt-get is in .venv/apt.log.\n' "$1" >&2
}

# Installs a requirements file unless exactly these requirements are already installed.
install_requirements() {
  local file=$1 python
  local stamp=".venv/$file.installed"
  if ! has_environment; then
    python=$(find_python)
    has_venv "$python" || install_packages python3-venv
    has_venv "$python" ||
      fail "Python has no venv module: install it (on Debian: apt-get install python3-venv), then try again."
    rm -rf .venv
    "$python" -m venv .venv || fail "The virtual environment .venv could not be created."
  fi
  cmp -s "$file" "$stamp" && return
  printf 'Installing %s (once, about a minute) …\n' "$file" >&2
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --retries 2 \
    --requirement "$file" >.venv/install.log 2>&1 ||
    fail "The requirements could not be installed; is there a network? The output of pip is in .venv/install.log."
  cp "$file" "$stamp"
}
