"""What a body of Google Analytics 4 says of the customer: who they are, what they consented to, their traits."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from etappe.events.identities import GROUPS
from etappe.events.translation import values
from etappe.events.translation.drafts import Draft
from etappe.events.vocabulary import known_by_content
from etappe.values.unreadable import Unreadable

_OURS: Final = ("ga_", "google_", "firebase_", "_", "$")
"""How the names of user properties begin that Google sets itself, or that are reserved here."""
_PURPOSES: Final = {
    "ad_user_data": ("enrichment",),
    "ad_personalization": ("personalisation", "ad"),
    "ad_storage": ("ad",),
    "analytics_storage": ("analytics",),
    "personalization_storage": ("personalisation",),
}
_VERDICTS: Final = {"GRANTED": True, "DENIED": False}
_HASHED: Final = {"sha256_email_address": "email_sha256", "sha256_phone_number": "phone_sha256"}


def who(body: Mapping[str, Any], nobody: frozenset[str]) -> dict[str, Any]:
    """The fields that say whose event it is."""
    device = values.ident(body.get("client_id"), nobody) or values.ident(body.get("app_instance_id"), nobody)
    return {"user_id": values.ident(body.get("user_id"), nobody), "anonymous_id": device}


def drafts(body: Mapping[str, Any], received: datetime | Unreadable | None, nobody: frozenset[str]) -> list[Draft]:
    """Consent, who this is, and traits, as far as the body says any of them, and of whom.

    Who somebody is, is told once a day only, since every body tells it.
    """
    fields, named, given = who(body, nobody), _identities(body), body.get("timestamp_micros")
    if not (named or any(fields.values())):
        return []
    time = received if given is None else values.at(given)
    day = time.date().isoformat() if isinstance(time, datetime) else ""
    made = []
    if verdicts := consents(body):
        said = verdicts | {"source": "ga4"}
        once = day if body.get("daily") else stamp(given, received, "set_consent")
        made.append(_draft("set_consent", fields, time, said, once))
    if named or all(fields.values()):
        made.append(_draft("identify", fields, time, {"identities": named} if named else None, day))
    for moment, traits in _traits(body, nobody).items():
        own = moment if moment is not None else given
        at = time if moment is None else values.at(moment)
        made.append(_draft("set_traits", fields, at, traits, stamp(own, received, "set_traits")))
    return made


def consents(body: Mapping[str, Any]) -> dict[str, Any]:
    """Consent by purpose; empty where the body says nothing of it. Of two words on a purpose a denial counts."""
    said = dict(values.mapping(body.get("consent")))
    if body.get("non_personalized_ads") is True:
        said.setdefault("ad_personalization", "DENIED")
    found: dict[str, Any] = {}
    for name, purposes in _PURPOSES.items():
        verdict = _VERDICTS.get(str(said.get(name)).upper())
        for purpose in purposes if verdict is not None else ():
            found[purpose] = verdict and found.get(purpose, True)
    return found


def stamp(given: object, received: datetime | Unreadable | None, event: str) -> str:
    """What tells one event from a later one that says the same: its own time, else the minute of its arrival.

    Of what decides, the very moment of its arrival: it is no repeat because it says the same.
    """
    if given is not None:
        return str(given)
    if isinstance(received, datetime) and not known_by_content(event, timed=False):
        return received.isoformat()
    return received.replace(second=0, microsecond=0).isoformat() if isinstance(received, datetime) else ""


def _draft(event: str, fields: dict[str, Any], time: object, said: dict[str, Any] | None, once: str) -> Draft:
    names = [str(fields[name]) for name in ("user_id", "anonymous_id")]
    event_id = "g-" + values.digest(event, *names, msgspec.json.encode(said, order="sorted"), once)
    return Draft(event, fields | {"timestamp": time, "event_id": event_id, "properties": said})


def _identities(body: Mapping[str, Any]) -> dict[str, str]:
    """The hashed address and number, the first where there are several."""
    said = values.mapping(body.get("user_data"))
    found = {}
    for name, kind in _HASHED.items():
        listed = said.get(name)
        first = listed[0] if isinstance(listed, list) and listed else listed
        if isinstance(first, str) and first:
            found[kind] = first
    return found


def _traits(body: Mapping[str, Any], nobody: frozenset[str]) -> dict[Any, dict[str, Any]]:
    """The user properties by the time at which they were set; None stands for the body's."""
    found: dict[Any, dict[str, Any]] = defaultdict(dict)
    for name, said in values.mapping(body.get("user_properties")).items():
        if not name.startswith(_OURS) and isinstance(said, dict) and "value" in said:
            moment, value = said.get("timestamp_micros"), said["value"]
            if name in GROUPS and not isinstance(value := values.ident(value, nobody), str):
                continue  # no id of a group
            found[str(moment) if isinstance(moment, list | dict) else moment][name] = value
    return found
