"""What answers are made of: catalogue and snapshot."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from etappe.cli.checks.finding import Finding, fault, ok
from etappe.models.snapshot import PARTS, Snapshot
from etappe.store.config import catalogues, snapshots
from etappe.wiring.inspecting import Inspected

_NAMED: Final = 20
"""Items of a kind that are named."""


def catalogue(inspected: Inspected) -> Iterator[Finding]:
    """Whether the catalogue can be read."""
    if not inspected.begun:
        yield ok("0 items")
        return
    with _beside(inspected.place.data, catalogues.FOLDER) as folder:
        found, _ = catalogues.load(inspected.client, folder, inspected.settings)
        yield ok(f"{len(found):,} items")
        if none := found.no_products():
            yield ok(
                f"{len(none):,} of them are no products, by catalogue.not_products or a price of 0; give what is one"
                f" after all product = true: {_some(none)}"
            )
        if stubs := found.stubs():
            yield ok(
                f"{len(stubs):,} of them only events have told of; `etappe import-items` tells more: {_some(stubs)}"
            )


def snapshot(inspected: Inspected) -> Iterator[Finding]:
    """Whether there is a snapshot to serve, and it is whole."""
    with _beside(inspected.place.data, snapshots.FOLDER) as folder:
        found = snapshots.open_current(inspected.client, folder) if inspected.begun else None
        if found is None:
            yield fault("none is published; run `etappe train`")
        else:
            yield ok(f"{found.version}, {len(found.items):,} items, verified{_parts(found)}")


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:_NAMED]) + (", ..." if len(ids) > _NAMED else "")


def _parts(found: Snapshot) -> str:
    """What a snapshot lacks, or has beyond what this version knows; nothing where it has just that."""
    absent = [part.name for part in PARTS if not found.has(part.name)]
    told = f"; without {', '.join(absent)}" if absent else ""
    return told + (f"; of a newer version and not used: {', '.join(found.unknown)}" if found.unknown else "")


@contextmanager
def _beside(data: Path, name: str) -> Iterator[Path]:
    """A folder for the time being that stands for the data folder, with names for the artifacts in the folder `name`.

    What is published and not there whole is fetched into it, and what is damaged loses its name in it: the data folder
    stays as it is.
    """
    with tempfile.TemporaryDirectory(prefix="etappe-check-") as made:
        home = Path(made) / name
        home.mkdir()
        for folder in (data / name).glob("[0-9]*"):
            (home / folder.name).symlink_to(folder.absolute())
        yield Path(made)
