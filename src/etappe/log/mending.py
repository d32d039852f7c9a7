"""What was damaged or quarantined, brought to a good end: set aside, healed from a whole copy, or put back."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe.arrays import sha256_of, sync_folder
from etappe.errors import DataError, InputError, NotFoundError
from etappe.log import damage, quarantine, schema
from etappe.log.damage import Damage
from etappe.log.log import Log
from etappe.log.quarantine import Held
from etappe.log.state import LogFile

SET_ASIDE: Final = "set aside"
HEALED: Final = "healed"
PUT_BACK: Final = "put back"


class PutBack(msgspec.Struct, frozen=True):
    """A file that left quarantine: how many of its rows the log did not have, and the subjects of those."""

    held: Held
    added: int
    subjects: tuple[bytes, ...] = ()


def set_aside(log: Log, path: str) -> Damage:
    """Has the log go on without a damaged live file, which goes into quarantine; its rows are remembered as missing.

    Raises:
        NotFoundError: no live file has this path.
        InputError: it is whole.
    """
    with log.mending():
        file = next((file for file in log.state().all() if file.path == path), None)
        if file is None:
            raise NotFoundError(
                f"{path} is no live file of the log; `etappe check --deep` names those that are damaged"
            )
        found = next(damage.deep(log.folder, [file]), None)
        if found is None:
            raise InputError(f"{path} is whole; only a damaged file is set aside")
        with log.still():  # first the move: a file that is replaced by nothing would be deleted after its grace
            quarantine.take_in(log.folder, path, f"set aside: it is {found.reason}", file)
        with log.transaction(SET_ASIDE) as into:
            into.set_aside.append(file)
    return found


def to_heal(log: Log) -> list[LogFile]:
    """The files that are missing or damaged. Every byte of the log is read."""
    state = log.state()
    return [*state.missing, *(one.file for one in damage.deep(log.folder, state.all()))]


def heal(log: Log, copies: Mapping[str, Path]) -> list[LogFile]:
    """Puts whole copies in the place of files that are missing or damaged, by path; returns those that are whole now.

    Raises:
        DataError: a copy is not what was written.
    """
    with log.mending():
        state = log.state()
        lost = [file for file in state.missing if file.path in copies]
        live = [file for file in state.all() if file.path in copies]
        for file in (*lost, *live):
            _check(copies[file.path], file)
        with log.transaction(HEALED) as into:
            for file in lost:
                into.heal(file, copies[file.path])
        for file in live:
            _put_in_place(log.folder / file.path, copies[file.path])
        for name in {held.path for held in quarantine.held(log.folder)}:
            noted = quarantine.note(log.folder, name)
            if noted is not None and noted.file in lost:
                quarantine.remove(log.folder, name)
    return [*lost, *live]


def put_back(log: Log, names: tuple[str, ...]) -> list[PutBack]:
    """Takes files out of quarantine (all where none is named), and into the log what of their rows it does not have.

    Raises:
        NotFoundError: there is no such file.
        DataError: one cannot be read, or is not what was committed. Nothing is put back then.
    """
    chosen = quarantine.named(log.folder, names)
    for held in chosen:
        _refuse_damaged(log, held)
    return [_put_back(log, held) for held in chosen]


def _put_back(log: Log, held: Held) -> PutBack:
    rows = quarantine.read(log.folder, held.path)
    known = [log.scan(held.table, day=day) for day in _days(rows) if day in log.days(held.table)]
    new = rows
    if known:
        columns = schema.TABLES[held.table].names()
        new = rows.join(pl.concat(known).collect(), on=columns, how="anti", nulls_equal=True, maintain_order="left")
    if new.height:
        with log.transaction(PUT_BACK) as into:
            into.add(held.table, new)
    with log.still():
        quarantine.remove(log.folder, held.path)
    subjects = tuple(new["subject"].drop_nulls().unique()) if held.table == "event" else ()
    return PutBack(held, new.height, subjects)


def _days(rows: pl.DataFrame) -> list[str]:
    return sorted(set(rows["time"].dt.strftime("%Y-%m-%d")))


def _refuse_damaged(log: Log, held: Held) -> None:
    noted = quarantine.note(log.folder, held.path)
    path = quarantine.folder_of(log.folder) / held.path
    if noted and noted.file and (not path.exists() or (noted.file.sha256 and sha256_of(path) != noted.file.sha256)):
        raise DataError(f"{path} is damaged; bring it back with `etappe quarantine --heal BACKUP`, or --drop it")
    quarantine.read(log.folder, held.path)


def _check(copy: Path, file: LogFile) -> None:
    wanted = msgspec.structs.replace(file, path=copy.name)
    for found in damage.deep(copy.parent, [wanted]):
        raise DataError(f"the copy of {file.path} is {found.reason}; use another backup")


def _put_in_place(path: Path, copy: Path) -> None:
    """Writes over a damaged file, by one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with copy.open("rb+") as whole:
        os.fsync(whole.fileno())
    copy.replace(path)
    sync_folder(path.parent)
