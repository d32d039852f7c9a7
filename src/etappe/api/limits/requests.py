"""Requests whose bodies are read within bounds and decoded as strictly as the description of the API says."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import InternalServerException, ValidationException

from etappe.api.access import auth
from etappe.api.limits import bounds
from etappe.api.problems import RefusedError

_FRACTION: Final = "got `float`"


class BoundedRequest(Request[Any, Any, State]):
    """A request whose body is read as far as its route, its key and the process's room allow, and in some time."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces, however long each takes.

        Raises:
            RefusedError: it is too large or cut off, or there is no room for it just now.
        """
        most, trusted, read = bounds.of_body(self), auth.is_trusted(self), 0
        pieces = _whole_or_cut(super().stream())
        if (self.content_length or 0) > most:
            await _thrown_away(pieces, self.content_length or 0)
            raise _too_large(most, trusted=trusted)
        async for piece in pieces:
            read += len(piece)
            if read > most:
                await _thrown_away(pieces, read)
                raise _too_large(most, trusted=trusted)
            if piece:
                _hold(self, len(piece), trusted=trusted)
            yield piece

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            RefusedError: it is too large or cut off, there is no room for it just now, or it does not come in time.
        """
        seconds: float = self.app.state.room.seconds
        try:
            async with asyncio.timeout(seconds):
                return await super().body()
        except TimeoutError as error:
            raise RefusedError(
                HTTPStatus.REQUEST_TIMEOUT, f"the body did not come within {seconds:g} seconds; send it again"
            ) from error

    async def json(self) -> Any:
        """The body as what the route takes, decoded in one pass; texts are no numbers, numbers no booleans, 3.0 is 3.

        Raises:
            ValidationException: it is no JSON, or something else; names the field.
        """
        wanted = self.route_handler.parsed_data_field
        if wanted is None:
            return await super().json()
        try:
            return _decoded(await self.body(), wanted.annotation)
        except msgspec.DecodeError as error:
            message, _, place = str(error).partition(" - at `")
            raise ValidationException(message, extra=[{"message": message, "key": _field(place)}]) from error


def _decoded(body: bytes, kind: Any) -> Any:
    """The body as `kind`. Where a whole number is written as 3.0, which JSON's schema takes for one, it is one."""
    try:
        return _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        if _FRACTION not in str(error):
            raise
        return msgspec.convert(_whole(msgspec.json.decode(body)), kind)


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _field(place: str) -> str | None:
    """The field that msgspec names as `$.a[0].b`, or as a key in one."""
    _, _, path = place.rstrip("`").rpartition("$")
    return path.lstrip(".") or None


async def _whole_or_cut(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """`pieces`, where a client that goes before all has come is the client's fault, not ours."""
    try:
        async for piece in pieces:
            yield piece
    except InternalServerException as error:  # what Litestar raises then, and nothing else while it reads
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the body was cut off; send all of it") from error


async def _thrown_away(pieces: AsyncGenerator[bytes, None], least: int) -> None:
    """Reads the rest of a body that is refused and keeps none of it: many clients read no answer before all is sent.

    Not of one that says (`least`) or turns out to be beyond all reason, nor of one that does not come.
    """
    left = bounds.THROWN_AWAY_BYTES
    if least > left:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(bounds.THROWN_AWAY_SECONDS):
            async for piece in pieces:
                left -= len(piece)
                if left <= 0:
                    return


def _hold(request: BoundedRequest, count: int, *, trusted: bool) -> None:
    """Notes room for a piece where `bounds.giving_back` finds it, whatever becomes of the request."""
    if not request.app.state.room.take(count, browser=not trusted):
        raise RefusedError(
            HTTPStatus.SERVICE_UNAVAILABLE, "too many large bodies are being worked on; send this again", seconds=1
        )
    state = request.scope["state"]
    state[bounds.HELD] = state.get(bounds.HELD, 0) + count


def _too_large(most: int, *, trusted: bool) -> RefusedError:
    whose = "a request" if trusted else "a publishable key"
    return RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body of {whose} may have {most:,} bytes here; send smaller ones"
    )
