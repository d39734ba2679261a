"""msgspec builds what it knows of a type at its first use; two threads that do so at once crash Python (0.22.0)."""

from collections.abc import Iterator

import msgspec


def prepare_structs() -> None:
    """Have msgspec read every struct that is defined by now, before there are threads."""
    for struct in _find_structs(msgspec.Struct):
        msgspec.json.Decoder(struct)


def _find_structs(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for each in struct.__subclasses__():
        yield each
        yield from _find_structs(each)
