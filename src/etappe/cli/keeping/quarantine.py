"""`etappe quarantine`: files that are out of the log and not lost, and damaged ones brought to a good end."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from etappe.cli import progress, show
from etappe.cli.options import HERE, Where
from etappe.errors import InputError
from etappe.ids import Subject
from etappe.log import Log, mending, quarantine, relisting
from etappe.log.quarantine import Held
from etappe.settings import Place
from etappe.store.config import learned
from etappe.store.identities import graph
from etappe.store.place import folder_swap, generation
from etappe.wiring.restoring import resume_erasures
from etappe.wiring.store import opened
from etappe.worker.backup import healing


def quarantined(
    *files: Annotated[str, Parameter(help="Files as the list names them; with --aside as `etappe check` does.")],
    restore: Annotated[bool, Parameter(help="Put their rows back into the log.", negative="")] = False,
    drop: Annotated[bool, Parameter(help="Delete them for good.", negative="")] = False,
    all_: Annotated[bool, Parameter(name="--all", help="All of them.", negative="")] = False,
    aside: Annotated[bool, Parameter(help="Go on without damaged files of the log.", negative="")] = False,
    heal: Annotated[Path | None, Parameter(help="A backup to bring damaged files back from.")] = None,
    relist: Annotated[bool, Parameter(help="List anew what lies in a log without commits.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """List files that no commit of the log names or that were damaged, put them back, drop them, or heal the log."""
    place = where.place()
    wanted = {"--restore": restore, "--drop": drop, "--aside": aside, "--heal": heal is not None, "--relist": relist}
    said = [name for name, is_said in wanted.items() if is_said]
    if len(said) > 1:
        raise InputError(f"{said[0]} and {said[1]} are two things; say one of them")
    action = said[0] if said else None
    if action in _NAMED and bool(files) == all_:
        raise InputError(f"{action} needs the files as `etappe quarantine` lists them, or --all")
    if action not in _NAMED and (all_ or bool(files) != (action == "--aside")):
        raise InputError("--aside needs files, as `etappe check` names them; without --restore or --drop no others do")
    if heal is not None:
        return _heal(place, heal)
    return _ACTIONS[action](place, files)


def _list(place: Place, _files: tuple[str, ...]) -> int:
    held = quarantine.held(place.data / "log")
    if not held:
        show.result("nothing is in quarantine")
        return 0
    for one in held:
        show.result(f"{one.path}: {_contents(one)}; {one.why or 'nobody noted why'}")
    return 0


def _restore(place: Place, files: tuple[str, ...]) -> int:
    with opened(place) as here:
        done = mending.put_back(here.log, files)
        graph.mark_dirty(here.client, [Subject(subject) for one in done for subject in one.subjects])
        resume_erasures(here)
    for one in done:
        show.result(f"{one.held.path}: {one.added:,} of {one.held.rows or 0:,} rows added, the log had the others")
    if any(one.added and one.held.table != "event" for one in done):
        show.say("identities or configuration came back: stop every `etappe serve` and run `etappe rebuild`")
    return 0


def _drop(place: Place, files: tuple[str, ...]) -> int:
    log = Log(place.data / "log")
    for held in quarantine.named(log.folder, files):
        with log.still():
            quarantine.remove(log.folder, held.path)
        show.result(f"{held.path}: dropped, {_contents(held)}")
    return 0


def _set_aside(place: Place, files: tuple[str, ...]) -> int:
    with opened(place, mends_log=True) as here:
        for path in files:
            file = mending.set_aside(here.log, path).file
            show.result(f"{path} is set aside: {file.rows:,} rows of table {file.table}, {file.day}, are missing")
    return 0


def _heal(place: Place, backup: Path) -> int:
    with opened(place, mends_log=True) as here, progress.shown() as shown:
        done = healing.heal(here.log, backup, shown)
        for file in done.healed:
            show.result(f"{file.path} is whole again: {file.rows:,} rows of table {file.table}, {file.day}")
        resume_erasures(here)
    if done.healed:
        show.say("if anything was rebuilt meanwhile, stop every `etappe serve` and run `etappe rebuild`")
    if done.left:
        first = done.left[0].path
        show.complain(
            f"{backup} has {len(done.left)} damaged files not whole ({first}); try another backup, or --aside"
        )
        return show.NOT_ALL
    if not done.healed:
        show.result("nothing is damaged")
    return 0


def _relist(place: Place, _files: tuple[str, ...]) -> int:
    folder_swap.refuse_unfinished(place.data)
    known = learned.positions(None, place.data)
    now = generation.kept(place.data) or ""
    done = relisting.relist(Log(place.data / "log"), max(known.values(), default=0), now)
    show.result(
        f"the log lists {done.files:,} files with {done.rows:,} rows, position {done.position:,};"
        f" {done.quarantined:,} files went into quarantine"
    )
    show.say(
        "rows whose files are gone, too, are lost: if all that can be brought back is there, stop every `etappe serve`"
        " and run `etappe rebuild`, so that Redis has what the log has"
    )
    return 0


def _contents(held: Held) -> str:
    """What a file holds, or held before it was damaged."""
    rows = "an unknown number of" if held.rows is None else f"{held.rows:,}"
    span = f", {held.first:%Y-%m-%d %H:%M:%S} to {held.last:%H:%M:%S}" if held.first and held.last else ""
    return f"{rows} rows of table {held.table}, {held.day}{span}"


_NAMED: Final = ("--restore", "--drop")
_ACTIONS: Final[dict[str | None, Callable[[Place, tuple[str, ...]], int]]] = {
    None: _list,
    "--restore": _restore,
    "--drop": _drop,
    "--aside": _set_aside,
    "--relist": _relist,
}
