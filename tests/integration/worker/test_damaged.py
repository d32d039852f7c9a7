"""A damaged file of the log: what is done without it, what waits for it, and how a backup heals it."""

import shutil
import tarfile
from pathlib import Path

import msgspec
import pytest
from tests.integration.living import Living
from tests.integration.log.entered import cut, flip

from etappe.errors import DamagedFileError, DataError, InputError
from etappe.events.identities import Identity
from etappe.log import mending, quarantine
from etappe.log.state import LogFile
from etappe.models.snapshot import KIND
from etappe.store import keys
from etappe.store.identities import exports, logged_tombstones
from etappe.wiring.restoring import resume_erasures
from etappe.wiring.store import Opened
from etappe.worker.archiving.archive import archive
from etappe.worker.archiving.entries import table_of
from etappe.worker.backup import backing_up
from etappe.worker.backup.backing_up import Manifest, back_up
from etappe.worker.backup.healing import heal
from etappe.worker.backup.restoring import rebuild_all
from etappe.worker.erasing.rewriting import erase_now
from etappe.worker.exporting import export_wanted


@pytest.fixture
def shop(living: Living) -> Living:
    """Two customers, each with an event in a file of its own."""
    living.did("1", user_id="user-u", timestamp="2026-02-01T12:00:00Z")
    living.did("2", user_id="user-v", timestamp="2026-02-02T12:00:00Z")
    return living


@pytest.fixture
def backup(shop: Living, tmp_path: Path) -> Path:
    """A backup of the whole shop."""
    file = tmp_path / "b.tar"
    back_up(shop.client, shop.log, shop.place.data, file)
    return file


def _file(shop: Living, day: str = "2026-02-01") -> LogFile:
    return next(file for file in shop.log.state().of("event") if file.day == day)


def _ids(shop: Living) -> list[str]:
    return [row["event_id"] for row in shop.rows()]


def _opened(shop: Living) -> Opened:
    return Opened(shop.place, shop.settings, shop.client, shop.log, shop.secret)


def test_erasing_goes_through_the_others(shop: Living, tmp_path: Path) -> None:
    """Who is erased is gone from all whole files; the receipt waits for the damaged one until it is set aside."""
    shop.did("3", user_id="user-u", timestamp="2026-02-02T12:00:00Z")
    shop.erase("user-u")
    flip(shop.log.folder / _file(shop).path)
    with pytest.raises(DamagedFileError, match="2026-02-01"):
        erase_now(shop.client, shop.log, tmp_path, shop.settings)
    assert len(shop.pending()) == 1
    mending.set_aside(shop.log, _file(shop).path)
    assert _ids(shop) == ["2"]
    assert len(erase_now(shop.client, shop.log, tmp_path, shop.settings)) == 1
    assert shop.pending() == []


def test_erasing_reaches_into_quarantine(shop: Living, tmp_path: Path) -> None:
    """Rows of the erased are gone from files in quarantine, those of others stay there."""
    path = _file(shop).path
    folder = quarantine.folder_of(shop.log.folder)
    for name in (path, _file(shop, "2026-02-02").path):
        (folder / name).parent.mkdir(parents=True)
        shutil.copyfile(shop.log.folder / name, folder / name)
    shop.erase("user-u")
    erase_now(shop.client, shop.log, tmp_path, shop.settings)
    held = quarantine.held(shop.log.folder)
    assert [quarantine.read(shop.log.folder, one.path)["event_id"].to_list() for one in held] == [["2"]]


def test_archiving_goes_on(shop: Living) -> None:
    """Entries that a killed worker left in the streams are archived though the file that may have them is damaged."""
    shop.did("3", user_id="user-u", timestamp="2026-02-01T12:00:00Z", archived=False)
    cut(shop.log.folder / _file(shop).path)
    for name in (name for name in shop.log.streams() if table_of(name) == "event"):
        with shop.log.transaction("test") as into:
            into.streams = {name: "9999999999999-0"}  # as if all that waits had been read before
    archive(shop.client, shop.log)
    mending.set_aside(shop.log, _file(shop).path)
    assert set(_ids(shop)) == {"2", "3"}


