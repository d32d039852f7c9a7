"""A snapshot: everything trained, as one immutable folder of arrays that is verified, memory-mapped and swapped whole.

A row of every array is one item. Nothing in it is about one customer: customers are solved from their own records.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
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
from etappe.models.copurchase import NONE, Neighbours
from etappe.models.kinds import SNAPSHOT

KIND: Final = SNAPSHOT
FORMAT: Final = 1
WINDOWS: Final = (1, 7, 30, 90)
"""Days over which buyers are counted."""
LISTS: Final = ("also_bought", "bought_together", "wishlist_bought")
"""The neighbour lists of a snapshot."""
_PARTS: Final = ("rows", "scores", "counts")


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
class Content:
    """The arrays of a snapshot of n items; `Snapshot` is these with their manifest.

    items uint64[n] item hashes, ascending; customers int32[n] distinct identified customers who bought the item; orders
    int32[n] distinct orders with it, anonymous ones too; repeats int32[n] customers who bought it in two orders or
    more; popularity float32[n] decayed purchases; windows int32[w, n]
    distinct buyers in the last days; factors float32[n, f]; gram float32[f, f] = factors' factors; also_bought from the
    histories of customers; bought_together from orders; wished int32[n] customers who had the item on their wish list;
    wishlist_bought what those bought.
    """

    items: NDArray[np.uint64]
    customers: NDArray[np.int32]
    orders: NDArray[np.int32]
    repeats: NDArray[np.int32]
    popularity: NDArray[np.float32]
    windows: NDArray[np.int32]
    factors: NDArray[np.float32]
    gram: NDArray[np.float32]
    also_bought: Neighbours
    bought_together: Neighbours
    wished: NDArray[np.int32]
    wishlist_bought: Neighbours


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Content):
    """An opened snapshot. Its arrays are read-only and shared by all processes that map the same folder.

    `own` float32[n] is the LLR of each item with itself, for `copurchase.score`.
    """

    manifest: Manifest
    parameters: Parameters
    own: NDArray[np.float32] = field(repr=False)

    @property
    def version(self) -> str:
        """What tells this snapshot from others, and sorts by the time it was made."""
        return self.manifest.version

    @classmethod
    def open(cls, folder: Path) -> "Snapshot":
        """The snapshot in `folder`, verified and memory-mapped.

        Raises:
            DataError: it is damaged, incomplete, or of a kind or format this version does not know.
        """
        manifest, named = arrays.open_verified(folder, KIND, FORMAT)
        try:
            content = _content(named)
            parameters = msgspec.convert(manifest.parameters, Parameters)
        except (KeyError, msgspec.ValidationError) as error:
            raise DataError(f"{folder} lacks what a snapshot holds: {error}; train or publish anew") from error
        _check(folder, content, parameters)
        own = copurchase.own_scores(content.customers, parameters.customers)
        parts = {one.name: getattr(content, one.name) for one in fields(Content)}
        return cls(manifest=manifest, parameters=parameters, own=own, **parts)

    def rows_of(self, hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """int32[m]: the row of each item hash (m,); -1 for items this snapshot does not know."""
        wanted = np.asarray(hashes, dtype=np.uint64)
        if len(self.items) == 0:
            return np.full(len(wanted), NONE, dtype=np.int32)
        places = np.minimum(np.searchsorted(self.items, wanted), len(self.items) - 1)
        return np.where(self.items[places] == wanted, places, NONE).astype(np.int32)


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
    """Writes a snapshot as `folder`, whose name is its version; whole or not at all.

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
        parameters=msgspec.json.decode(msgspec.json.encode(parameters)),
        metrics=dict(metrics or {}),
    )
    return arrays.write(folder, manifest, _named(content))


def _named(content: Content) -> dict[str, NDArray[Any]]:
    named = {one.name: getattr(content, one.name) for one in fields(Content) if one.name not in LISTS}
    for name in LISTS:
        named |= {f"{name}_{part}": getattr(getattr(content, name), part) for part in _PARTS}
    return named


def _content(named: Mapping[str, NDArray[Any]]) -> Content:
    return Content(
        items=named["items"],
        customers=named["customers"],
        orders=named["orders"],
        repeats=named["repeats"],
        popularity=named["popularity"],
        windows=named["windows"],
        factors=named["factors"],
        gram=named["gram"],
        also_bought=_lists(named, "also_bought"),
        bought_together=_lists(named, "bought_together"),
        wished=named["wished"],
        wishlist_bought=_lists(named, "wishlist_bought"),
    )


def _lists(named: Mapping[str, NDArray[Any]], name: str) -> Neighbours:
    return Neighbours(named[f"{name}_rows"], named[f"{name}_scores"], named[f"{name}_counts"])


def _check(folder: Path, content: Content, parameters: Parameters) -> None:
    """Shapes that do not fit one another would be read past their end by compiled code."""
    n, f = len(content.items), content.gram.shape[0]
    shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
        "customers": (content.customers.shape, (n,)),
        "orders": (content.orders.shape, (n,)),
        "wished": (content.wished.shape, (n,)),
        "repeats": (content.repeats.shape, (n,)),
        "popularity": (content.popularity.shape, (n,)),
        "windows": (content.windows.shape, (len(parameters.windows), n)),
        "factors": (content.factors.shape, (n, f)),
        "gram": (content.gram.shape, (f, f)),
    }
    for name in LISTS:
        lists: Neighbours = getattr(content, name)
        width = lists.rows.shape[-1]
        shapes |= {f"{name}_{part}": (getattr(lists, part).shape, (n, width)) for part in _PARTS}
    for name, (found, expected) in shapes.items():
        if found != expected:
            raise DataError(f"{folder}: {name} has shape {found}, {expected} fits the items; train or publish anew")
    for name in LISTS:
        rows = getattr(content, name).rows
        if rows.size and (rows.min() < NONE or rows.max() >= n):
            raise DataError(f"{folder}: {name}_rows names items outside the snapshot; train or publish anew")
