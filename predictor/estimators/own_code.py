"""A recipe's own pipeline.py: what is run are the very bytes whose SHA-256 is signed, read once."""

import sys
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import ModuleType

HASH = "__code_sha256__"


@dataclass(frozen=True, kw_only=True)
class Code:
    """The bytes of one pipeline.py, as they were read, and their SHA-256 in hexadecimal."""

    file: Path
    source: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return sha256(self.source).hexdigest()


def name_module(model: str) -> str:
    """The module under which pickles name what pipeline.py defines."""
    return f"ml_models.{model}.pipeline"


def read_code(file: Path) -> Code | None:
    """Read pipeline.py; None where there is none."""
    try:
        return Code(file=file, source=file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


def hash_code(file: Path) -> str | None:
    """The SHA-256 of pipeline.py, in hexadecimal; None where there is none."""
    code = read_code(file)
    return code.sha256 if code else None


def find_imported(model: str) -> str | None:
    """The SHA-256 of the code that this process has run as a model's module; None where it has run none."""
    return getattr(sys.modules.get(name_module(model)), HASH, None)


def import_code(model: str, code: Code) -> ModuleType:
    """Run a pipeline.py as this model's module, in place of one that was imported before.

    What is already loaded goes on with the old module, which it holds. Raises whatever the code raises; then the
    old module stays.
    """
    module = ModuleType(name_module(model))
    module.__file__ = str(code.file)
    previous = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        exec(compile(code.source, code.file, "exec"), module.__dict__)  # noqa: S102  # Reviewed in git, and signed.
    except BaseException:
        del sys.modules[module.__name__]
        if previous is not None:
            sys.modules[module.__name__] = previous
        raise
    setattr(module, HASH, code.sha256)
    return module
