"""Commands: what they print, what they end with, and one clear line where they cannot."""

import gzip
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Ran, Server, Waiting, etappe, free_port, inside, logged, new_key

from etappe.log import Log
from etappe.store.config.learned import positions

COMMANDS = [
    "import", "import-items", "train", "evaluate", "decide", "serve", "worker", "publish", "rollback", "simulate", "check",
    "demo", "keys", "rebuild", "backup", "restore", "erase", "quarantine", "look", "import-customers",
]  # fmt: skip


@pytest.fixture(scope="module")
def own(copy_of: Callable[[], Path]) -> Path:
    """A trained shop that nobody serves."""
    return copy_of()


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A data folder that does not exist yet."""
    return tmp_path / "data"


def must(data: Path, *arguments: str) -> str:
    """Runs a command that has to succeed; what it printed."""
    ran = inside(data, *arguments)
    assert ran.code == 0, ran.err
    return ran.out


def _sizes(data: Path) -> tuple[int, int]:
    """Events in the log and items in the catalogue."""
    catalogue = next(line for line in must(data, "check").splitlines() if "catalogue" in line)
    return logged(data, "event").height, int(catalogue.split()[2])


def _complaint(ran: Ran, code: int = 1) -> str:
    """The one line a failed command says; nothing on stdout, no traceback."""
    assert ran.code == code, ran
    assert ran.out == ""
    lines = [line for line in ran.err.splitlines() if not line.endswith("...")]
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("etappe: ")
    return lines[0]


def test_help_of_every_command(empty: Path) -> None:
    """Every command of the contract has a help that ends with 0, and needs no data folder."""
    top = etappe(empty, "--help")
    assert (top.code, top.err) == (0, "")
    assert [name for name in COMMANDS if name not in top.out] == []
    for command in COMMANDS:
        ran = inside(empty, command, "--help")
        assert (ran.code, ran.err) == (0, ""), command
        assert "Usage: etappe" in ran.out
    assert not empty.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("fly",), ("train", "--frobnicate"), ("decide", "--limit", "many"), ("import",), ("serve", "--port", "http"),
        ("keys", "create"), ("keys", "create", "--kind", "golden"), ("simulate",),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line_and_2(empty: Path, arguments: tuple[str, ...]) -> None:
    """An unknown command or option, or a value of the wrong type: one line, exit 2, nothing begun."""
    assert "etappe --help" in _complaint(inside(empty, *arguments), 2)
    assert not empty.exists()


@pytest.mark.parametrize("command", ["import", "import-items"])
def test_missing_file(empty: Path, command: str) -> None:
    """A file that is not there is named."""
    assert "/no/such/file.csv" in _complaint(inside(empty, command, "/no/such/file.csv"))


def test_unknown_format(empty: Path, tmp_path: Path) -> None:
    """A format that is none is answered with those there are."""
    file = tmp_path / "some.csv"
    file.write_text("a,b\n1,2\n")
    said = _complaint(inside(empty, "import", str(file), "--format", "excel"))
    assert "native" in said
    assert "online-retail" in said
    assert "rees46" in said


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("wrong.csv", b"colour,size\nred,1\n"),
        ("binary.csv", bytes(range(256)) * 50),
        ("cut.csv.gz", gzip.compress(b"event,user_id,item_id\n" * 2000, mtime=0)[:60]),
        ("none.csv.zst", b"no zstandard"),
        ("none.parquet", b"PAR1 and no more"),
        ("list.jsonl", b"[1, 2]\n"),
        ("some.xlsx", b"PK"),
    ],
)
@pytest.mark.parametrize("command", ["import", "import-items"])
def test_file_that_cannot_be_read(own: Path, tmp_path: Path, command: str, name: str, content: bytes) -> None:
    """A file that holds nothing to import ends with 1 and says why, without a traceback, and changes nothing."""
    file = tmp_path / name
    file.write_bytes(content)
    before = _sizes(own)
    ran = inside(own, command, str(file))
    assert "Traceback" not in ran.err
    assert _sizes(own) == before
    if name == "empty.csv" and ran.code == 0:
        return
    assert ran.code == 1, ran
    assert "etappe: " in ran.err


def test_folder_in_place_of_a_file(own: Path, tmp_path: Path) -> None:
    """A folder is no file."""
    for command in ("import", "import-items"):
        assert str(tmp_path) in _complaint(inside(own, command, str(tmp_path)))


def test_rejected_rows_are_counted_and_kept(own: Path, tmp_path: Path) -> None:
    """Bad rows are counted by reason and kept with their line; the good ones are in; with --strict that is a failure."""
    file = tmp_path / "mixed.jsonl"
    rows = [{"event": "view_item", "user_id": "mixed", "item_id": "COF-0001", "timestamp": "2026-01-01T00:00:00Z"}]
    rows += [{"event": "purchase", "user_id": "mixed", "item_id": "x", "price": -1}, {"event": "jump", "user_id": "m"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = inside(own, "import", str(file), "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["rows"], report["events"]) == (0, 3, {"view_item": 1})
    assert sum(report["rejected"].values()) == 2
    assert len(Path(report["rejected_file"]).read_text().splitlines()) >= 2
    strict = inside(own, "import", str(file), "--strict")
    assert strict.code == 1
    assert report["rejected_file"].rsplit("/", 1)[0] in strict.err


def test_second_import_adds_nothing(own: Path, template: Template) -> None:
    """The file of the simulated shop imported again: every row known already, no customer's record changed."""
    file = template.data.parent / "files" / "events.parquet"
    decide = ("decide", "--user", template.customers[0], "--json")
    before = json.loads(must(own, *decide))["placements"]
    report = json.loads(must(own, "import", str(file), "--json"))
    assert (report["events"], report["duplicates"]) == ({}, template.events.height)
    assert json.loads(must(own, *decide))["placements"] == before


