"""How far into the log snapshots have learned: read from manifests, without the models and their kernels."""

import contextlib
from pathlib import Path
from typing import Final

from etappe.arrays import Manifest
from etappe.errors import DataError
from etappe.models.kinds import SNAPSHOT
from etappe.store.config import artifacts
from etappe.store.server.connection import SyncRedis

FOLDER: Final = "snapshots"
"""Of the data folder: where its snapshots are."""


def positions(client: SyncRedis | None, data: Path) -> dict[str, int]:
    """The position of the log up to which each snapshot learned, of those in the folder and the one served."""
    found: dict[str, int] = {}
    for folder in (data / FOLDER).glob("[0-9]*"):
        with contextlib.suppress(DataError):  # a damaged one tells nothing
            found[folder.name] = Manifest.read(folder).log_position
    version = artifacts.current(client, SNAPSHOT) if client is not None else None
    if client is not None and version is not None:
        with contextlib.suppress(DataError):
            found[version] = artifacts.manifest(client, SNAPSHOT, version).log_position
    return found
