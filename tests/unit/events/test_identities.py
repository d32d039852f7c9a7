"""The identities that an event names."""

import hashlib

import msgspec
import pytest

from etappe.errors import InputError
from etappe.events.identities import (
    GROUPS,
    Identity,
    hashed_email,
    hashed_phone,
    named,
    settled,
)
from etappe.events.vocabulary import TYPES, Event
from etappe.store.identities.linking import claims_of

MAIL = hashlib.sha256(b"ada@example.com").hexdigest()


def _event(name: str, properties: object = None, **ids: str) -> Event:
    return msgspec.convert({"item_id": "i", "order_id": "o", "properties": properties} | ids, TYPES[name])


@pytest.mark.parametrize("address", ["ada@example.com", " Ada@Example.COM\n", "ADA@EXAMPLE.COM"])
def test_address_is_hashed_without_case_and_space(address: str) -> None:
    """An e-mail address is known by the SHA-256 of its lower case, as ad platforms hash it."""
    assert hashed_email(address) == MAIL


@pytest.mark.parametrize("number", ["+49 30 123-456", "0049 30 123456", "+4930123456", "00 49 (30) 12 34 56"])
def test_phone_number_is_hashed_by_its_digits(number: str) -> None:
    """An international phone number is known by `+` and its digits, however it is written; a local one is another."""
    assert hashlib.sha256(b"+4930123456").hexdigest() == hashed_phone(number)
    assert hashed_phone("030 123456") == hashlib.sha256(b"030123456").hexdigest()


def test_plain_names_become_identities() -> None:
    """Events that tell who somebody is name identities by plain names, which are no properties any more."""
    said = {"email": "Ada@example.com", "phone": "+1", "device": "d", "loyalty_card": 77, "vip": True}
    found = settled(_event("identify", said, user_id="u")).properties
    kinds = {"email_sha256": MAIL, "phone_sha256": hashed_phone("+1"), "device": "d", "loyalty_card": "77"}
    assert {"vip": True, "identities": kinds} == found


def test_address_of_a_sale_is_its_receipt() -> None:
    """`email` of a purchase or refund is where the receipt went: perhaps another person's than who logs in by it."""
    for name in ("purchase", "refund"):
        found = settled(_event(name, {"email": "ada@example.com"})).properties
        assert found == {"identities": {"order_email_sha256": MAIL}}
    both = {"email": "ada@example.com", "order_email": "bob@example.com"}
    kept = settled(_event("purchase", both)).properties
    assert kept == {"identities": {"order_email_sha256": hashed_email("bob@example.com")}}


@pytest.mark.parametrize("name", ["share", "view_item", "review", "search"])
def test_others_may_speak_of_somebody_else(name: str) -> None:
    """An address that something was shared with is nobody's identity here; what stands in `identities` is."""
    said = {"email": "ada@example.com"}
    assert settled(_event(name, said, user_id="u")).properties == said
    listed = settled(_event(name, said | {"identities": {"loyalty_card": "7"}})).properties
    assert listed == said | {"identities": {"loyalty_card": "7"}}


def test_identities_of_other_systems() -> None:
    """External ids are kept by their source; SHA-256 given by the shop are kept in lower case."""
    said = {"identities": {"external": {"crm": 5}, "external:erp": "x", "email_sha256": MAIL.upper()}}
    found = settled(_event("view_item", said)).properties
    assert found == {"identities": {"external:crm": "5", "external:erp": "x", "email_sha256": MAIL}}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"identities": "x"}, "properties.identities"),
        ({"identities": {"shoe_size": "44"}}, "properties.identities.shoe_size"),
        ({"identities": {"device": "d" * 257}}, "properties.identities.device"),
        ({"identities": {"device": True}}, "properties.identities.device"),
        ({"identities": {"device": ["d"]}}, "properties.identities.device"),
        ({"identities": {"email_sha256": "ada@example.com"}}, "properties.identities.email_sha256"),
        ({"identities": {"external": {"crm": None}}}, "properties.identities.external.crm"),
        ({"identities": {f"external:{number}": "x" for number in range(17)}}, "properties.identities"),
        ({"phone": 4.5}, "properties.phone"),
    ],
)
def test_what_is_no_identity_is_refused(said: dict[str, object], field: str) -> None:
    """An unknown kind, an empty or overlong value, a wrong hash, too many: refused with the field."""
    with pytest.raises(InputError) as refused:
        settled(_event("identify", said))
    assert field == refused.value.field


