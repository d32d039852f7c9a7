"""The Lua scripts, called by digest and loaded where the server does not have them yet."""

import hashlib
from importlib.resources import files
from typing import Final

import msgspec


class Script(msgspec.Struct, frozen=True):
    """One script: what EVAL gets, and what EVALSHA calls it by."""

    text: str
    digest: str


def _load(name: str) -> Script:
    text = (files(__package__) / "lua" / f"{name}.lua").read_text()
    return Script(text, hashlib.sha1(text.encode()).hexdigest())


INGEST: Final = _load("ingest")
REPLACE: Final = _load("replace")
LEASE: Final = _load("lease")
ASSIGN: Final = _load("assign")
ADOPT: Final = _load("adopt")
ENLIST: Final = _load("enlist")
BEGIN: Final = _load("begin")
RELEASE: Final = _load("release")
CLEAN: Final = _load("clean")
DROP: Final = _load("drop")
FORGET: Final = _load("forget")
MARK: Final = _load("mark")
JOURNAL: Final = _load("journal")
OWN: Final = _load("own")
KEEP: Final = _load("keep")
ALL: Final = (
    INGEST,
    REPLACE,
    LEASE,
    ASSIGN,
    ADOPT,
    ENLIST,
    BEGIN,
    RELEASE,
    CLEAN,
    DROP,
    FORGET,
    MARK,
    JOURNAL,
    OWN,
    KEEP,
)
