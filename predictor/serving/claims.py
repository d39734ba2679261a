"""What is stored with predictions in their commit, and of which each is unique: the references of rows.

So of several requests with the same one, in whichever process, one is stored, and the others get its answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

# A model, and a reference of one of its predictions.
Name = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Claims:
    """Each name with the id of its prediction, in the order of names: batches that meet never wait for each other."""

    references: Sequence[tuple[Name, UUID]] = ()

    def __bool__(self) -> bool:
        return bool(self.references)


NO_CLAIMS = Claims()
