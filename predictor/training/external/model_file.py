"""Reads a pickle or joblib file that was made elsewhere. Loading one runs any code in it."""

import hashlib
import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from predictor.exceptions import ModelFileError
from predictor.texts import take_first_line

NETWORKS = "networks of Keras or PyTorch are not served here; docs/importing.md says why"
# By their first bytes, the files that joblib reads.
MARKS = {
    b"\x80": "a pickle",
    b"x": "a pickle compressed with zlib",
    b"\x1f\x8b": "a pickle compressed with gzip",
    b"BZ": "a pickle compressed with bzip2",
    b"\xfd7zXZ": "a pickle compressed with xz",
    b"\x5d\x00": "a pickle compressed with lzma",
    b"\x04\x22\x4d\x18": "a pickle compressed with lz4",
}
# The beginnings of pickles of the protocols 0 and 1, which have no mark: a global, a mark, an empty container.
OLD_PICKLES = (b"c", b"(", b"]", b"}", b")")
# What people take for a model's file, and what to do with it.
OTHERS = {
    b"PK": (
        "a zip archive, and no whole file of skops",
        f"unpack it, or save the model by pickle or joblib; {NETWORKS}",
    ),
    b"\x89HDF": ("an HDF5 file, as Keras writes it", NETWORKS),
    b"CBM1": (
        "CatBoost's own format",
        "load it with CatBoost's load_model, and save the estimator by pickle or joblib",
    ),
    b"{": ("JSON, but no model of XGBoost as save_model writes it", "name columns with --columns A,B,…"),
    b"[": ("JSON, but no model of XGBoost as save_model writes it", "name columns with --columns A,B,…"),
}
READ = "a model is a file of pickle, joblib or skops, an ONNX model, or XGBoost's or LightGBM's own file"
BLOCK_BYTES = 1024 * 1024
# In a pickle, the version that made it follows this name, with only opcodes of the format in between.
MADE_WITH = re.compile(rb"_sklearn_version[^0-9]{1,12}?(\d+\.\d+(?:\.\d+)?[a-z0-9.]*)")


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A file that was read once: the hashed bytes are the loaded ones."""

    path: Path
    content: bytes
    # The command that makes a recipe for the same sample, where that is known; no other content of the file.
    startmodel: str = field(default="./manage.py startmodel", compare=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def looks(self) -> str:
        return name_kind(self.content)

    def error(self, problem: str) -> ModelFileError:
        return ModelFileError(f"{self.path}: {problem.rstrip('.')}{'' if problem.endswith('?') else '.'}")


def read_model_file(path: Path) -> ModelFile:
    """Read a file's bytes and load nothing. Raises ModelFileError."""
    try:
        return ModelFile(path=path, content=path.read_bytes())
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error


def describe_model_file(path: Path) -> str:
    """Name a pickle's kind, size and SHA-256, reading it block by block. Raises ModelFileError for another file."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            beginning = file.peek()
            check_pickle(path, beginning)
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
                size += len(block)
        return f"{name_kind(beginning)} of {size:,} bytes, SHA-256 {digest.hexdigest()}"
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error


def name_kind(beginning: bytes) -> str:
    """The kind of a pickle, by its first bytes; nothing of it is run."""
    return next((kind for mark, kind in MARKS.items() if beginning.startswith(mark)), "a pickle of an old protocol")


def check_pickle(path: Path, beginning: bytes) -> None:
    """Raise ModelFileError for a file that cannot be a pickle, by its first bytes: trust would not help it."""
    if beginning.startswith((*MARKS, *OLD_PICKLES)):
        return
    for mark, (kind, way_out) in OTHERS.items():
        if beginning.startswith(mark):
            raise ModelFileError(f"{path} is {kind}: {way_out}.")
    raise ModelFileError(f"{path} is {'no model that is read here' if beginning else 'empty'}: {READ}.")


def load_content(file: ModelFile) -> Any:
    """Load the file, which runs any code in it, and return what it contains.

    Raises ModelFileError: for another version of scikit-learn, for a module that is not installed, and for a damaged
    file or one that is not a pickle.
    """
    check_pickle(file.path, file.content)
    import joblib  # Not at the top: the process that reads formats without code needs neither this nor scikit-learn.

    return load_safely(file, lambda: joblib.load(io.BytesIO(file.content)))


def load_safely(file: ModelFile, load: Callable[[], Any]) -> Any:
    """Call what loads the file, and explain why it cannot. Raises ModelFileError as `load_content` does."""
    from sklearn.exceptions import InconsistentVersionWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            return load()
        except InconsistentVersionWarning as error:
            raise _blame_version(file, error.original_sklearn_version) from error
        except (Exception, SystemExit) as error:  # Loading runs any code, which may raise anything.
            raise _explain(file, error) from error


def _explain(file: ModelFile, error: BaseException) -> ModelFileError:
    found = MADE_WITH.search(file.content)
    if found and found[1].decode() != version("scikit-learn"):
        # A pickle of another version often fails before scikit-learn can warn.
        return _blame_version(file, found[1].decode())
    if isinstance(error, ModuleNotFoundError):
        hint = "add it to requirements.in, or save the model without it"
        return file.error(f"it needs the module {error.name!r}, which is not installed here: {hint}")
    message = take_first_line(error)
    if isinstance(error, AttributeError):
        hint = "move functions and classes of a notebook into a module that the site has too"
        return file.error(f"it needs something that was not found ({message}): {hint}")
    looks = f"{file.looks}, cut short or damaged"
    return file.error(f"it cannot be loaded; by its first bytes it is {looks} ({type(error).__name__}: {message})")


def _blame_version(file: ModelFile, made_with: str) -> ModelFileError:
    return file.error(
        f"it was made with scikit-learn {made_with}, and this site has {version('scikit-learn')}: a pickle may behave"
        f" differently under another version. Either train it here, from a recipe: {file.startmodel}\nOr convert it"
        f" where it was made, with scikit-learn {made_with}, skl2onnx and X, the table that it was fitted on:"
        "\n    from skl2onnx import to_onnx"
        '\n    open("model.onnx", "wb").write(to_onnx(model, X[:1].to_numpy()).SerializeToString())'
        "\nwith X[:1] in place of X[:1].to_numpy() for a pipeline that selects columns by name."
        "\nThen import model.onnx"
    )
