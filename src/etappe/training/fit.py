"""The whole training: from the log's events to a snapshot folder."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl
from scipy import sparse

from etappe import progress as progressing
from etappe.arrays import Manifest
from etappe.models import snapshot
from etappe.models.confidence import confidences
from etappe.models.copurchase import arrays_of
from etappe.models.parts import Named
from etappe.models.snapshot import WINDOWS, Content, Parameters
from etappe.progress import Progress
from etappe.settings import Learning, Settings
from etappe.training import als, copurchase, matrices, popularity, wishlists
from etappe.training.matrices import Matrices

SEED: Final = 20_260_101
"""Of everything random in a training, so that the same log and settings give the same snapshot."""


def fit_snapshot(
    events: pl.LazyFrame,
    *,
    settings: Settings,
    now: datetime | None = None,
    log_position: int,
    folder: Path,
    created: datetime | None = None,
    metrics: Mapping[str, Any] | None = None,
    progress: Progress = progressing.silent,
) -> Manifest:
    """Learns from `events` and writes the snapshot `<folder>/<version>`; its manifest tells the version.

    Args:
        events: the event table, each event once (`Log.events`).
        settings: the section `learning` counts.
        now: ages are counted from here and later events left out; None: from the last event that is no straggler.
        log_position: the commit of the log up to which `events` were read.
        folder: where snapshots are kept.
        created: the version begins with this time; None: the clock's.
        metrics: how well the model did when evaluated, for the manifest and the gate.
        progress: called as work goes on.

    Raises:
        InputError: there is nothing to learn from, or the settings give factors that are not finite.
        OSError: the disk is full.
    """
    learning = settings.learning
    progress("reading events", 0)
    data = matrices.read(events, half_life_days=learning.half_life_days, now=now)
    progress("reading events", data.events, data.events)
    content = _content(data, learning, progress)
    made, digest = created or datetime.now(UTC), digest_of(learning)
    return snapshot.save(
        folder / version_of(made, digest),
        content,
        _parameters(data, learning),
        created=made,
        digest=digest,
        log_position=log_position,
        metrics=metrics,
    )


def digest_of(learning: Learning) -> str:
    """16 hexadecimal digits that change with every setting of learning and with the format of snapshots."""
    told = msgspec.json.encode({"format": snapshot.FORMAT, "seed": SEED, "learning": learning}, order="deterministic")
    return hashlib.blake2b(told, digest_size=8).hexdigest()


def version_of(created: datetime, digest: str) -> str:
    """The name of a snapshot: the UTC time it was made, to the millisecond, and the start of its digest."""
    stamp = created.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")[:-3]
    return f"{stamp}Z-{digest[:8]}"


def _content(data: Matrices, learning: Learning, progress: Progress) -> Content:
    size = len(data.items)
    return {
        "items": {
            "items": data.items,
            "customers": popularity.distinct(data.lines.rows, data.lines.customers, size),
            "orders": popularity.distinct(data.lines.rows, data.lines.orders, size),
        },
        "popularity": {
            "popularity": popularity.decayed(data.lines, data.views, size, learning.popularity_half_life_days),
            "windows": popularity.people(data.lines, data.views, size, WINDOWS),
        },
        "repurchase": {"repeats": popularity.repeats(data.lines, size)},
        "factors": _factors(data.weights, learning, progress),
        "also_bought": _neighbours(data.bought, learning, progress, "also_bought"),
        "bought_together": _neighbours(data.baskets, learning, progress, "bought_together"),
        "wishlists": _wishlists(data, learning),
    }


def _factors(weights: sparse.csr_array, learning: Learning, progress: Progress) -> Named:
    sure = weights.copy()
    sure.data = learning.alpha * confidences(weights.data)
    sure.eliminate_zeros()
    factors = als.fit(
        sure,
        factors=learning.factors,
        regularisation=learning.regularisation,
        iterations=learning.iterations,
        seed=SEED,
        progress=progress,
    )
    return {"factors": factors, "gram": factors.T @ factors}


def _neighbours(matrix: sparse.csr_array, learning: Learning, progress: Progress, name: str) -> Named:
    built = copurchase.build(
        matrix,
        neighbours=learning.neighbours,
        heavy=learning.heavy_history,
        seed=SEED,
        progress=progress,
        step=name.replace("_", " "),
    )
    return arrays_of(built, name)


def _wishlists(data: Matrices, learning: Learning) -> Named:
    built = wishlists.build(data.wished, data.bought, neighbours=learning.neighbours)
    return {"wished": wishlists.distinct(data.wished), **arrays_of(built, "wishlist_bought")}


def _parameters(data: Matrices, learning: Learning) -> Parameters:
    return Parameters(
        now=data.now,
        customers=int((np.diff(data.bought.indptr) > 0).sum()),
        orders=data.baskets.shape[0],
        events=data.events,
        half_life_days=learning.half_life_days,
        popularity_half_life_days=learning.popularity_half_life_days,
        alpha=learning.alpha,
        regularisation=learning.regularisation,
        iterations=learning.iterations,
        seed=SEED,
    )