def test_decide_and_evaluate_as_json(own: Path, template: Template) -> None:
    """`--json` prints JSON alone, and `decide` what the API would answer."""
    answer = json.loads(must(own, "decide", "--user", template.customers[0], "--limit", "3", "--explain", "--json"))
    assert answer["customer"]["known"] is True
    assert len(answer["placements"]["items"]["items"]) == 3
    assert answer["placements"]["items"]["explanation"]["sources"]
    report = json.loads(must(own, "evaluate", "--test-days", "14", "--k", "5", "--json"))
    assert (report["k"], report["test_days"]) == (5, 14)
    assert {"popular"} <= {line["name"] for line in report["lines"]}
    with Server(own) as server, server.client(template.secret) as client:
        body = {"customer": {"user_id": template.customers[0]}, "placements": [{"name": "items", "limit": 3}]}
        served = client.post("/v1/decide", json=body).json()
    assert served["placements"]["items"]["items"] == answer["placements"]["items"]["items"]


def test_decide_for_people(own: Path, template: Template) -> None:
    """Without `--json` a person reads who it is and why each item is shown."""
    shown = must(own, "decide", "--user", template.customers[0], "--explain")
    assert f"{template.customers[0]} (known)" in shown
    assert "asked: " in shown
    assert "(a stranger)" in must(own, "decide", "--user", "nobody")


@pytest.mark.parametrize("limit", ["0", "101", "-5"])
def test_decide_with_a_limit_out_of_bounds(own: Path, limit: str) -> None:
    """A limit that cannot be is one line."""
    assert "limit" in _complaint(inside(own, "decide", "--limit", limit))


def test_check(own: Path, empty: Path) -> None:
    """`check` ends with 0 where all is well, and with 1 and the remedy where there is no snapshot."""
    assert _levels(must(own, "check")) == {"ok  "}
    ran = inside(empty, "check")
    assert ran.code == 1
    assert "FAIL snapshot: none is published; run `etappe train`" in ran.out


def test_check_destroys_nothing(copy_of: Callable[[], Path]) -> None:
    """With the commits of the log gone, `check` says what is missing and every file stays; nothing starts to write."""
    data = copy_of()
    shutil.rmtree(data / "log" / "commits")
    before = _files(data)
    ran = inside(data, "check")
    assert ran.code == 1
    assert "FAIL log: " in ran.out
    assert "that no commit names" in ran.out
    assert "etappe quarantine --relist" in ran.out
    assert before == _files(data)
    for command in (["train"], ["worker"], ["serve", "--port", str(free_port())], ["rebuild"]):
        assert "etappe quarantine --relist" in _complaint(inside(data, *command)), command
    assert set(before) <= set(_files(data))
    assert not (data / "log" / "commits").exists()


