"""Packs a fitted model into compressed chunks and back, without its whole pickle in memory as well."""

import pickle
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.conf import settings

from predictor.exceptions import DamagedArtifact, ModelTooLarge, TrainingError
from predictor.texts import take_first_line

CHUNK_BYTES = 1_000_000
MEGABYTE = 1_000_000
REMEDY = (
    "define each lambda, inner function and class of a notebook by its own name in a module that the site has too,"
    " such as a recipe's pipeline.py"
)


@dataclass(frozen=True, kw_only=True)
class Package:
    """A model in compressed chunks; `size`, in bytes, and `sha256` are of the uncompressed pickle or ONNX bytes."""

    chunks: list[bytes]
    size: int
    sha256: str

    def unpack(self) -> Iterator[bytes]:
        """The model's uncompressed bytes, chunk by chunk."""
        unpacker = zlib.decompressobj()
        for chunk in self.chunks:
            yield unpacker.decompress(chunk)


class _Packer:
    """The file that pickle writes to: hashes and compresses the bytes, and splits them into chunks."""

    def __init__(self, limit: int) -> None:
        self.chunks: list[bytes] = []
        self.size, self.hash = 0, sha256()
        self._limit, self._waiting = limit, bytearray()
        self._compressor = zlib.compressobj(level=1)

    def write(self, data: Any) -> int:
        # The buffer of an array in Fortran's order cannot be sliced by a memoryview.
        view = pickle.PickleBuffer(data).raw()
        for start in range(0, len(view), CHUNK_BYTES):
            piece = view[start : start + CHUNK_BYTES]
            self.hash.update(piece)
            self._waiting += self._compressor.compress(piece)
            while len(self._waiting) >= CHUNK_BYTES:
                self._cut()
        self.size += len(view)
        return len(view)

    def finish(self) -> None:
        self._waiting += self._compressor.flush()
        while self._waiting:
            self._cut()

    def _cut(self) -> None:
        self.chunks.append(bytes(self._waiting[:CHUNK_BYTES]))
        del self._waiting[:CHUNK_BYTES]
        if sum(map(len, self.chunks)) > self._limit:
            hint = "choose a smaller model, such as fewer or shallower trees, or raise MODEL_MAX_MB"
            raise ModelTooLarge(f"the model is larger than {self._limit // MEGABYTE} MB compressed: {hint}.")


def pack_model(estimator: Any) -> Package:
    """Pickle and compress a fitted model; raises ModelTooLarge above MODEL_MAX_MB, and TrainingError."""
    packer = _Packer(settings.MODEL_MAX_MB * MEGABYTE)
    try:
        pickle.dump(estimator, packer, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TrainingError(f"it cannot be stored ({take_first_line(error)}): {REMEDY}") from error
    packer.finish()
    return Package(chunks=packer.chunks, size=packer.size, sha256=packer.hash.hexdigest())


def pack_bytes(data: bytes) -> Package:
    """Compress a model's bytes; raises ModelTooLarge above MODEL_MAX_MB."""
    packer = _Packer(settings.MODEL_MAX_MB * MEGABYTE)
    packer.write(data)
    packer.finish()
    return Package(chunks=packer.chunks, size=packer.size, sha256=packer.hash.hexdigest())


def check_lengths(size: int, *, count: int, total: int | None, shortest: int | None, longest: int | None) -> None:
    """Raise DamagedArtifact unless chunks of these lengths can hold `size` bytes as `pack_model` cuts them.

    Incompressible bytes grow by less than 1 %, and every chunk but the last is full. The lengths are None where there
    is no chunk.
    """
    if not total:
        raise DamagedArtifact("the stored bytes were not found")
    if not shortest or count > total // CHUNK_BYTES + 1 or (longest or 0) > CHUNK_BYTES:
        raise DamagedArtifact(f"its {count} chunks of {shortest} to {longest} bytes are not as they were stored")
    if total > size + size // 100 + 1000:
        raise DamagedArtifact(f"the stored bytes, {total} compressed, are more than the {size} that were signed")


def join_chunks(chunks: Iterator[bytes], size: int) -> bytearray:
    """Unpack stored chunks; raises DamagedArtifact where they do not give `size` bytes."""
    unpacker, joined = zlib.decompressobj(), bytearray()
    try:
        for chunk in chunks:
            joined += unpacker.decompress(chunk, size + 1 - len(joined))
            if len(joined) > size:
                break
    except zlib.error as error:
        raise DamagedArtifact(f"the stored bytes cannot be decompressed: {error}") from error
    if len(joined) != size:
        raise DamagedArtifact(f"the stored bytes are not the {size} that were signed")
    return joined
