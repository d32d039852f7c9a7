"""Putting a restored place into a data folder in one go, whatever breaks it off.

    DATA/.restoring/new      what is to be, whole and verified before `ready` is written
    DATA/.restoring/ready    from here on it is finished by whoever comes next, and nothing else works before
    DATA/.restoring/swapped  the files are in their places; Redis has still to be rebuilt
    DATA/.restoring/old      what was there, until that is done

A data folder may be a mount point, which cannot be renamed: so its contents are, one by one. Settings that are mounted
into it on their own, as a pod's are, stay what whoever mounted them says.
"""

import errno
import shutil
from pathlib import Path
from typing import Final

import msgspec

from etappe.arrays import sync_folder, write_synced
from etappe.errors import StoreError
from etappe.settings import FILE_NAME
from etappe.store.server.connection import SECRET_FILE

FOLDER: Final = ".restoring"
LOG: Final = "log"
SNAPSHOTS: Final = "snapshots"
RESTORED: Final = (SECRET_FILE, FILE_NAME, LOG, SNAPSHOTS)
"""What a backup holds of a data folder."""
DERIVED: Final = ("catalogue", "rejected", "valkey")
"""What goes when the rest is replaced."""
_READY: Final = "ready"
_SWAPPED: Final = "swapped"


class Plan(msgspec.Struct, frozen=True):
    """What comes into the data folder, and whether Redis is to forget what it holds."""

    names: tuple[str, ...]
    replaces: bool


_PLAN: Final = msgspec.json.Decoder(Plan)


def begin(data: Path) -> Path:
    """An empty folder, on the same disk as the data folder, to put together what is to be."""
    home = data / FOLDER
    shutil.rmtree(home, ignore_errors=True)
    (home / "new").mkdir(parents=True, mode=0o700)
    return home / "new"


def give_up(data: Path) -> None:
    """Removes what was begun, unless it is ready."""
    if plan(data) is None:
        shutil.rmtree(data / FOLDER, ignore_errors=True)


def ready(data: Path, *, replaces: bool) -> None:
    """What lies in the folder of `begin` will take the place of what is there, whatever happens."""
    home = data / FOLDER
    names = tuple(name for name in RESTORED if (home / "new" / name).exists())
    write_synced(home / f".{_READY}", msgspec.json.encode(Plan(names, replaces)))
    (home / f".{_READY}").rename(home / _READY)
    for folder in (home, data, data.parent):
        sync_folder(folder)


def plan(data: Path) -> Plan | None:
    """What is to be done, or has been while Redis has still to be rebuilt; None where there is nothing."""
    for name in (_READY, _SWAPPED):
        path = data / FOLDER / name
        if path.exists():
            return _PLAN.decode(path.read_bytes())
    return None


def swap(data: Path) -> Plan | None:
    """Moves the files where that is ready and not done; returns the plan."""
    todo, home = plan(data), data / FOLDER
    if todo is None or not (home / _READY).exists():
        return todo
    new, old = home / "new", home / "old"
    old.mkdir(exist_ok=True)
    for name in todo.names:
        if (new / name).exists():
            _move(data / name, old / name)
            _move(new / name, data / name)
    for name in {*RESTORED, *DERIVED} - set(todo.names):
        _move(data / name, old / name)
    for folder in (data, old, new):
        sync_folder(folder)
    (home / _READY).rename(home / _SWAPPED)
    sync_folder(home)
    return todo


def finish(data: Path) -> None:
    """Forgets what was there before, as Redis is rebuilt."""
    if (data / FOLDER).exists():
        (data / FOLDER / _SWAPPED).unlink(missing_ok=True)
        sync_folder(data / FOLDER)
        shutil.rmtree(data / FOLDER)


def refuse_unfinished(data: Path) -> None:
    """Nothing may be done with a place that is half restored.

    Raises:
        StoreError: a restore was broken off.
    """
    if plan(data) is not None:
        raise StoreError(f"{data} is being restored, or that was broken off; run `etappe rebuild` to finish it")


def _move(path: Path, to: Path) -> None:
    if not path.exists() or to.exists():
        return
    try:
        path.rename(to)
    except OSError as error:
        if path.name != FILE_NAME or error.errno != errno.EBUSY:
            raise
