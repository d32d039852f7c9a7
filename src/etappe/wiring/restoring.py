"""A place put back to what a backup holds, and Redis rebuilt behind it."""

from pathlib import Path

from etappe import settings as settings_module
from etappe.errors import InputError, StoreError
from etappe.log import Log, mending
from etappe.progress import Progress
from etappe.settings import Place
from etappe.store import keys
from etappe.store.config import learned
from etappe.store.identities import erasure, logged_tombstones, tombstones
from etappe.store.identities.tombstones import Tombstone
from etappe.store.place import folder_swap, generation
from etappe.store.server import connection
from etappe.store.server.embedded import EmbeddedServer
from etappe.wiring.store import Opened, opened
from etappe.worker.backup import restoring, unerased
from etappe.worker.backup.backing_up import Manifest
from etappe.worker.backup.restoring import Rebuilt
from etappe.worker.backup.unpacking import unpack


def restore(place: Place, file: Path, erased: Path | None, progress: Progress, *, replace: bool) -> Rebuilt:
    """Puts a place back to the backup in `file`, but for those whom it or the list `erased` knows to be erased since.

    Until all is verified, nothing is touched; from then on it is finished, by `rebuild` where this is broken off.

    Raises:
        InputError: the place holds something and `replace` is not said, or a file is not what it should be.
        EtappeError: the backup is damaged, or the place is in use.
    """
    data = place.data
    folder_swap.refuse_unfinished(data)
    held = [name for name in (*folder_swap.RESTORED, *folder_swap.DERIVED) if (data / name).exists()]
    if held and not replace:
        raise InputError(f"{data} holds {', '.join(held)}; name an empty folder with --data, or say --replace")
    listed = _listed(erased) if erased else []
    new = folder_swap.begin(data)
    try:
        manifest = unpack(file, new, progress)
        progress("looking for who was erased since", 0)
        stones = [*listed, *_known(place, _secret(new, file), bool(held))]
        log = Log(new / folder_swap.LOG)
        log.prepare()
        _set_aside(log, manifest)
        logged_tombstones.add(log, stones)
        folder_swap.ready(data, replaces=replace)
    except BaseException:
        folder_swap.give_up(data)
        raise
    return rebuild(place, progress)


def rebuild(place: Place, progress: Progress, *, accept_loss: bool = False) -> Rebuilt:
    """Makes all of Redis anew from the log, after finishing a restore that was broken off.

    A log that has lost what Redis was told to be in it would take that out of Redis, too: that is done only where it is
    said that the loss is accepted, and never from a folder that has none of the log: it would take out all.

    Raises:
        EtappeError: servers are running, or the place cannot be used.
    """
    plan = folder_swap.swap(place.data)
    with opened(place, unfinished=True) as here:
        if plan is None:
            _refuse_lost_log(here, accepted=accept_loss)
        if plan is not None and plan.replaces:
            restoring.refuse_servers(here.client, here.settings)
            restoring.forget(here.client)
        _go_on(here, progress)
        done = restoring.rebuild_all(here.client, here.log, place.data, here.secret, here.settings, progress)
        folder_swap.finish(place.data)
    return done


def _refuse_lost_log(here: Opened, *, accepted: bool) -> None:
    fault = generation.fault_of(here.client, here.log, here.place.data)
    if fault is None or not fault.loses:
        return
    if generation.is_guest(here.log, here.place.data) or not accepted:
        raise fault.error()


def _set_aside(log: Log, manifest: Manifest) -> None:
    """What was damaged when it was backed up is no more than remembered: all else can be read then."""
    live = log.state().live()
    for name in manifest.damaged:
        path = name.removeprefix(f"{folder_swap.LOG}/")
        if path in live:
            mending.set_aside(log, path)


def _go_on(here: Opened, progress: Progress) -> None:
    """A log that has lost its end goes on behind all that anybody knows of it, so that no position means two things."""
    furthest = max(learned.positions(here.client, here.place.data).values(), default=0)
    if here.log.go_on_behind(furthest):
        progress(f"the log has lost commits: it goes on behind {furthest}", 0)


def resume_erasures(here: Opened) -> None:
    """Puts those on the list whom rows that came back into the log still hold though they were erased since."""
    waiting = unerased.still_in(here.log, here.secret, here.settings)
    erasure.resume(here.client, waiting, logged_tombstones.in_log(here.log), here.settings)


def _listed(path: Path) -> list[Tombstone]:
    try:
        return tombstones.read(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _secret(folder: Path, file: Path) -> bytes:
    found = connection.kept_secret(folder / connection.SECRET_FILE)
    if found is None:
        raise InputError(f"{file} holds no secret; use another backup")
    return found


def _known(place: Place, secret: bytes, held: bool) -> list[Tombstone]:
    """The tombstones of the place as it is, which nobody may be using."""
    if not held and place.redis_url is None:
        return []
    with connection.connect(place) as client:
        restoring.refuse_servers(client, settings_module.load(place.data))
        kept = client.get(keys.SECRET)
        if place.redis_url is not None and kept not in (None, secret):
            raise StoreError(
                f"{connection.shown(place)} belongs to another place: its secret is not the backup's;"
                " name an empty Redis with --redis, or empty that one if nothing in it is to be kept"
            )
        found = restoring.known_tombstones(client, place.data / folder_swap.LOG) if kept == secret else []
    if not _free(place):
        raise StoreError(f"another command is using {place.data}; let it end, then run the same again")
    return found


def _free(place: Place) -> bool:
    return place.redis_url is not None or not EmbeddedServer(place.data).used()
