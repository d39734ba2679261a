"""Reads files of skops, which name the types of all that they contain: skops audits those before it makes any."""

import io
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from predictor.training.external.model_file import ModelFile, load_safely

LARGEST_BYTES = 1_000_000_000


def recognise(path: Path, source: BinaryIO) -> bool:
    try:
        with zipfile.ZipFile(source) as archive:
            return "schema.json" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def inspect(file: ModelFile) -> dict[str, Any]:
    """The types that skops does not trust. Raises ModelFileError for an archive that is too large when unpacked."""
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        size = sum(each.file_size for each in archive.infolist())
    if size > LARGEST_BYTES:
        raise file.error(f"unpacked, it has {size:,} bytes, and at most {LARGEST_BYTES:,} are read")
    return {"untrusted": sorted(_import_skops(file).get_untrusted_types(data=file.content))}


def load(file: ModelFile, found: dict[str, Any]) -> Any:
    """Load what was audited: the types that skops trusts, and those that it named."""
    skops_io = _import_skops(file)
    return load_safely(file, lambda: skops_io.loads(file.content, trusted=found["untrusted"]))


def _import_skops(file: ModelFile) -> Any:
    try:
        import skops.io
    except ImportError as error:
        hint = "run `pip install skops`; the site that serves the model does not need it"
        raise file.error(f"it is a file of skops, which is not installed here: {hint}") from error
    return skops.io