def test_settling_again_changes_nothing() -> None:
    """An event that was settled stays as it is."""
    once = settled(_event("login", {"email": "ada@example.com", "x": 1}, user_id="u"))
    assert once == settled(once)
    bare = _event("login", user_id="u")
    assert bare is settled(bare)


def test_surest_identity_comes_first() -> None:
    """Whose event it is: the account before card, address, browser and device, whatever the order they are named in."""
    said = {"identities": {"device": "d", "external:crm": "5", "email_sha256": MAIL, "loyalty_card": "7"}}
    event = _event("view_item", said, anonymous_id="a", user_id="u")
    kinds = ["user_id", "loyalty_card", "email_sha256", "anonymous_id", "device", "external:crm"]
    assert kinds == [one.kind for one in named(event)]
    assert Identity("user_id", "u") == named(event)[0]
    assert named(_event("purchase")) == []


@pytest.mark.parametrize("event", ["identify", "set_traits"])
@pytest.mark.parametrize("kind", GROUPS)
def test_a_group_is_a_trait_and_nobodys_identity(event: str, kind: str) -> None:
    """A group told among identities, or as a trait already, is a trait with its id as text; nobody is named by it."""
    for said in ({"identities": {kind: "g"}}, {"identities": {kind: "g", "device": "d"}}, {kind: "g"}):
        found = settled(_event(event, said, user_id="u"))
        assert (found.properties or {})[kind] == "g"
        assert {one.kind for one in named(found)} <= {"user_id", "device"}
    assert (settled(_event(event, {kind: 7}, user_id="u")).properties or {})[kind] == "7"


def test_two_of_one_household_are_two() -> None:
    """Customers who name the same groups claim nothing of each other: what they share links nobody."""
    claims = [
        claims_of(b"s" * 32, settled(_event("identify", dict.fromkeys(GROUPS, "g"), user_id=user)), "e")
        for user in ("ada", "bob")
    ]
    assert claims == [[], []]


@pytest.mark.parametrize("name", sorted(set(TYPES) - {"identify", "set_traits"}))
def test_a_group_is_told_as_a_trait(name: str) -> None:
    """Other events tell no traits, so that a group among their identities is refused with where it belongs."""
    with pytest.raises(InputError, match="set_traits or identify") as refused:
        settled(_event(name, {"identities": {"company": "c"}}, user_id="u"))
    assert refused.value.field == "properties.identities.company"


def test_a_page_view_names_no_person() -> None:
    """What a page says by an address may be anybody's; a message was sent to whom it names."""
    said = {"email": "ada@example.com"}
    assert settled(_event("page_view", said, user_id="u")).properties == said
    for name in ("email_send", "message_send", "message_open", "message_click", "survey", "delivery", "return"):
        assert settled(_event(name, said)).properties == {"identities": {"email_sha256": MAIL}}, name


@pytest.mark.parametrize("nobody", ["null", " undefined ", "", "(not set)", "[object Object]"])
def test_nobodys_names_are_no_identities(nobody: str) -> None:
    """What stands for nobody names no one, plain, listed, hashed or as a group, so that it joins no two people."""
    hashed = hashlib.sha256(nobody.strip().lower().encode()).hexdigest()
    said = {
        "email": nobody,
        "device": nobody,
        "household": nobody,
        "identities": {"email_sha256": hashed, "phone": "1"},
    }
    found = settled(_event("identify", said, user_id="u")).properties
    assert found is not None
    assert set(found) == {"identities"}
    assert set(found["identities"]) == {"phone_sha256"}


def test_identities_are_trimmed() -> None:
    """A card is the same with space around it, and as the float that a spreadsheet made of its number."""
    cards = [settled(_event("login", {"loyalty_card": card})).properties for card in (" 17 ", "17.0", 17, 17.0)]
    assert cards == [{"identities": {"loyalty_card": "17"}}] * 4


def test_an_alias_of_nobody() -> None:
    """The other identity of an alias is read as ids are; that of nobody is none, so that nobody is joined by it."""
    assert settled(_event("alias", {"previous_id": " a "}, user_id="u")).properties == {"previous_id": "a"}
    assert settled(_event("alias", {"previous_id": "undefined"}, user_id="u")).properties == {"previous_id": None}
