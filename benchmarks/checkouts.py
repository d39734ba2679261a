"""The files of one commit, with a Python that has its pinned requirements."""

import hashlib
import io
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = Path(__file__).parent / ".peers"


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """`title` is what tables call it; `python` is the one of the environment that it runs in."""

    title: str
    folder: Path
    python: Path


OURS = Checkout(title="mlsite", folder=ROOT, python=Path(sys.executable))


def find_commit(name: str) -> str:
    """The hash of a commit; raises ValueError where it names none."""
    found = _run_git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found.returncode:
        raise ValueError(f"{name!r} is not a commit of this repository: give a hash, a branch or a tag")
    return found.stdout.decode().strip()


def describe_working_tree() -> str:
    """The commit that the working tree is at, and whether it has changes."""
    commit = _run_git("rev-parse", "--short", "HEAD").stdout.decode().strip()
    return f"{commit} with changes" if _run_git("status", "--porcelain").stdout.strip() else commit


def check_out(commit: str, folder: Path) -> Checkout:
    """Write a commit's files into a folder and make their environment; git keeps no trace of it."""
    archive = _run_git("archive", "--format=tar", commit)
    archive.check_returncode()
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        # Python before 3.11.4, as Debian 12 has it, knows no filter.
        how = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        files.extractall(folder, **how)  # noqa: S202  # The files are this repository's.
    return Checkout(title=commit[:7], folder=folder, python=find_python(folder / "requirements.txt"))


def find_python(requirements: Path) -> Path:
    """The Python that runs this, where it has the same requirements; else one of an environment made for them."""
    wanted = requirements.read_text()
    if wanted == (ROOT / "requirements.txt").read_text():
        return OURS.python
    digest = hashlib.sha256(wanted.encode()).hexdigest()[:12]
    return install(f"mlsite-{digest}", requirements) / "python"


def install(name: str, requirements: Path) -> Path:
    """Make an environment from its requirements, unless it exists; returns where its programs are."""
    folder, wanted = ENVIRONMENTS / name, requirements.read_text()
    stamp = folder / "requirements.txt.installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"Installing {name} (once) …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(requirements)], check=True)
        stamp.write_text(wanted)
    return folder / "bin"


def _run_git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)  # noqa: S607  # Of the PATH.
