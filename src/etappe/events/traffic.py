"""Events that say nothing of a customer's taste: those of crawlers, mail proxies, staff, and whoever is too fast.

They are flagged and kept in the log, and left out of customers' records, popularity and training. The agents of
crawlers are those of the package `crawler-user-agents`, whose patterns are meant case-sensitive.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.metadata import distribution
from typing import Any, Final

import msgspec

from etappe.errors import DataError
from etappe.events.vocabulary import NAME_OF, Event

BOT: Final = "bot"
MAIL_PROXY: Final = "mail_proxy"
STAFF: Final = "staff"
RATE: Final = "rate"
FLOOD: Final = "flood"

NEVER: Final = frozenset({"set_traits", "set_consent", "identify", "alias", "ignore", "unsubscribe"})
"""Events that are flagged by nothing: who a customer is and what they want holds, however it came in."""
_OPENED: Final = frozenset({"email_open", "message_open"})
_BY_SHOP: Final = frozenset({"delivery", "return", "complaint", "email_send", "message_send"})
"""Events that a shop's programs send: the agent is one, and no visitor's."""
UNCOUNTED: Final = NEVER | _BY_SHOP | {
    "purchase", "refund", "begin_checkout", "add_payment_info", "impression", "page_view",
}  # fmt: skip
"""Events that do not count towards events a minute: an order of hundreds of lines is one act, and so is a page with
all that is shown on it, its own view beside that of its item; and what the shop does is no visitor's haste."""
OTHER: Final = "other"
"""Event, and flag of it: what has no name of its own says nothing to models, and stays in the log alone."""
KEYS: Final = ("user_agent", "staff", "internal", "traffic_type", "event_name")
"""What of an event's properties is looked at."""

_PROXIES: Final = ("GoogleImageProxy", "YahooMailProxy", "YahooCacheSystem", "BingPreview/", "MicrosoftPreview/")
_APPLE_PRIVACY: Final = "Mozilla/5.0"
_GMAIL_PREFETCH: Final = "Edge/12.246 Mozilla/5.0"
"""How the agent ends by which Gmail fetches images before anybody opens the mail."""
_CUSTOMERS: Final = frozenset({"okhttp", "Amazon CloudFront"})
"""Patterns of the package that match customers too: apps on Android, everybody behind a cache that hides agents."""
_LONGEST: Final = 512
_REMEMBERED: Final = 8192
_DATA: Final = "crawleruseragents/crawler-user-agents.json"
_LITERAL: Final = re.compile(r"(?:[A-Za-z0-9 _\-:;,/@!&#%=~<>\"]|\\[^A-Za-z0-9])+")
_HEAD: Final = 3


def flag_of(event: Event) -> str | None:
    """Why `event` is left out, as far as it says so itself: bot, mail_proxy or staff; else None."""
    return reason(NAME_OF[type(event)], event.properties) if event.properties else None


def reason(name: str, properties: Mapping[str, Any]) -> str | None:
    """As `flag_of`, for an event called `name`."""
    if name in NEVER or name == OTHER:
        return OTHER if name == OTHER else None
    said = properties.get("staff") is True or properties.get("internal") is True
    if said or properties.get("traffic_type") == "internal":
        return STAFF
    agent = properties.get("user_agent")
    if not isinstance(agent, str) or name in _BY_SHOP:
        return None
    proxy, crawler = _kind(agent[:_LONGEST])
    if proxy and name in _OPENED:
        return MAIL_PROXY
    return BOT if crawler else None


def counts_for_rate(event: Event) -> bool:
    """Whether `event` counts towards `[traffic] events_per_minute`; only these, and no flagged ones, can exceed it."""
    return NAME_OF[type(event)] not in UNCOUNTED


@lru_cache(maxsize=_REMEMBERED)
def _kind(agent: str) -> tuple[bool, bool]:
    """Whether mails are opened by this agent and no person, and whether it is a crawler."""
    proxy = agent == _APPLE_PRIVACY or agent.endswith(_GMAIL_PREFETCH) or any(name in agent for name in _PROXIES)
    return proxy, _crawlers().has(agent)


class _Crawlers:
    """All patterns at once.

    Nearly all are plain text. They are looked up by their first characters at each place of an agent, as one regular
    expression tries 1,500 alternatives there and takes 50 times as long.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._plain: dict[str, list[str]] = {}
        others = []
        for pattern in patterns:
            text = re.sub(r"\\(.)", r"\1", pattern)
            if _LITERAL.fullmatch(pattern) and len(text) >= _HEAD:
                self._plain.setdefault(text[:_HEAD], []).append(text)
            else:
                others.append(pattern)
        self._others = re.compile("|".join(others) or r"(?!)")

    def has(self, agent: str) -> bool:
        """Whether a pattern is found in `agent`."""
        for at in range(len(agent) - _HEAD + 1):
            for text in self._plain.get(agent[at : at + _HEAD], ()):
                if agent.startswith(text, at):
                    return True
        return self._others.search(agent) is not None


class _Crawler(msgspec.Struct):
    pattern: str


@cache
def _crawlers() -> _Crawlers:
    # The package's own module would keep thousands of example agents in the memory of every process.
    path = distribution("crawler-user-agents").locate_file(_DATA)
    try:
        with open(str(path), "rb") as file:  # noqa: PTH123 - the path is of the metadata's own kind
            known = msgspec.json.decode(file.read(), type=list[_Crawler])
        return _Crawlers(one.pattern for one in known if one.pattern not in _CUSTOMERS)
    except (OSError, msgspec.MsgspecError, re.error) as error:
        raise DataError(f"the package crawler-user-agents is damaged ({error}); install Etappe anew") from error
