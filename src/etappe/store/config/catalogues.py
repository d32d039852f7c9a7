"""The catalogue as the store keeps it: compiled now and then, the changes since in the journal."""

import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import redis

from etappe import settings
from etappe.catalog.draft import Draft
from etappe.catalog.products import NotProducts
from etappe.catalog.table import KIND, Catalogue
from etappe.settings import Settings
from etappe.store.config import artifacts, journal, kinds
from etappe.store.server.connection import SyncRedis

FOLDER: Final = "catalogue"
_log = logging.getLogger("etappe.catalogues")


def newer(client: SyncRedis, data: Path, held: str, made: type[Catalogue] = Catalogue) -> tuple[Catalogue, str] | None:
    """The compiled catalogue and its journal position, where that is past `held`."""
    version = artifacts.current(client, KIND)
    if version is None:
        return None
    catalogue, manifest = artifacts.opened(client, KIND, version, data / FOLDER, made.open)
    ruled(catalogue, settings.load(data))
    position = str(manifest.parameters["position"])
    return (catalogue, position) if journal.ordered(position) > journal.ordered(held) else None


def ruled(catalogue: Catalogue, told: Settings) -> Catalogue:
    """The catalogue, which knows what is no product from now on."""
    catalogue.not_products = NotProducts(told.catalogue.not_products, free_items=told.catalogue.free_items)
    return catalogue


def load(
    client: SyncRedis, data: Path, told: Settings | None = None, made: type[Catalogue] = Catalogue
) -> tuple[Catalogue, str]:
    """The catalogue as of now, and the journal position it has come to; `told` are the settings, else the folder's."""
    told = told or settings.load(data)
    while True:
        version = artifacts.current(client, KIND)
        catalogue, position = newer(client, data, journal.START, made) or (made(), journal.START)
        found = _with_changes(client, ruled(catalogue, told), position)
        if artifacts.current(client, KIND) == version:  # else the journal may have been cut behind a newer one
            return found


def _with_changes(client: SyncRedis, catalogue: Catalogue, position: str) -> tuple[Catalogue, str]:
    for change in journal.read(client, position):
        if change.kind in kinds.OF_ITEMS:
            try:
                kinds.put_items(catalogue, change)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # replicas pass it over, too
                _log.error("the change at %s of the journal cannot be read: %s", change.position, error)
        position = change.position
    return catalogue, position


def compile_current(client: SyncRedis, data: Path) -> str:
    """Compiles the catalogue as of now and publishes it; returns the journal position it holds."""
    catalogue, position = load(client, data, made=Draft)
    publish(client, data, catalogue, position)
    return position


def publish(client: SyncRedis, data: Path, catalogue: Catalogue, position: str) -> None:
    """Compiles a catalogue that has come to `position` of the journal, and makes it the current one."""
    now = datetime.now(UTC)
    folder = data / FOLDER / now.strftime("%Y%m%dT%H%M%S%fZ")
    folder.parent.mkdir(parents=True, exist_ok=True)
    catalogue.compile(folder, folder.name, now.isoformat(), position)
    try:
        artifacts.publish(client, KIND, folder)
    except redis.ResponseError:  # refused, by a full Redis for one: the next round compiles another
        shutil.rmtree(folder, ignore_errors=True)
        raise
    artifacts.remove_old_folders(folder.parent, artifacts.versions(client, KIND))
