"""What a shop says to Etappe over HTTP: events, requests for decisions, changes of items."""

import http.client
import time
import urllib.parse
from collections.abc import Sequence
from typing import Any, Final, Self

import msgspec

from etappe.errors import EtappeError, InputError

_TIMEOUT_SECONDS: Final = 10.0
_PATIENCE_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.5
_REFUSED: Final = (401, 403)
_BUSY: Final = (429, 503)
_OK: Final = (200, 202)
_MOST_EVENTS: Final = 500
_MOST_ITEMS: Final = 500


class Client:
    """One connection that is kept open, and opened again where it breaks."""

    def __init__(self, url: str, key: str | None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"url is {url!r}; give one such as http://127.0.0.1:8000", field="url")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._url = url.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._connection = kind(parts.hostname, parts.port, timeout=_TIMEOUT_SECONDS)
        self._headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def decide(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to `POST /v1/decide`.

        Raises:
            EtappeError: nobody answers, or not with a decision; says what to do.
        """
        answer: dict[str, Any] = self._ask("POST", "/v1/decide", request)
        return answer

    def send(self, events: Sequence[dict[str, Any]]) -> int:
        """Sends events, in portions; how many were rejected. A portion that got no answer is sent again as it is."""
        rejected = 0
        for start in range(0, len(events), _MOST_EVENTS):
            answer = self._ask("POST", "/v1/events", {"events": events[start : start + _MOST_EVENTS]})
            rejected += len(answer["rejected"])
        return rejected

    def put_items(self, items: Sequence[dict[str, Any]]) -> None:
        """Changes items of the catalogue, in portions."""
        for start in range(0, len(items), _MOST_ITEMS):
            self._ask("PUT", "/v1/items", {"items": list(items[start : start + _MOST_ITEMS])})

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """One request, tried again while nobody answers: every one of them may be repeated."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            status, content = self._try(method, path, msgspec.json.encode(body))
            if status in _OK:
                return msgspec.json.decode(content)
            if status not in (0, *_BUSY):
                raise self._refused(status, path, content)
            if time.monotonic() > until:
                why = "answers that it is busy" if status else "nobody answers"
                raise EtappeError(f"{self._url}: {why} for {_PATIENCE_SECONDS:.0f} s; is `etappe serve` up there?")
            time.sleep(_POLL_SECONDS)

    def _try(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and content of an answer; status 0 where there is none."""
        try:
            self._connection.request(method, self._prefix + path, body, self._headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, b""

    def _refused(self, status: int, path: str, content: bytes) -> EtappeError:
        said = content.decode(errors="replace")[:300]
        if status in _REFUSED:
            return InputError(f"{self._url} refuses the key ({status}); name the file of a secret one with --key-file")
        return EtappeError(f"{self._url}{path} answers {status}: {said}")
