"""The log as training sees it: whose events they are, and whose may not be learned from."""

from typing import Any

from tests.integration.living import Living

from etappe.store.identities import graph
from etappe.store.logged import learning_rows


def _learnable(living: Living, *, unknown_denies: bool = False) -> dict[str, dict[str, Any]]:
    rows = (
        learning_rows.events(living.log, living.pending(), unknown_denies=unknown_denies, orders_per_day=20)
        .collect()
        .to_dicts()
    )
    return {row["event_id"]: row for row in rows}


def _whose(living: Living, *, unknown_denies: bool = False) -> dict[str, bytes | None]:
    return {name: row["subject"] for name, row in _learnable(living, unknown_denies=unknown_denies).items()}


def _consent(living: Living, event_id: str, user: str, *, granted: bool) -> None:
    living.did(event_id, "set_consent", user_id=user, properties={"personalisation": granted})


def test_unwanted_traffic_is_left_out(living: Living) -> None:
    """Flagged events are in the log, and are not learned from."""
    living.did("1", user_id="u")
    living.did("2", user_id="u", properties={"staff": True})
    living.did("3", user_id="u", properties={"user_agent": "curl/8.1"})
    assert len(living.rows()) == 3
    assert _whose(living) == {"1": living.subject("u")}


def test_claims_are_left_out(living: Living) -> None:
    """What a browser claims to have bought is in the log as that, and is not learned from; the server's order is."""
    living.did("b:1", "purchase", user_id="u", order_id="o", claim=True)
    living.did("1", "purchase", user_id="u", order_id="o")
    assert [(row["event_id"], row["claim"]) for row in living.rows()] == [("b:1", True), ("1", None)]
    assert _whose(living) == {"1": living.subject("u")}


def test_linked_identities_are_one_customer(living: Living) -> None:
    """What a browser did before its login is its customer's; apart from them again, it is the browser's."""
    living.did("1", anonymous_id="b")
    living.did("2", "login", user_id="u", anonymous_id="b")
    assert _whose(living) == {"1": living.subject("u"), "2": living.subject("u")}
    graph.part(living.client, living.subject("u"), living.subject("b", "anonymous_id"), "test", living.settings)
    living.did("3", user_id="u")
    assert _whose(living)["1"] == living.subject("b", "anonymous_id")


def test_who_denies_leaves_baskets(living: Living) -> None:
    """Nothing of who denies personalisation names anybody, also from before; their orders still hold together."""
    living.did("1", user_id="u", anonymous_id="b")
    living.did("2", "purchase", user_id="u", order_id="o", price=1.0)
    living.did("3", user_id="v")
    _consent(living, "4", "u", granted=False)
    living.did("5", "purchase", user_id="u", order_id="o", price=1.0)
    found = _learnable(living)
    for name in ("1", "2", "4", "5"):
        assert [found[name][column] for column in ("subject", "user_id", "anonymous_id")] == [None] * 3
    assert [found[name]["order_id"] for name in ("2", "5")] == ["o", "o"]
    assert found["3"]["subject"] == living.subject("v")


def test_consent_given_again(living: Living) -> None:
    """Once consent is there again, what is known from other times is learned from; what was done meanwhile never is."""
    living.did("1", user_id="u")
    _consent(living, "2", "u", granted=False)
    living.did("3", user_id="u")
    _consent(living, "4", "u", granted=True)
    living.did("5", user_id="u")
    assert {"1", "2", "4", "5"} == {name for name, subject in _whose(living).items() if subject}


def test_denial_through_one_identity_holds_for_all(living: Living) -> None:
    """Who denied as a visitor is not learned from as the user they are."""
    living.did("1", user_id="u")
    living.did("2", "set_consent", anonymous_id="b", properties={"personalisation": False})
    living.did("3", "login", user_id="u", anonymous_id="b")
    assert set(_whose(living).values()) == {None}


def test_denial_wins_at_the_same_moment(living: Living) -> None:
    """Of two words of one moment the denial counts, whichever came last."""
    time = "2026-01-01T00:00:00Z"
    for user, said in (("u", (True, False)), ("v", (False, True))):
        for granted in said:
            properties = {"personalisation": granted}
            living.did(f"{user}{granted}", "set_consent", user_id=user, timestamp=time, properties=properties)
    assert set(_whose(living).values()) == {None}


def test_unknown_denies_where_that_is_set(living: Living) -> None:
    """With `unknown = "deny"` only who agreed is learned from."""
    living.did("1", user_id="u")
    living.did("2", user_id="v")
    _consent(living, "3", "v", granted=True)
    living.did("4", "set_consent", user_id="u", properties={"email": True})
    found = _whose(living, unknown_denies=True)
    assert found == {"1": None, "4": None, "2": living.subject("v"), "3": living.subject("v")}


def test_erased_are_left_out_at_once(living: Living) -> None:
    """Nothing of the erased is learned from while the log still has it, nor that their browser was once theirs."""
    living.did("1", anonymous_id="b")
    living.did("2", "login", user_id="u", anonymous_id="b")
    living.erase("u")
    living.did("3", "login", user_id="v", anonymous_id="b")
    living.did("4", user_id="u")
    assert _whose(living) == {"3": living.subject("v"), "4": living.subject("u")}
    known = learning_rows.graph_of(living.log, living.pending()).roots()
    browser = living.subject("b", "anonymous_id")
    assert known == {living.subject("v"): living.subject("v"), browser: living.subject("v")}


def test_sales_of_nobody_with_one_id(living: Living) -> None:
    """One event_id in three orders of nobody is three sales to learn from, also where identities are linked."""
    living.did("0", "login", user_id="u", anonymous_id="b")
    for order in ("x", "y", "z"):
        living.did("1", "purchase", order_id=order, price=1.0)
    rows = learning_rows.events(living.log, living.pending(), unknown_denies=False, orders_per_day=20).collect()
    assert sorted(rows["order_id"].drop_nulls()) == ["x", "y", "z"]


def test_two_who_deny_and_use_one_id(living: Living) -> None:
    """What two people did who deny is two events of nobody, though both gave it the same id."""
    for number, user in enumerate(("u", "v")):
        _consent(living, f"c{number}", user, granted=False)
        living.did("1", user_id=user)
    rows = learning_rows.events(living.log, living.pending(), unknown_denies=False, orders_per_day=20).collect()
    assert (rows["event_id"] == "1").sum() == 2


def test_a_flood_of_orders_is_left_out(living: Living) -> None:
    """Purchases of a customer with more orders a day than one may have teach nothing, however they came in."""
    for number in range(3):
        living.did(str(number), "purchase", user_id="m", order_id=f"o{number}", price=1.0)
    rows = learning_rows.events(living.log, living.pending(), unknown_denies=False, orders_per_day=2).collect()
    assert rows.is_empty()
    rows = learning_rows.events(living.log, living.pending(), unknown_denies=False, orders_per_day=3).collect()
    assert len(rows) == 3
