"""A snapshot: everything trained, as one immutable folder of arrays that is verified, memory-mapped and swapped whole.

It is a set of parts, each declared beside its model. All but the items themselves may be absent. Nothing in it is about
one customer: customers are solved from their own records.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe import arrays
from etappe.arrays import Manifest
from etappe.errors import DataError
from etappe.models import copurchase
from etappe.models.copurchase import ALSO_BOUGHT, BOUGHT_TOGETHER, Neighbours
from etappe.models.factors import FACTORS
from etappe.models.kinds import SNAPSHOT
from etappe.models.parts import ASCENDING, ITEMS, NONE, NOT_NEGATIVE, Array, Named, Part, Sizes
from etappe.models.popularity import POPULARITY
from etappe.models.repurchase import REPURCHASE
from etappe.models.wishlists import WISHLISTS

KIND: Final = SNAPSHOT
FORMAT: Final = 2
WINDOWS: Final = (1, 7, 30, 90)
"""Days over which buyers are counted."""

KNOWN_ITEMS: Final = Part(
    "items",
    "the items, and how many bought each; never absent",
    (
        Array("items", np.uint64, (ITEMS,), "the hash of the item's id", (ASCENDING,)),
        Array(
            "customers",
            np.int32,
            (ITEMS,),
            "distinct identified customers with at least one purchase of the item",
            (NOT_NEGATIVE,),
        ),
        Array("orders", np.int32, (ITEMS,), "distinct orders with the item, anonymous ones too", (NOT_NEGATIVE,)),
    ),
)
PARTS: Final = (KNOWN_ITEMS, POPULARITY, REPURCHASE, FACTORS, ALSO_BOUGHT, BOUGHT_TOGETHER, WISHLISTS)
"""All parts that this version knows."""

Content = Mapping[str, Named]
"""The arrays of a snapshot by part."""

_log: Final = logging.getLogger(__name__)


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What serving must know of a training besides the arrays; `manifest.parameters` holds it.

    `now` is in Unix seconds: the time all ages were counted from. `customers` and `orders` are all those that bought
    something, `events` all that were learned from.
    """

    now: float
    customers: int
    orders: int
    events: int
    half_life_days: float
    popularity_half_life_days: float
    alpha: float
    regularisation: float
    iterations: int
    seed: int
    windows: tuple[int, ...] = WINDOWS
    confidence: str = "alpha * log2(1 + weight / purchase)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An opened snapshot. Its arrays are read-only and shared by all processes that map the same folder.

    PARTS declare the arrays. Those of an absent part are there and say nothing (zeros, lists and vectors of length 0),
    so that readers need no case for it; `has` tells. `own` float32[items] is the LLR of each item with itself, for
    `copurchase.score`. `parts` are the names of those present, `unknown` of what a newer version wrote into it.
    """

    manifest: Manifest
    parameters: Parameters
    parts: frozenset[str]
    unknown: tuple[str, ...]
    items: NDArray[np.uint64]
    customers: NDArray[np.int32]
    orders: NDArray[np.int32]
    popularity: NDArray[np.float32]
    windows: NDArray[np.int32]
    repeats: NDArray[np.int32]
    factors: NDArray[np.float32]
    gram: NDArray[np.float32]
    also_bought: Neighbours
    bought_together: Neighbours
    wished: NDArray[np.int32]
    wishlist_bought: Neighbours
    own: NDArray[np.float32] = field(repr=False)

    @property
    def version(self) -> str:
        """What tells this snapshot from others, and sorts by the time it was made."""
        return self.manifest.version

    def has(self, part: str) -> bool:
        """Whether the part of that name is present."""
        return part in self.parts

    @classmethod
    def open(cls, folder: Path) -> "Snapshot":
        """The snapshot in `folder`, verified and memory-mapped. What a newer version added is left alone, and told.

        Raises:
            DataError: it is damaged, incomplete, or of a kind or format this version does not know.
        """
        _refuse_older(folder)
        manifest, named = arrays.open_verified(folder, KIND, FORMAT)
        try:
            parameters = msgspec.convert(manifest.parameters, Parameters)
        except msgspec.ValidationError as error:
            raise DataError(f"{folder} lacks what a snapshot holds: {error}; run `etappe train`") from error
        found = _sound(folder, manifest, named, parameters)
        unknown = tuple(_unknown(manifest))
        if unknown:
            _log.warning("snapshot %s: %s not used, this version does not know it", folder.name, ", ".join(unknown))
        attributes: dict[str, Any] = {name: found[name] for name in _PLAIN}
        attributes |= {name: copurchase.listed(found, name) for name in _LISTS}
        return cls(
            manifest=manifest,
            parameters=parameters,
            parts=frozenset(part.name for part in PARTS if part.name in manifest.parts),
            unknown=unknown,
            own=copurchase.own_scores(found["customers"], parameters.customers),
            **attributes,
        )

    def rows_of(self, hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """int32[m]: the row of each item hash (m,); -1 for items this snapshot does not know."""
        wanted = np.asarray(hashes, dtype=np.uint64)
        if len(self.items) == 0:
            return np.full(len(wanted), NONE, dtype=np.int32)
        places = np.minimum(np.searchsorted(self.items, wanted), len(self.items) - 1)
        return np.where(self.items[places] == wanted, places, NONE).astype(np.int32)


_PLAIN: Final = (
    "items", "customers", "orders", "popularity", "windows", "repeats", "factors", "gram", "wished",
)  # fmt: skip
"""Arrays that are attributes as they are."""
_LISTS: Final = ("also_bought", "bought_together", "wishlist_bought")
"""Attributes of three arrays each."""


def save(
    folder: Path,
    content: Content,
    parameters: Parameters,
    *,
    created: datetime,
    digest: str,
    log_position: int,
    metrics: Mapping[str, Any] | None = None,
) -> Manifest:
    """Writes a snapshot as `folder`, whose name is its version; whole or not at all. What is in it `open` checks.

    Raises:
        OSError: the disk is full.
    """
    manifest = Manifest(
        kind=KIND,
        format=FORMAT,
        version=folder.name,
        created=created.isoformat(),
        digest=digest,
        log_position=log_position,
        parts={part: list(named) for part, named in content.items()},
        parameters=msgspec.json.decode(msgspec.json.encode(parameters)),
        metrics=dict(metrics or {}),
    )
    return arrays.write(folder, manifest, {name: array for named in content.values() for name, array in named.items()})


def faults(named: Named, present: frozenset[str], sizes: Sizes) -> Iterator[str]:
    """What is wrong with the arrays of the parts that are `present`, by their declarations."""
    for part in PARTS:
        if part.name in present:
            yield from part.faults(named, sizes)


def _refuse_older(folder: Path) -> None:
    """Nothing but a training makes an older snapshot a newer one."""
    manifest = Manifest.read(folder)
    if manifest.kind == KIND and manifest.format < FORMAT:
        raise DataError(f"{folder} is a snapshot of an older version (format {manifest.format}); run `etappe train`")


def _sound(folder: Path, manifest: Manifest, named: Named, parameters: Parameters) -> dict[str, NDArray[Any]]:
    """The arrays of all parts, of absent ones those that say nothing; DataError where one is not as declared."""
    if KNOWN_ITEMS.name not in manifest.parts or "items" not in named:
        raise DataError(f"{folder} is a snapshot without items; run `etappe train`")
    sizes = {ITEMS: named["items"].size, "windows": len(parameters.windows)}
    fault = next(faults(named, frozenset(manifest.parts), sizes), None)
    if fault is not None:
        raise DataError(f"{folder}: {fault}; run `etappe train`, or publish another snapshot")
    found: dict[str, NDArray[Any]] = {}
    for part in PARTS:
        absent = part.name not in manifest.parts
        found |= part.empty(sizes) if absent else {array.name: named[array.name] for array in part.arrays}
    return found


def _unknown(manifest: Manifest) -> Iterator[str]:
    """Parts, and arrays of known parts, that no declaration here names."""
    declared = {part.name: {array.name for array in part.arrays} for part in PARTS}
    for name, listed in manifest.parts.items():
        if name not in declared:
            yield f"part {name}"
        else:
            yield from (f"array {array}" for array in listed if array not in declared[name])
