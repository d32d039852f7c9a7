"""The pieces of content the shop may show."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec

PLACEMENTS: Final = ("home.hero", "newsletter.top")
CHANNELS: Final = ("web", "app", "email")


class Piece(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A piece: title and body in both languages. `topic` is the department whose friends it interests, if any."""

    id: str
    kind: str
    en: tuple[str, str]
    de: tuple[str, str]
    topic: str | None = None


class _Pieces(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pieces: tuple[Piece, ...]


@cache
def pieces() -> tuple[Piece, ...]:
    """All pieces; their places here are the numbers everything else knows them by."""
    text = resources.files(__package__).joinpath("pieces.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Pieces).pieces


def content() -> list[dict[str, Any]]:
    """The pieces as `PUT /v1/content` takes them: for every stage, since which suits which is for Etappe to learn."""
    return [
        {
            "id": piece.id,
            "kind": piece.kind,
            "languages": {"en": _words(piece, piece.en), "de": _words(piece, piece.de)},
            "channels": list(CHANNELS),
            "placements": list(PLACEMENTS),
            "value": 1.0,
        }
        for piece in pieces()
    ]


def _words(piece: Piece, words: tuple[str, str]) -> dict[str, str]:
    title, body = words
    return {"title": title, "body": body, "url": f"/c/{piece.id}"}
