"""Loads verified artifacts, and only those, and checks what loading requires."""

import hashlib
import hmac
import importlib.metadata
import pickle
import platform
import warnings
from pathlib import Path
from typing import Any

from django.conf import settings

from predictor.estimators.compiled import CompiledModel
from predictor.estimators.own_code import Code, find_imported, import_code, read_code
from predictor.exceptions import ArtifactError, DamagedArtifact, WrongCode, WrongLibraries

RECORDED_LIBRARIES = ("scikit-learn", "numpy", "scipy")
# A pickle is not compatible across versions of this one.
MATCHED_LIBRARY = "scikit-learn"
# Every compiled model needs it.
COMPILED_LIBRARY = "onnxruntime"


def find_libraries() -> dict[str, str]:
    """The versions of Python and of the libraries that a pickle depends on."""
    found = {library: importlib.metadata.version(library) for library in RECORDED_LIBRARIES}
    return {"python": platform.python_version(), **found}


def find_compiled_libraries() -> dict[str, str]:
    """The library that a compiled model needs, in the version that it was checked with."""
    return {COMPILED_LIBRARY: importlib.metadata.version(COMPILED_LIBRARY)}


def find_code(model: str) -> Path:
    """Where the model's own pipeline.py is in this build, if it has one."""
    return Path(settings.MODELS_DIR) / model / "pipeline.py"


def check_usable(content: dict[str, Any]) -> None:
    """Check, by its opened manifest, that this process can load an artifact.

    Raises WrongLibraries where a library is missing or, for a pickle, scikit-learn has another version, and WrongCode
    where the recipe's own code is not the one that a pickle was made with.
    """
    made, here = content["libraries"].get(MATCHED_LIBRARY), importlib.metadata.version(MATCHED_LIBRARY)
    if made not in (here, None):  # A compiled model needs none.
        raise WrongLibraries(f"it was made with {MATCHED_LIBRARY} {made}, and this process has {here}: retrain it")
    _check_installed(content["libraries"])
    if content["code"]:
        _read_own_code(content)


def _read_own_code(content: dict[str, Any]) -> Code:
    """The bytes of pipeline.py, verified to be the signed ones."""
    code = read_code(find_code(content["model"]))
    if code is None or code.sha256 != content["code"]:
        raise WrongCode("it was made with another pipeline.py than this build has: retrain it, or restore that file")
    return code


def _check_installed(libraries: dict[str, str]) -> None:
    for library in sorted(libraries.keys() - {"python"}):
        try:
            importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError as error:
            hint = f"add {library} to requirements.in, and install that"
            raise WrongLibraries(f"it needs {library}, which is not installed here: {hint}") from error


def verify_bytes(content: dict[str, Any], data: bytes | bytearray) -> None:
    """Raise DamagedArtifact unless these are the bytes of an opened manifest."""
    if not hmac.compare_digest(hashlib.sha256(data).hexdigest(), content["sha256"]):
        raise DamagedArtifact("the stored bytes are not the ones that were signed")


def load_pickle(content: dict[str, Any], data: bytes | bytearray) -> Any:
    """Unpickle the bytes of an opened manifest, verified again; objects of another scikit-learn are an error, too."""
    verify_bytes(content, data)
    from sklearn.exceptions import InconsistentVersionWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            if content["code"]:
                _import_once(content)
            return pickle.loads(data)  # noqa: S301  # Verified above.
        except InconsistentVersionWarning as error:
            raise WrongLibraries(str(error)) from error
        except ArtifactError:
            raise
        except Exception as error:  # Unpickling may raise anything; it then cannot be used.
            raise ArtifactError(f"it cannot be unpickled: {error!r}") from error


def load_compiled(content: dict[str, Any], data: bytes | bytearray) -> CompiledModel:
    """Load the ONNX bytes of an opened manifest, verified again; neither unpickles nor imports scikit-learn."""
    verify_bytes(content, data)
    try:
        return CompiledModel(data)
    except Exception as error:  # onnxruntime's errors have no common base class.
        raise ArtifactError(f"it cannot be loaded by {COMPILED_LIBRARY}: {error}") from error


def _import_once(content: dict[str, Any]) -> None:
    """Run the signed pipeline.py, unless this process has already imported the same one."""
    if find_imported(content["model"]) != content["code"]:
        import_code(content["model"], _read_own_code(content))
