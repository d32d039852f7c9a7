"""What the tables of a world's file are made of."""

from typing import Annotated

import msgspec
from msgspec import Meta

Positive = Annotated[float, Meta(gt=0)]
Chance = Annotated[float, Meta(ge=0, le=1)]
ByStage = tuple[float, float, float, float, float]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; the comments there say what its fields mean."""
