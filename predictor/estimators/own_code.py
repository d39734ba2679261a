"""A recipe's own pipeline.py, read once: the bytes that run are the ones whose SHA-256 is signed."""

import sys
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import ModuleType

HASH = "__code_sha256__"


@dataclass(frozen=True, kw_only=True)
class Code:
    """The bytes of one pipeline.py, and their SHA-256 in hexadecimal."""

    file: Path
    source: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return sha256(self.source).hexdigest()


def name_module(model: str) -> str:
    """The name of the module under which pickles refer to what pipeline.py defines."""
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
    """The SHA-256 of the code that this process has imported as a model's module; None where it has not."""
    return getattr(sys.modules.get(name_module(model)), HASH, None)


def import_code(model: str, code: Code) -> ModuleType:
    """Run a pipeline.py as this model's module, and replace one that was imported before.

    Models that are already loaded keep the old module. Raises whatever the code raises; then the old module stays.
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
