"""`etappe rebuild`, `backup`, `restore`, `erase`: what is kept, what comes back, and what goes for good."""

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from etappe.cli import progress, show
from etappe.cli.options import HERE, Where
from etappe.errors import InputError
from etappe.events.identities import USER, Identity
from etappe.ids import subject_of
from etappe.store.identities import erasure, logged_tombstones, tombstones
from etappe.store.identities.erasure import Receipt
from etappe.values import ids
from etappe.wiring import restoring
from etappe.wiring.store import Opened, opened
from etappe.worker.archiving.archive import archive
from etappe.worker.backup.backing_up import back_up
from etappe.worker.backup.restoring import Rebuilt
from etappe.worker.erasing.rewriting import erase_now


def rebuild(
    *,
    accept_loss: Annotated[bool, Parameter(help="Go on with a log that has lost what it had.", negative="")] = False,
    where: Where = HERE,
) -> None:
    """Make everything in Redis anew from the log: after a loss, or a change of learning.half_life_days."""
    with progress.shown() as shown:
        done = restoring.rebuild(where.place(), shown, accept_loss=accept_loss)
    _tell(done)


def backup(
    file: Path,
    *,
    damaged: Annotated[bool, Parameter(help="Back up what is damaged, too, and mark it.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """Write one file with all that cannot be made anew: log, secret, settings, snapshots. Servers may go on."""
    if damaged and file.exists():
        raise InputError(f"{file} may be a better backup than one of what is damaged; name another file")
    with opened(where.place()) as here, progress.shown() as shown:
        manifest = back_up(here.client, here.log, here.place.data, file, shown, damaged=damaged)
    size = sum(member.bytes for member in manifest.members.values())
    show.result(f"{file}: {len(manifest.members):,} files, {size:,} bytes, the log up to {manifest.position:,}")
    if manifest.damaged:
        name, reason = next(iter(manifest.damaged.items()))
        show.complain(f"{len(manifest.damaged)} damaged: {name} is {reason}; `etappe check --deep` says what to do")
        return show.NOT_ALL
    return 0


def restore(
    file: Path,
    *,
    replace: Annotated[bool, Parameter(help="Replace what the data folder and Redis hold.", negative="")] = False,
    erased: Annotated[Path | None, Parameter(help="A list that `etappe erase --list` printed.")] = None,
    where: Where = HERE,
) -> None:
    """Bring a backup back, verified, and rebuild Redis from it. Who was erased since stays erased."""
    with progress.shown() as shown:
        done = restoring.restore(where.place(), file, erased, shown, replace=replace)
    _tell(done)


def erase(
    *,
    user: Annotated[str | None, Parameter(help="The user_id of who is to be erased.")] = None,
    now: Annotated[bool, Parameter(help="Rewrite the log at once.", negative="")] = False,
    listed: Annotated[bool, Parameter(name="--list", help="Print the tombstones, for a restore.", negative="")] = False,
    where: Where = HERE,
) -> None:
    """Erase a customer with all identities; what is left are tombstones, which name nobody."""
    if user is None and not now and not listed:
        raise InputError("say whom to erase with --user, or --now to rewrite the log, or --list to print tombstones")
    with opened(where.place()) as here, progress.shown() as shown:
        receipts = [_erased(here, user)] if user is not None else []
        if now:
            shown("rewriting the log", 0)
            done = erase_now(here.client, here.log, here.place.data / "rejected", here.settings)
            receipts = done or receipts
        if listed:
            archive(here.client, here.log)
            show.result(tombstones.listed(logged_tombstones.in_log(here.log)).rstrip("\n"))
    _show(receipts)


def _erased(here: Opened, user: str) -> Receipt:
    user = ids.cleaned(user) or user
    subject = subject_of(here.secret, USER, user)
    return erasure.erase(here.client, here.secret, Identity(USER, user), subject, here.settings)


def _show(receipts: list[Receipt]) -> None:
    rows = [
        (one.receipt, one.erased, one.identities, one.rewritten or f"by {one.rewritten_by}", _redacted(one))
        for one in receipts
    ]
    if rows:
        show.table("", ("receipt", "erased", "identities", "log rewritten", "redacted of others"), rows)


def _redacted(receipt: Receipt) -> str:
    """What was taken out of others' records, by sort; nothing where that is not known yet."""
    if receipt.rewritten is None:
        return ""
    counts: dict[str, int] = msgspec.structs.asdict(receipt.redacted)
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count) or "nothing"


def _tell(done: Rebuilt) -> None:
    counted = [f"{done.customers:,} customers", f"{done.aliases:,} aliases", f"{done.items:,} items"]
    counted += [f"{done.api_keys:,} keys", f"snapshot {done.snapshot or 'none'}"]
    show.result(f"rebuilt: {', '.join(counted)}")
    if done.missing:
        show.say(f"snapshots that are nowhere any more: {', '.join(done.missing)}; run `etappe train`")
    if done.erasures:
        show.say(f"{done.erasures:,} erased are still in the log; the worker rewrites it, `etappe erase --now` at once")
