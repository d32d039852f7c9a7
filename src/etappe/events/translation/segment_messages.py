"""The messages of a request by one of Segment's clients, each complete in itself.

What a batch states for all its messages, the call's name and the time of arrival are put into each, and keys are taken
out. The values of a message stay the bytes that they were.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from etappe.errors import InputError, TooMuchError
from etappe.events.intake import MAX_EVENT_BYTES
from etappe.events.translation import values

CALLS: Final = ("track", "identify", "alias", "page", "screen", "group")
BATCH: Final = "batch"
MAX_BODY_BYTES: Final = 500 * 1024
"""Of a batch, as Segment has it."""
MAX_MESSAGES: Final = 2500
"""In a batch."""
MAX_MESSAGE_BYTES: Final = MAX_EVENT_BYTES + 1024
"""Of a message with what is added to it."""

MAX_SHARED_BYTES: Final = 8 * MAX_BODY_BYTES
"""Of what a batch states for all its messages, once for each of them: each is kept with it."""

_KEYS: Final = ("writeKey", "write_key")
_MERGED: Final = ("context", "integrations")
_SENT: Final = "sentAt"


def messages(body: bytes, call: str, now: datetime) -> Iterator[bytes]:
    """The messages of a request to `call` (one of CALLS, or BATCH) that arrived at `now`.

    Raises:
        InputError: the body is none of such a request.
    """
    whole = values.parts(body)
    if call == BATCH:
        return of_batch(whole, now)
    whole["type"] = msgspec.Raw(msgspec.json.encode(call))
    return iter([_stamped(whole, now)])


def of_batch(whole: dict[str, msgspec.Raw], now: datetime | None = None) -> Iterator[bytes]:
    """The messages of a batch, which arrived in its order. What is no message is given as it is.

    Raises:
        InputError: it has no list of messages, or too much for all of them.
    """
    try:
        listed = msgspec.json.decode(whole.get(BATCH, b""), type=list[msgspec.Raw])
    except values.UNDECODABLE as error:
        raise InputError(f'{error}; a batch is {{"batch": [...]}}', field=BATCH) from error
    if len(listed) > MAX_MESSAGES:
        raise TooMuchError(f"{len(listed)} messages in one batch; send at most {MAX_MESSAGES}", field=BATCH)
    shared: dict[str, msgspec.Raw] = {name: whole[name] for name in (*_MERGED, _SENT) if name in whole}
    size = sum(len(bytes(value)) for value in shared.values())
    if size > MAX_EVENT_BYTES:
        raise InputError(f"the context of a batch may have {MAX_EVENT_BYTES} bytes", field="context")
    if size * len(listed) > MAX_SHARED_BYTES:
        raise TooMuchError(
            f"a context of {size:,} bytes for {len(listed):,} messages; that may come to {MAX_SHARED_BYTES:,} bytes in"
            " all, so send fewer messages at a time",
            field="context",
        )
    times = ((now and now + timedelta(microseconds=place)) for place in range(len(listed)))
    return (_completed(bytes(one), shared, time) for one, time in zip(listed, times, strict=True))


def _completed(message: bytes, shared: dict[str, msgspec.Raw], now: datetime | None) -> bytes:
    try:
        found = values.parts(message)
    except InputError:
        return message
    for name, value in shared.items():
        found[name] = _merged(value, found.get(name)) if name in _MERGED else found.get(name, value)
    return _stamped(found, now)


def _stamped(message: dict[str, msgspec.Raw], now: datetime | None) -> bytes:
    for name in _KEYS:
        message.pop(name, None)
    if now is not None:
        message.setdefault("receivedAt", msgspec.Raw(msgspec.json.encode(now)))
    return msgspec.json.encode(message)


def _merged(shared: msgspec.Raw, own: msgspec.Raw | None) -> msgspec.Raw:
    """Both objects as one, in which the message's own word counts."""
    if own is None:
        return shared
    try:
        return msgspec.Raw(msgspec.json.encode(values.parts(bytes(shared)) | values.parts(bytes(own))))
    except InputError:
        return own