def test_check_changes_nothing(copy_of: Callable[[], Path], empty: Path) -> None:
    """A whole place is as it was after `check`, and an empty one is not begun by it."""
    data = copy_of()
    shutil.rmtree(data / "snapshots")
    before = _files(data)
    assert _levels(must(data, "check", "--deep")) == {"ok  "}
    assert before == _files(data)
    assert inside(empty, "check").code == 1
    assert not empty.exists()


def test_a_damaged_file_is_named(copy_of: Callable[[], Path], tmp_path: Path) -> None:
    """Commands that meet a cut file of the log end with one line that names it and the remedy; a backup heals it."""
    data, backup = copy_of(), str(tmp_path / "b.tar")
    must(data, "backup", backup)
    file = max((data / "log" / "event").glob("*/*.parquet"), key=lambda path: path.stat().st_size)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    name = str(file.relative_to(data / "log"))
    again = str(tmp_path / "again.tar")
    for command in (["train"], ["rebuild"], ["evaluate"], ["ropo"], ["backup", again]):
        said = _complaint(inside(data, *command))
        assert name in said, command
        assert f"etappe quarantine --aside {name}" in said, command
    ran = inside(data, "check")
    assert (ran.code, ran.out.count("FAIL"), ran.out.count(name)) == (1, 1, 2)
    assert inside(data, "backup", again, "--damaged").code == 1
    assert "name another" in _complaint(inside(data, "backup", backup, "--damaged"))
    must(data, "quarantine", "--aside", name)
    assert name in must(data, "quarantine")
    assert "are missing since" in must(data, "check", "--deep")
    assert "is whole again" in must(data, "quarantine", "--heal", backup)
    assert "nothing is in quarantine" in must(data, "quarantine")
    must(data, "check", "--deep")
    other = tmp_path / "other"
    must(other, "restore", again)
    assert "are missing since" in must(other, "check", "--deep")
    assert logged(data, "event").height == logged(other, "event").height + pl.read_parquet(io.BytesIO(whole)).height


def test_damage_and_a_lost_redis(copy_of: Callable[[], Path], tmp_path: Path) -> None:
    """Where Redis is gone and a file of the log is damaged, each remedy that is named can be followed, one after the other."""
    data, backup = copy_of(), str(tmp_path / "b.tar")
    must(data, "backup", backup)
    before = logged(data, "event").height
    first, second = sorted((data / "log" / "event").glob("*/*.parquet"))[:2]
    for file in (first, second):
        file.write_bytes(bytes(file.stat().st_size))
    shutil.rmtree(data / "valkey")
    assert "--heal" in _complaint(inside(data, "rebuild"))
    must(data, "quarantine", "--aside", str(first.relative_to(data / "log")))
    must(data, "quarantine", "--heal", backup)
    must(data, "rebuild")
    assert _levels(must(data, "check", "--deep")) == {"ok  "}
    assert logged(data, "event").height == before


def test_a_lost_generation(copy_of: Callable[[], Path]) -> None:
    """Without its generation, or with an unreadable one, a place is a fault to `check`, and the rebuild it names is enough."""
    data = copy_of()
    (data / "generation").write_text("?")
    ran = inside(data, "check")
    assert (ran.code, "move it away and run `etappe rebuild`" in ran.out) == (1, True)
    (data / "generation").unlink()
    ran = inside(data, "check")
    assert (ran.code, ran.out.count("FAIL"), "run `etappe rebuild`" in ran.out) == (1, 1, True)
    must(data, "rebuild")
    assert _levels(must(data, "check")) == {"ok  "}


def test_a_lost_secret(copy_of: Callable[[], Path], tmp_path: Path) -> None:
    """With secret and Redis both gone nothing goes on with another secret; a backup brings the place back."""
    data, backup = copy_of(), str(tmp_path / "b.tar")
    must(data, "backup", backup)
    (data / "secret").unlink()
    shutil.rmtree(data / "valkey")
    ran = inside(data, "check")
    assert (ran.code, "FAIL generation: " in ran.out, "secret is gone" in ran.out) == (1, True, True)
    for command in (["rebuild"], ["train"], ["serve", "--port", str(free_port())]):
        assert "secret is gone" in _complaint(inside(data, *command)), command
    must(data, "restore", backup, "--replace")
    assert _levels(must(data, "check")) == {"ok  "}


