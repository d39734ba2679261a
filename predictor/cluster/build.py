"""What a worker must have in common with the process that sends it work, so that both answer alike."""

import hashlib
import importlib.metadata
import platform
from functools import cache
from pathlib import Path

from predictor.exceptions import MlsiteError

ROOT = Path(__file__).parent.parent
LIBRARIES = ("numpy", "scipy", "polars", "onnxruntime", "msgspec", "scikit-learn", "lightgbm", "xgboost", "catboost")


class WrongBuild(MlsiteError):
    """A worker runs other code, or other libraries."""


@cache
def find_build() -> str:
    """The versions of Python and of the libraries that answers depend on, and the beginning of this code's SHA-256."""
    digest = hashlib.sha256()
    for file in sorted(ROOT.rglob("*.py")):
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    libraries = [f"{name} {_find_version(name)}" for name in LIBRARIES]
    return ", ".join([f"mlsite {digest.hexdigest()[:12]}", f"Python {platform.python_version()}", *libraries])


def check_build(build: str) -> None:
    """Raise WrongBuild where this process has another build than the one that was asked for."""
    if build != find_build():
        raise WrongBuild(
            f"the worker on {platform.node()} has {find_build()}, and this process {build}: "
            "start the workers from the same checkout, with the same requirements"
        )


def _find_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
