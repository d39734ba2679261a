"""A recipe's own pipeline.py: run from the very bytes whose SHA-256 is signed, never from a cache of them."""

import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType


def name_module(model: str) -> str:
    """The module under which pickles name what pipeline.py defines."""
    return f"ml_models.{model}.pipeline"


def hash_code(file: Path) -> str | None:
    """The SHA-256 of pipeline.py, in hexadecimal; None where there is none."""
    return sha256(file.read_bytes()).hexdigest() if file.exists() else None


def import_code(model: str, file: Path) -> ModuleType:
    """Run pipeline.py as this model's module, in place of one that was imported before.

    What is already loaded goes on with the old module, which it holds. Raises whatever the file raises; then the
    old module stays.
    """
    module = ModuleType(name_module(model))
    module.__file__ = str(file)
    previous = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        exec(compile(file.read_bytes(), file, "exec"), module.__dict__)  # noqa: S102  # Reviewed in git, and signed.
    except BaseException:
        del sys.modules[module.__name__]
        if previous is not None:
            sys.modules[module.__name__] = previous
        raise
    return module
