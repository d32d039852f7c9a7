"""Snapshots as the store keeps them: folders in the data folder, published through Redis, changes journalled."""

import contextlib
from pathlib import Path

from etappe.errors import DataError, NotFoundError
from etappe.models.snapshot import KIND, Snapshot
from etappe.store.config import artifacts, journal
from etappe.store.config.learned import FOLDER
from etappe.store.server.connection import SyncRedis

__all__ = ["FOLDER", "open_current", "publish", "publish_version", "restore", "rollback"]


def open_current(client: SyncRedis, data: Path, held: str | None = None) -> Snapshot | None:
    """The snapshot to serve; None where there is none, or `held` is it. A damaged local copy is fetched anew.

    Raises:
        DataError: what is published is damaged too, or of a format this version does not know.
    """
    version = artifacts.current(client, KIND)
    if version is None or version == held:
        return None
    return artifacts.opened(client, KIND, version, data / FOLDER, Snapshot.open)


def publish(client: SyncRedis, folder: Path) -> str:
    """Uploads a snapshot, makes it the current one, and tells the replicas; returns its version."""
    Snapshot.open(folder)
    version = artifacts.publish(client, KIND, folder)
    artifacts.remove_old_folders(folder.parent, artifacts.versions(client, KIND))
    _tell(client, version)
    return version


def publish_version(client: SyncRedis, data: Path, version: str | None) -> str:
    """Publishes a snapshot of the data folder by version, the newest where none is named.

    Raises:
        NotFoundError: there is no such snapshot.
    """
    found = sorted(folder.name for folder in (data / FOLDER).glob("[0-9]*") if folder.is_dir())
    if not found or (version is not None and version not in found):
        wanted = f"snapshot {version}" if version else "snapshot"
        raise NotFoundError(
            f"no {wanted} in {data / FOLDER}; there are: {', '.join(found) or 'none, run `etappe train`'}"
        )
    return publish(client, data / FOLDER / (version or found[-1]))


def restore(client: SyncRedis, data: Path, published: list[str], served: str) -> list[str]:
    """Uploads snapshots of the data folder (oldest first), with `served` the current one.

    Returns those that neither the folder nor Redis has whole. Replicas are told nothing, as they find what is current
    when they load it.
    """
    home = data / FOLDER
    for version in published:
        with contextlib.suppress(DataError):  # missing, or damaged
            Snapshot.open(home / version)
            artifacts.publish(client, KIND, home / version)
    if served in artifacts.versions(client, KIND):
        artifacts.select(client, KIND, served)
    return [version for version in published if version not in artifacts.versions(client, KIND)]


def rollback(client: SyncRedis) -> str:
    """Serves the snapshot published before the current one; returns its version."""
    version = artifacts.before_current(client, KIND)
    artifacts.select(client, KIND, version)
    _tell(client, version, rollback=True)
    return version


def _tell(client: SyncRedis, version: str, *, rollback: bool = False) -> None:
    journal.append(client, journal.SNAPSHOT, {"version": version} | ({"rollback": True} if rollback else {}))
