"""The formats of model files: how each is recognised, inspected and loaded, and which need trust."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from predictor.exceptions import ModelFileError
from predictor.training.external import boosted_file, model_file, onnx_file, skops_file
from predictor.training.external.limited import read_limited
from predictor.training.external.model_file import ModelFile, describe_model_file, read_model_file

LARGEST_BYTES = 2_000_000_000


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format whose files contain no code: `inspect` runs in a limited process, `load` in this one after it.

    `inspect` returns what JSON can hold, and `load` gets that.
    """

    title: str
    recognises: Callable[[Path, BinaryIO], bool]
    inspect: Callable[[ModelFile], dict[str, Any]]
    load: Callable[[ModelFile, dict[str, Any]], Any]


FORMATS = {
    "skops": Format(
        title="a file of skops",
        recognises=skops_file.recognise,
        inspect=skops_file.inspect,
        load=skops_file.load,
    ),
    "onnx": Format(
        title="an ONNX model",
        recognises=onnx_file.recognise,
        inspect=onnx_file.inspect,
        load=onnx_file.load,
    ),
    "xgboost": Format(
        title="XGBoost's own format",
        recognises=boosted_file.recognise_xgboost,
        inspect=boosted_file.inspect_xgboost,
        load=boosted_file.load_xgboost,
    ),
    "lightgbm": Format(
        title="LightGBM's own format",
        recognises=boosted_file.recognise_lightgbm,
        inspect=boosted_file.inspect_lightgbm,
        load=boosted_file.load_lightgbm,
    ),
}


def find_format(path: Path, source: BinaryIO) -> str | None:
    """The name of a file's format, by its name and its content; None where it may be a pickle."""
    return next((name for name, format in FORMATS.items() if format.recognises(path, source)), None)


def describe_risk(path: Path) -> str | None:
    """What a file is and why loading it needs trust; None where it needs none. Raises ModelFileError."""
    try:
        with path.open("rb") as source:
            name, size = find_format(path, source), path.stat().st_size
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
    if name is None:
        problem = "loading it runs any code in it with all of your permissions"
        return f"{path} is {describe_model_file(path)}. It was not loaded: {problem}"
    if size > LARGEST_BYTES:
        raise ModelFileError(f"{path} has {size:,} bytes, and at most {LARGEST_BYTES:,} are read.")
    file = read_model_file(path)
    unknown = read_limited(file, name).get("untrusted") or []
    if not unknown:
        return None
    described = f"{FORMATS[name].title} of {size:,} bytes, SHA-256 {file.sha256}"
    problem = f"skops does not trust these types in it, and loading them may run code: {', '.join(unknown)}"
    return f"{path} is {described}. It was not loaded: {problem}"


def load_file(file: ModelFile) -> Any:
    """Load a file that needs no trust or is trusted, and return what it contains. Raises ModelFileError."""
    name = find_format(file.path, io.BytesIO(file.content))
    if name is None:
        return model_file.load_content(file)
    return FORMATS[name].load(file, read_limited(file, name))