def test_an_export_waits(shop: Living) -> None:
    """An export that was asked for while a file is damaged is made once the log goes on without it."""
    subject = shop.subject("user-u")
    number = exports.ask(shop.client, subject, {subject: Identity("user_id", "user-u")})
    path = _file(shop, "2026-02-02").path
    cut(shop.log.folder / path)
    with pytest.raises(DamagedFileError, match=path):
        export_wanted(shop.client, shop.log, shop.settings)
    assert exports.take(shop.client, number) is None
    mending.set_aside(shop.log, path)
    assert export_wanted(shop.client, shop.log, shop.settings) == 1
    assert b'"event_id":"1"' in (exports.take(shop.client, number) or b"")


def test_rebuild_begins_only_with_a_whole_log(shop: Living) -> None:
    """With a file cut off nothing in Redis is replaced."""
    before = {name: shop.client.dump(name) for name in shop.client.keys("*")}
    cut(shop.log.folder / _file(shop).path)
    with pytest.raises(DamagedFileError, match="2026-02-01"):
        rebuild_all(shop.client, shop.log, shop.place.data, shop.secret, shop.settings)
    assert before == {name: shop.client.dump(name) for name in shop.client.keys("*")}


@pytest.mark.parametrize("harm", [cut, flip, Path.unlink])
def test_a_backup_is_no_copy_of_damage(shop: Living, tmp_path: Path, harm: object) -> None:
    """A damaged file is refused by name and leaves no backup; where that is asked for it is marked."""
    path, file = _file(shop).path, tmp_path / "b.tar"
    harm(shop.log.folder / path)  # type: ignore[operator]
    with pytest.raises(DamagedFileError, match=f"{path}.*etappe backup --damaged"):
        back_up(shop.client, shop.log, shop.place.data, file)
    assert not file.exists()
    manifest = back_up(shop.client, shop.log, shop.place.data, file, damaged=True)
    assert list(manifest.damaged) == [f"log/{path}"]
    with tarfile.open(file) as tar:
        member = tar.extractfile(backing_up.MANIFEST)
        assert member is not None
        assert msgspec.json.decode(member.read(), type=Manifest).damaged == manifest.damaged
    with pytest.raises(InputError, match="no backup"):
        heal(shop.log, shop.log.folder / "commits" / "00000001.json")
    assert [left.path for left in heal(shop.log, file).left] == [path]


def test_a_published_snapshot_that_is_nowhere_whole(shop: Living, tmp_path: Path) -> None:
    """A backup without a published snapshot is refused, or marked where that is asked for."""
    shop.client.lpush(keys.artifact(KIND), "20260101")
    with pytest.raises(DataError, match="snapshot 20260101 cannot be had whole"):
        back_up(shop.client, shop.log, shop.place.data, tmp_path / "b.tar")
    manifest = back_up(shop.client, shop.log, shop.place.data, tmp_path / "b.tar", damaged=True)
    assert list(manifest.damaged) == ["snapshots/20260101"]


@pytest.mark.parametrize("aside", [True, False])
@pytest.mark.parametrize("harm", [cut, flip, Path.unlink])
def test_healed_from_a_backup(shop: Living, backup: Path, harm: object, aside: bool) -> None:
    """The very file comes back from a second copy, set aside or not, and every row with it."""
    file = _file(shop)
    harm(shop.log.folder / file.path)  # type: ignore[operator]
    if aside:
        mending.set_aside(shop.log, file.path)
    done = heal(shop.log, backup)
    assert ([one.path for one in done.healed], done.left) == ([file.path], [])
    assert sorted(_ids(shop)) == ["1", "2"]
    assert (heal(shop.log, backup).healed, quarantine.held(shop.log.folder)) == ([], [])


def test_who_was_erased_meanwhile_does_not_come_back(shop: Living, backup: Path, tmp_path: Path) -> None:
    """Somebody erased while a file was set aside is erased from what heals it, as from a restored backup."""
    flip(shop.log.folder / _file(shop).path)
    mending.set_aside(shop.log, _file(shop).path)
    shop.erase("user-u")
    erase_now(shop.client, shop.log, tmp_path, shop.settings)
    heal(shop.log, backup)
    resume_erasures(_opened(shop))
    assert [one.subjects for one in shop.pending()] == [[shop.subject("user-u")]]
    erase_now(shop.client, shop.log, tmp_path, shop.settings)
    assert _ids(shop) == ["2"]
    assert len(logged_tombstones.in_log(shop.log)) == 1
