"""Turns a fitted model into signed bytes and back, and loads nothing that it has not verified.

What is signed is a manifest, canonical JSON: format, model, number, kind, schema, libraries, size and the
SHA-256 of the bytes, and that of the recipe's own pipeline.py where there is one. So signed bytes cannot be
served as another version or with another schema either.
To change the format: raise FORMAT, keep reading the old one for as long as databases may hold it.
"""

import hashlib
import hmac
import importlib.metadata
import json
import pickle
import platform
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from predictor.compiled import CompiledModel
from predictor.exceptions import ArtifactError, BadSignature, DamagedArtifact, WrongCode, WrongLibraries, WrongPlace
from predictor.own_code import hash_code, import_code, name_module
from predictor.schema import Schema

FORMAT = 1
SALT = "mlsite.artifact"
RECORDED_LIBRARIES = ("scikit-learn", "numpy", "scipy")
# A pickle promises nothing across versions of this one.
MATCHED_LIBRARY = "scikit-learn"
# What a compiled model needs, whatever it was made from.
COMPILED_LIBRARY = "onnxruntime"
# The SHA-256 of the pipeline.py that this process has imported, by model.
_imported: dict[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Which version an artifact belongs to; read from the database, and compared with what was signed."""

    model: str
    number: int
    kind: str


def find_libraries() -> dict[str, str]:
    """The versions of Python and of the libraries that a pickle depends on."""
    found = {library: importlib.metadata.version(library) for library in RECORDED_LIBRARIES}
    return {"python": platform.python_version(), **found}


def find_compiled_libraries() -> dict[str, str]:
    """The one that a compiled model needs, in the version that it was shown to agree with."""
    return {COMPILED_LIBRARY: importlib.metadata.version(COMPILED_LIBRARY)}


def find_code(model: str) -> Path:
    """Where this build has the model's own pipeline.py, if it has one."""
    return Path(settings.MODELS_DIR) / model / "pipeline.py"


def build_manifest(
    identity: Identity,
    schema: Schema,
    *,
    size: int,
    sha256: str,
    code: str | None = None,
    libraries: dict[str, str] | None = None,
) -> dict[str, Any]:
    """What is signed of a pickle of `size` bytes with this SHA-256."""
    return {
        "format": FORMAT,
        "model": identity.model,
        "number": identity.number,
        "kind": identity.kind,
        "schema": schema.to_json(),
        "libraries": libraries or find_libraries(),
        "code": code,
        "size": size,
        "sha256": sha256,
    }


def write_manifest(content: dict[str, Any]) -> str:
    """The text that is signed: canonical JSON, so that the same content is always the same text."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sign_manifest(manifest: str, key: str | None = None) -> str:
    """HMAC-SHA-256 under MODEL_SIGNING_KEY, 64 hexadecimal digits."""
    secret = settings.MODEL_SIGNING_KEY if key is None else key
    return salted_hmac(SALT, manifest, secret=secret, algorithm="sha256").hexdigest()


def open_manifest(manifest: str, signature: str, identity: Identity) -> dict[str, Any]:
    """Verify a manifest and read it.

    Raises BadSignature, WrongPlace when it was signed for something other than `identity`, WrongLibraries
    when this process lacks a library or, for a pickle, has another scikit-learn, WrongCode when the recipe's own code
    is not the one a pickle was made with, ArtifactError for a format that this build does not know.
    """
    keys = [settings.MODEL_SIGNING_KEY, *settings.MODEL_SIGNING_KEY_FALLBACKS]
    if not any(hmac.compare_digest(sign_manifest(manifest, key).encode(), signature.encode()) for key in keys):
        raise BadSignature("its manifest is not signed with MODEL_SIGNING_KEY or one of its fallbacks")
    content: dict[str, Any] = json.loads(manifest)
    if content["format"] != FORMAT:
        raise ArtifactError(f"it has format {content['format']}, and this build reads format {FORMAT}")
    signed = Identity(model=content["model"], number=content["number"], kind=content["kind"])
    if signed != identity:
        raise WrongPlace(f"its manifest was signed for {signed.model} {signed.number} ({signed.kind})")
    made, here = content["libraries"].get(MATCHED_LIBRARY), importlib.metadata.version(MATCHED_LIBRARY)
    if made not in (here, None):  # A compiled model needs none.
        raise WrongLibraries(f"it was made with {MATCHED_LIBRARY} {made}, and this process has {here}: retrain it")
    _check_installed(content["libraries"])
    if content["code"] and content["code"] != hash_code(find_code(identity.model)):
        raise WrongCode("it was made with another pipeline.py than this build has: retrain it, or bring that file back")
    return content


def _check_installed(libraries: dict[str, str]) -> None:
    for library in sorted(libraries.keys() - {"python"}):
        try:
            importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError as error:
            hint = f"add {library} to requirements.in, and install that"
            raise WrongLibraries(f"it needs {library}, which is not installed here: {hint}") from error


def verify_bytes(content: dict[str, Any], data: bytes | bytearray) -> None:
    """Raise DamagedArtifact unless these are the bytes that an opened manifest speaks of."""
    if not hmac.compare_digest(hashlib.sha256(data).hexdigest(), content["sha256"]):
        raise DamagedArtifact("the stored bytes are not the ones that were signed")


def load_pickle(content: dict[str, Any], data: bytes | bytearray) -> Any:
    """Unpickle the bytes of an opened manifest, verified once more; another scikit-learn's objects are an error too."""
    verify_bytes(content, data)
    from sklearn.exceptions import InconsistentVersionWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            if content["code"]:
                _import_once(content["model"], content["code"])
            return pickle.loads(data)  # noqa: S301  # Verified above.
        except InconsistentVersionWarning as error:
            raise WrongLibraries(str(error)) from error
        except ArtifactError:
            raise
        except Exception as error:  # Unpickling runs any code's own errors; each means that it cannot be used.
            raise ArtifactError(f"it cannot be unpickled: {error!r}") from error


def load_compiled(content: dict[str, Any], data: bytes | bytearray) -> CompiledModel:
    """Load the ONNX bytes of an opened manifest, verified once more; neither unpickles nor imports scikit-learn."""
    verify_bytes(content, data)
    try:
        return CompiledModel(data)
    except Exception as error:  # onnxruntime's errors share no root; each means that it cannot be used.
        raise ArtifactError(f"it cannot be loaded by {COMPILED_LIBRARY}: {error}") from error


def _import_once(model: str, code: str) -> None:
    """Import pipeline.py, anew only where another one, or none, is this process's module."""
    if _imported.get(model) != code or name_module(model) not in sys.modules:
        import_code(model, find_code(model))
        _imported[model] = code
