"""`[contract]`: what may not change between the table of the last version and the next one."""

import sys
from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=sys.float_info.max)]


class ContractRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is refused; None only says it.

    Each number is the largest change that is accepted: of the share of missing values, of a range beyond its ends as
    a share of its width, and of the rows as a share of those before.
    """

    columns: Literal["same"] | None = None
    kinds: Literal["same"] | None = None
    missing_share: Share | None = None
    ranges: Amount | None = None
    categories: Literal["same", "known"] | None = None
    rows: Amount | None = None