def test_rows_leave_quarantine_by_command(copy_of: Callable[[], Path]) -> None:
    """A file that no commit names is in quarantine after the next start, and comes back or goes only by command."""
    data = copy_of()
    there = next((data / "log" / "event").glob("*/*.parquet"))
    rows = pl.read_parquet(there)
    for number in range(2):
        rows.with_columns(pl.lit(f"again-{number}").alias("event_id")).head(3).write_parquet(
            there.with_name(f"copy-{number}.parquet")
        )
    before = logged(data, "event").height
    assert "2 files with 6 rows of table event" in must(data, "check")
    must(data, "evaluate")
    first, second = (line.split(": ")[0] for line in must(data, "quarantine").splitlines())
    assert "3 of 3 rows added" in must(data, "quarantine", "--restore", first)
    assert "dropped, 3 rows of table event" in must(data, "quarantine", "--drop", second)
    assert logged(data, "event").height == before + 3
    assert "is not in quarantine" in _complaint(inside(data, "quarantine", "--drop", second))
    assert "--all" in _complaint(inside(data, "quarantine", "--restore"))
    assert _levels(must(data, "check")) == {"ok  "}


def test_a_log_behind_its_snapshot(copy_of: Callable[[], Path]) -> None:
    """A log set back to before what a snapshot learned from is refused; `rebuild --accept-loss` goes on behind it, in so many words."""
    data = copy_of()
    log, learned = data / "log", max(positions(None, data).values())
    kept = list(log.glob("commits/[0-9]*.json"))
    assert len(kept) == Log(log).position() >= learned
    for path in kept:
        if int(path.stem) >= learned:
            path.unlink()
            for file in log.glob(f"*/*/{path.stem}-*.parquet"):
                file.unlink()
    ran = inside(data, "check")
    assert (ran.code, "FAIL log" in ran.out, ran.out.count("FAIL")) == (1, True, 2)
    assert f"ends with commit {learned - 1}, but snapshot" in ran.out
    for command in (["train"], ["worker"], ["serve", "--port", str(free_port())]):
        assert "go on without what is missing with `etappe rebuild --accept-loss`" in _complaint(
            inside(data, *command)
        ), command
    assert inside(data, "rebuild").code == 1
    rebuilt = inside(data, "rebuild", "--accept-loss")
    assert (rebuilt.code, f"it goes on behind {learned}" in rebuilt.err) == (0, True)
    assert _levels(must(data, "check")) == {"ok  "}
    assert Log(log).position() >= learned


@pytest.mark.parametrize("lost", [1, 2, 1000])
def test_a_log_without_commits_is_listed_anew(copy_of: Callable[[], Path], lost: int) -> None:
    """With the newest commits gone, or all, each remedy that is named leads to the next: no row is missing then."""
    data = copy_of()
    must(data, "keys", "create", "--kind", "secret")
    must(data, "erase", "--list")  # which archives first
    before = logged(data, "event").sort("event_id", "time")
    commits = sorted((data / "log" / "commits").glob("[0-9]*.json"))
    assert len(commits) > 2
    for path in commits[-lost:] if lost < len(commits) else [data / "log" / "commits"]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert "etappe quarantine --relist" in inside(data, "check").out
    assert "etappe rebuild`" in inside(data, "quarantine", "--relist").err
    for command in ("train", "worker"):
        assert "listed anew" in _complaint(inside(data, command)), command
    checked = inside(data, "check")
    assert ("run `etappe rebuild`" in checked.out, "--accept-loss" in checked.out) == (True, False)
    must(data, "rebuild")
    must(data, "train", "--force")
    assert _levels(must(data, "check", "--deep")) == {"ok  "}
    assert before.height == logged(data, "event").height


def _levels(told: str) -> set[str]:
    """How the lines of a check are marked."""
    return {line[:4] for line in told.splitlines()}


def _files(data: Path) -> dict[str, bytes]:
    """The files of a place but for those of its server."""
    found = (path for path in data.rglob("*") if path.is_file() and path.relative_to(data).parts[0] != "valkey")
    return {str(path.relative_to(data)): path.read_bytes() for path in found}


@pytest.mark.parametrize(("command", "words"), [("rollback", "no snapshot"), ("publish", "etappe train")])
def test_nothing_to_go_to(empty: Path, command: str, words: str) -> None:
    """Without a snapshot there is none to publish or to go back to."""
    assert words in _complaint(inside(empty, command))


