"""The Lua scripts, called by digest and loaded where the server does not have them yet."""

import hashlib
from importlib.resources import files
from typing import Final

import msgspec


class Script(msgspec.Struct, frozen=True):
    """One script: what EVAL gets, and what EVALSHA calls it by."""

    text: str
    digest: str


def _load(*names: str) -> Script:
    """A script, made of files one behind another: what several scripts need stands in one that is put before them."""
    text = "".join((files(__package__) / "lua" / f"{name}.lua").read_text() for name in names)
    return Script(text, hashlib.sha1(text.encode()).hexdigest())


_STANDING: Final = "standing"
"""Whether Redis is the one that was left: see `marks`."""
_PLACES: Final = "places"
"""Where what is in what is kept of a subject: see `envelope`."""
_ENVELOPE: Final = (_PLACES, "envelope")
"""How that is taken apart and put together."""
INGEST: Final = _load(_STANDING, "rows", _PLACES, "ingest")
REPLACE: Final = _load(*_ENVELOPE, "replace")
LEASE: Final = _load(_STANDING, "lease")
ASSIGN: Final = _load(*_ENVELOPE, "assign")
ADOPT: Final = _load(*_ENVELOPE, "adopt")
ENLIST: Final = _load(*_ENVELOPE, "enlist")
BEGIN: Final = _load("begin")
RELEASE: Final = _load("release")
CLEAN: Final = _load("clean")
DROP: Final = _load(*_ENVELOPE, "drop")
FORGET: Final = _load("forget")
MARK: Final = _load(_STANDING, "mark")
JOURNAL: Final = _load(_STANDING, "journal")
OWN: Final = _load(*_ENVELOPE, "own")
KEEP: Final = _load("keep")
SWEEP: Final = _load("sweep")
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
    SWEEP,
)
