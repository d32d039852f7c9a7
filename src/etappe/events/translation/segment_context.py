"""Who sent one of Segment's messages, from where, and what they consented to: its ids and its `context`."""

from collections.abc import Mapping
from typing import Any, Final

from etappe.events.identities import GROUPS
from etappe.events.translation import touches, values

_APP: Final = frozenset({"ios", "android", "tvos", "watchos"})
_BROWSER: Final = ("browser", "client")
_NOBODY: Final = "0-"
"""The characters of an advertising id that a phone gives where tracking is off: zeros, shared by all such phones."""
_KINDS: Final = {"email": "email", "phone": "phone", "email_sha256": "email_sha256", "phone_sha256": "phone_sha256"}
_CATEGORIES: Final = {
    "functional": "personalisation",
    "functionality": "personalisation",
    "preferences": "personalisation",
    "personalization": "personalisation",
    "c0003": "personalisation",
    "performance": "analytics",
    "statistics": "analytics",
    "c0002": "analytics",
    "advertising": "ad",
    "marketing": "ad",
    "targeting": "ad",
    "c0004": "ad",
    "datasharing": "enrichment",
}
"""Categories as consent tools name them, OneTrust's by number. Others keep their own names, in small letters."""


def who(message: Mapping[str, Any], nobody: frozenset[str]) -> dict[str, Any]:
    """The fields that say whose event it is."""
    user, browser = (values.ident(message.get(name), nobody) for name in ("userId", "anonymousId"))
    return {"user_id": user, "anonymous_id": browser}


def channel(message: Mapping[str, Any], context: Mapping[str, Any]) -> str | None:
    """Where it happened, as far as the context tells: `app` or `web`."""
    said = message.get("channel")
    device = values.mapping(context.get("device")).get("type")
    if said == "mobile" or (isinstance(device, str) and device.lower() in _APP):
        return "app"
    return "web" if said in _BROWSER or context.get("page") else None


def identities(context: Mapping[str, Any], nobody: frozenset[str]) -> dict[str, Any]:
    """Further identities: of the device, of other systems, and the address among the traits a call carries along."""
    device = values.mapping(context.get("device"))
    named: dict[str, Any] = {}
    if device.get("adTrackingEnabled") is not False:
        named["device"] = _telling(device.get("advertisingId"))
    named["device"] = _telling(device.get("id")) or named.get("device")
    traits = values.mapping(context.get("traits"))
    named |= {name: values.text(traits.get(name)) for name in ("email", "phone")}
    listed = context.get("externalIds")
    for one in listed if isinstance(listed, list) else []:
        kind = values.text(values.mapping(one).get("type"))
        if kind:
            named[_KINDS.get(kind, f"external:{kind}")] = values.text(one.get("id"))
    return {kind: value for kind, value in named.items() if isinstance(values.ident(value, nobody), str)}


def touched(context: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """How the visit came about, what is surest first: the campaign, the page's address, the page before."""
    campaign, page = values.mapping(context.get("campaign")), values.mapping(context.get("page"))
    referrer = values.mapping(context.get("referrer"))
    utm = {f"utm_{name}": value for name, value in campaign.items()} | {
        "utm_campaign": campaign.get("name") or campaign.get("campaign")
    }
    return [
        touches.named(utm),
        touches.of_address(page.get("search"), page.get("url")),
        touches.referred(page.get("referrer") or referrer.get("url")),
    ]


def with_groups(traits: Mapping[str, Any], nobody: frozenset[str]) -> dict[str, Any]:
    """The traits with groups named by their ids. Segment tells a company as an object, which is kept beside it."""
    kept = dict(traits)
    for name in GROUPS:
        said = kept.pop(name, None)
        if isinstance(said, dict):
            kept[f"{name}_traits"] = said
        found = values.ident(said.get("id") if isinstance(said, dict) else said, nobody)
        if isinstance(found, str):
            kept[name] = found
    return kept


def consents(context: Mapping[str, Any]) -> dict[str, Any]:
    """Consent by purpose, and its source; empty where the message says nothing of it. Of two words a denial counts."""
    said = values.mapping(values.mapping(context.get("consent")).get("categoryPreferences"))
    found: dict[str, Any] = {}
    for category, verdict in said.items():
        name = category.lower().replace(" ", "")
        purpose = _CATEGORIES.get(name, name)
        if isinstance(verdict, bool) and purpose and not purpose.startswith("$"):
            found[purpose] = verdict and found.get(purpose, True)
    return found | {"source": "segment"} if found else {}


def _telling(value: object) -> str | None:
    found = values.text(value)
    return found if found and found.strip(_NOBODY) else None
