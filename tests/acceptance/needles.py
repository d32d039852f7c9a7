"""What a person's ids may look like anywhere, and a search for it through every byte of a shop."""

import base64
import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import redis


def of_text(text: str) -> dict[str, bytes]:
    """Encodings of a text, by name."""
    found: dict[str, bytes] = {}
    for case, said in (("", text), ("lower ", text.lower()), ("upper ", text.upper())):
        found |= {f"{case}{code} {text}": said.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be")}
        found[f"{case}JSON {text}"] = json.dumps(said)[1:-1].encode()
        found |= _binary(f"{case}text {text}", said.encode())
        for name in ("sha256", "sha1", "md5"):
            digest = hashlib.new(name, said.encode()).digest()
            found |= {f"{case}{name} {text}": digest} | _binary(f"{case}{name} {text}", digest)
    return found


def of_bytes(name: str, value: bytes) -> dict[str, bytes]:
    """Encodings of bytes, by name."""
    return {f"raw {name}": value} | _binary(name, value)


def _binary(name: str, value: bytes) -> dict[str, bytes]:
    found = {f"hex {name}": value.hex().encode(), f"HEX {name}": value.hex().upper().encode()}
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + value)
        inner = whole[4 if shift else 0 :].rstrip(b"=")[: (len(value) * 8 // 6) - 2]
        found[f"base64+{shift} {name}"] = inner
        found[f"base64url+{shift} {name}"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def search(data: Path, client: redis.Redis, needles: dict[str, bytes]) -> dict[str, list[str]]:
    """Where which needles are: in every file, as its bytes and as the columns of Parquet, and in every key of Redis."""
    found: dict[str, list[str]] = {}
    distinct = {needle: name for name, needle in reversed(needles.items())}
    for place, content in [*_files(data), *_keys(client)]:
        hits = [name for needle, name in distinct.items() if needle in content]
        if hits:
            found[place] = hits
    return found


def _files(data: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(data.rglob("*")):
        if path.is_file():
            yield f"{path.relative_to(data)}", path.read_bytes() + b"\n" + str(path).encode()
            if path.suffix == ".parquet":
                yield f"{path.relative_to(data)} (columns)", _cells(pl.read_parquet(path))


def _cells(rows: pl.DataFrame) -> bytes:
    parts: list[bytes] = []
    for column in rows:
        values: Iterable[Any] = column.drop_nulls()
        parts += [value if isinstance(value, bytes) else str(value).encode() for value in values]
    return b"\n".join(parts)


def _keys(client: redis.Redis) -> Iterator[tuple[str, bytes]]:
    for name in client.scan_iter(count=1000):
        yield f"key {name!r}", name + b"\n" + b"\n".join(_flat(_value(client, name)))


def _value(client: redis.Redis, name: bytes) -> Any:
    kind = client.type(name).decode()
    with contextlib.suppress(redis.ResponseError):
        return {
            "string": lambda: client.get(name),
            "hash": lambda: client.hgetall(name),
            "set": lambda: client.smembers(name),
            "zset": lambda: client.zrange(name, 0, -1),
            "list": lambda: client.lrange(name, 0, -1),
            "stream": lambda: client.xrange(name),
        }[kind]()
    return None


def _flat(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for one in value.items():
            yield from _flat(one)
    elif isinstance(value, (list, tuple, set)):
        for one in value:
            yield from _flat(one)
