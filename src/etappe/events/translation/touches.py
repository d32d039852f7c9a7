"""How a visit came about, as other systems tell it: campaign parameters, ids of clicks, the page before.

What a payload says by the names of a touch goes first, then what it says of a campaign, then what stands in the page's
address. A value that a touch may not have is left where it was.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from etappe.events import touch
from etappe.events.touch import REFERRER
from etappe.events.translation import values
from etappe.events.translation.drafts import SAYING, Draft

CLICK_IDS: Final = ("gclid", "gbraid", "wbraid", "dclid", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id")
"""Names under which advertising systems put the id of a click into an address."""
_CAMPAIGN: Final = {
    "source": ("utm_source", "manual_source"),
    "medium": ("utm_medium", "manual_medium"),
    "campaign": ("utm_campaign", "manual_campaign_name"),
    "term": ("utm_term", "manual_term"),
    "content": ("utm_content", "manual_content"),
}
"""The fields of a touch, and the names that others have for them."""
_PAGE: Final = "page_view"
_LONGEST_QUERY: Final = 8192
_MOST_PAIRS: Final = 100


def named(said: Mapping[str, Any]) -> dict[str, str]:
    """The touch that properties tell by others' names: `utm_source`, `gclid`."""
    found = {field: _first(said, names) for field, names in _CAMPAIGN.items()}
    found["click_id"] = _first(said, CLICK_IDS)
    return _fit(found)


def of_address(*addresses: object) -> dict[str, str]:
    """The touch in the query of the first address, or bare query, that has any."""
    return next((found for one in addresses if (found := named(_query(one)))), {})


def referred(address: object) -> dict[str, str]:
    """The touch of a page that was come to from `address`."""
    return _fit({REFERRER: address})


def put(drafts: Iterable[Draft], touches: Iterable[Mapping[str, str]]) -> None:
    """Adds to the events what `touches` tell, the first of them before those behind it.

    A page view takes all of it. Other events take it where it tells more than a referrer, as every page of a shop has
    one. What an event says of itself stays; of a page view only what a touch may say.
    """
    found: dict[str, str] = {}
    for one in touches:
        found = {**one, **found}
    for draft in drafts:
        if draft.event == _PAGE:
            own = dict(draft.fields.get("properties") or {})
            kept = _fit({name: own.pop(name) for name in touch.FIELDS if name in own})
            draft.fields["properties"] = (own | found | kept) or None
        elif draft.event not in SAYING and found.keys() - {REFERRER}:
            draft.fields["properties"] = found | (draft.fields.get("properties") or {})


def _query(address: object) -> dict[str, str]:
    if not isinstance(address, str) or "=" not in address or len(address) > _LONGEST_QUERY:
        return {}
    try:
        query = urlsplit(address).query or address.removeprefix("?")
        return dict(parse_qsl(query, max_num_fields=_MOST_PAIRS))
    except ValueError:  # brackets that are no address, or more pairs than any page has
        return {}


def _first(said: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((found for name in names if (found := values.text(said.get(name)))), None)


def _fit(said: Mapping[str, object]) -> dict[str, str]:
    """What of a touch is one; numbers as text."""
    texts = {name: values.text(value) for name, value in said.items()}
    return {name: text for name, text in texts.items() if text is not None and touch.is_told(name, text)}