def test_nothing_to_learn_from(empty: Path) -> None:
    """An empty log is no ground for a model."""
    for command in ("train", "evaluate"):
        ran = inside(empty, command)
        assert ran.code == 1
        assert "etappe: " in ran.err.splitlines()[-1]
        assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[store]\nbudget_ms = 'fast'\n", "budget_ms"),
        ("[shop]\nname = 'x'\n", "shop"),
        ("[learning]\nfactor = 3\n", "factor"),
        ("[learning]\nfactors = 0\n", "factors"),
        ("no toml", "etappe.toml"),
        ("[catalogue]\ntime_zone = 'Mars/Olympus'\n", "Mars/Olympus"),
    ],
)
@pytest.mark.parametrize("command", ["check", "serve"])
def test_bad_settings(empty: Path, settings: str, words: str, command: str) -> None:
    """A settings file with a fault: one line that names file and setting, exit 1, nothing started."""
    empty.mkdir()
    (empty / "etappe.toml").write_text(settings)
    more = ("--port", str(free_port())) if command == "serve" else ()
    assert words in _complaint(inside(empty, command, *more))


def test_bad_environment(empty: Path) -> None:
    """A Redis address that is none, and a switch that is neither on nor off; where nobody answers `check` says so."""
    assert "redis://" in _complaint(inside(empty, "check", env={"ETAPPE_REDIS": "nonsense"}))
    nobody = f"redis://:hidden@127.0.0.1:{free_port()}/0"
    for command in (["check"], ["train"]):
        ran = inside(empty, *command, env={"ETAPPE_REDIS": nobody})
        assert (ran.code, "does not answer" in ran.out + ran.err) == (1, True)
        assert "hidden" not in ran.out + ran.err
    assert "on or off" in _complaint(inside(empty, "check", env={"ETAPPE_AUTH": "maybe"}))


def test_data_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """A file in the place of the data folder is named."""
    file = tmp_path / "data"
    file.write_text("a file")
    assert str(file) in _complaint(inside(file, "check"))


def test_port_in_use(empty: Path) -> None:
    """A port that is taken: one line with the remedy, exit 1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = _complaint(inside(empty, "serve", "--port", str(port)))
    assert f"127.0.0.1:{port}" in said
    assert "--port" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "99999"),
        ("--port", "-1"),
        ("--host", "no.such.host.invalid"),
        ("--workers", "0"),
        ("--workers", "-1"),
    ],
)
def test_address_that_cannot_be(empty: Path, arguments: tuple[str, str]) -> None:
    """A port, host or number of processes that cannot be: one line, no traceback."""
    ran = inside(empty, "serve", *arguments)
    assert ran.code in (1, 2)
    assert "Traceback" not in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [("--customers", "0"), ("--items", "1"), ("--days", "0"), ("--seed", "-1"), ("--customers", "999999999")],
)
def test_shop_that_cannot_be_simulated(empty: Path, tmp_path: Path, arguments: tuple[str, str]) -> None:
    """Sizes no shop can have are named."""
    assert arguments[0].removeprefix("--") in _complaint(
        inside(empty, "simulate", "--out", str(tmp_path / "out"), *arguments)
    )


def test_options_beat_the_environment(own: Path, tmp_path: Path) -> None:
    """`--data` wins over ETAPPE_DATA."""
    assert f"settings: {own}\n" in must(tmp_path / "elsewhere", "check", "--data", str(own))
    assert not (tmp_path / "elsewhere").exists()


def test_worker_and_server_end_at_a_signal(own: Path) -> None:
    """SIGTERM and SIGINT end a worker with 0 and leave no process behind."""
    for number in (signal.SIGTERM, signal.SIGINT):
        environment = dict(os.environ) | {"ETAPPE_DATA": str(own)}
        process = subprocess.Popen(
            [sys.executable, "-m", "etappe", "worker"], env=environment, stderr=subprocess.PIPE, text=True
        )
        waiting = Waiting()
        while waiting(not _catches(process.pid, signal.SIGTERM)):
            assert process.poll() is None
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, "Traceback" in err) == (0, False)


def _catches(pid: int, number: int) -> bool:
    """Whether a process has said what to do at a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


def test_keys_are_listed_without_being_shown(own: Path) -> None:
    """The list has name, kind and state, nothing more."""
    key = new_key(own, "secret")
    must(own, "keys", "revoke", key[:9])
    line = next(line for line in must(own, "keys", "list").splitlines() if line.startswith(key[:9]))
    assert line.split() == [key[:9], "secret", "revoked"]
