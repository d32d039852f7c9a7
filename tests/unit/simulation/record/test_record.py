"""What the shop is told: whole, in the vocabulary's words, and true."""

from datetime import timedelta

import msgspec
import polars as pl
import pytest
from tests.unit.simulation.sizes import END, small_shop

from etappe.events.intake import read_event
from etappe.events.traffic import BOT, MAIL_PROXY, STAFF, reason
from etappe.events.vocabulary import CHANNELS, AnyEvent
from etappe.importing.judging import checks
from etappe.simulation import Shop

COLUMNS = [
    "event_id", "timestamp", "event", "user_id", "anonymous_id", "item_id", "quantity", "price", "currency", "order_id",
    "channel", "properties",
]  # fmt: skip


def _said(name: str) -> pl.Expr:
    return pl.col("properties").str.json_path_match(f"$.{name}")


def _at(frame: pl.DataFrame, value: str, changes: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the `value` that held for each item at each `at`."""
    right = changes.select("item_id", "since", value).sort("since")
    return frame.sort("at").join_asof(right, left_on="at", right_on="since", by="item_id", check_sortedness=False)


def test_events_have_the_native_columns(shop: Shop) -> None:
    """The columns are those of the import contract, in its order and types."""
    assert shop.events.columns == COLUMNS
    assert shop.events.schema["timestamp"] == pl.Datetime("us", "UTC")
    assert shop.events.schema["quantity"] == pl.Int32
    assert shop.events.schema["price"] == pl.Float64


def test_every_kind_of_event_passes_the_intake(shop: Shop) -> None:
    """Of each kind in each channel 60 events pass the checks that posted events pass, at the end of the story."""
    sample = shop.events.group_by("event", "channel", maintain_order=True).head(60).select(COLUMNS)
    for row in sample.to_dicts():
        said = {name: value for name, value in row.items() if value is not None}
        said["properties"] = msgspec.json.decode(said.get("properties", "{}"))
        accepted = read_event(msgspec.json.encode(said), END)
        assert accepted.event_id == row["event_id"]
        assert msgspec.convert(said, AnyEvent)
    assert sample["event"].n_unique() == shop.events["event"].n_unique() >= 25
    assert set(sample["channel"]) < set(CHANNELS)


def test_the_import_rejects_nothing(shop: Shop) -> None:
    """Every row of the file passes the checks of the import."""
    text = shop.events.with_columns(pl.col("timestamp").dt.to_string("iso:strict"))
    judged = checks.check(text.select(pl.all().cast(pl.String)), "UTC", END)
    assert judged.height == shop.events.height
    assert judged["reason"].drop_nulls().value_counts().rows() == []


def test_what_really_happened_lies_inside_the_story(shop: Shop, events: pl.DataFrame) -> None:
    """True times lie between the first day and the end, and go up to it; told ones are no more than a day ahead."""
    assert events["at"].min() >= END - timedelta(days=120)
    assert END - timedelta(hours=1) < events["at"].max() < END
    assert shop.events["timestamp"].max() < END + timedelta(days=1)


def test_a_visit_under_way_is_cut_off_at_the_end() -> None:
    """Where many visits are under way at the end, none of their later events is told."""
    evening = END.replace(hour=20)
    times = small_shop(customers=3000, days=1, end=evening).truth.events["at"]
    assert evening - timedelta(minutes=2) < times.max() < evening


def test_events_name_items_of_the_catalogue(shop: Shop) -> None:
    """No event is about an item that is not in the catalogue; all but few items are looked at."""
    seen = set(shop.events["item_id"].drop_nulls())
    assert seen <= {item.id for item in shop.items}
    assert len(seen) > 900


def test_truth_names_the_person_of_every_event(shop: Shop, events: pl.DataFrame) -> None:
    """Each event once; its person is that of its account, and lives with the owner of its device."""
    assert events.height == shop.truth.events.height == shop.events["event_id"].n_unique()
    owner = dict(shop.truth.people.drop_nulls("user_id").select("user_id", "person").iter_rows())
    household = dict(shop.truth.people.select("person", "household").iter_rows())
    device = dict(shop.truth.devices.select("anonymous_id", "person").iter_rows())
    known = events.drop_nulls("user_id")
    assert known["person"].to_list() == [owner[user] for user in known["user_id"]]
    tracked = events.drop_nulls(["anonymous_id", "person"])
    lives = [household[person] for person in tracked["person"]]
    assert lives == [household[device[cookie]] for cookie in tracked["anonymous_id"]]
    nobody = events.filter(pl.col("person").is_null())
    assert {device[cookie] for cookie in nobody["anonymous_id"]} == {None}


def test_truth_names_the_stage_of_every_event(shop: Shop, events: pl.DataFrame) -> None:
    """What is told in a visit or beside it carries the stage the person was in when it began."""
    some = events.drop_nulls("person").filter(~pl.col("event").is_in(["refund", "rate", "review", "gift"]))
    some = some.sample(5000, seed=1)
    stays = shop.truth.stages.select("person", "since", now="stage").cast({"person": pl.Int32}).sort("since")
    now = some.sort("at").join_asof(stays, left_on="at", right_on="since", by="person", check_sortedness=False)
    assert (now["stage"] == now["now"]).mean() > 0.99  # a visit may last into the next stay


def test_everybody_can_be_told_apart_from_nobody(events: pl.DataFrame) -> None:
    """Every event has a user or an anonymous id; but for stores and refunds of guests, which name a card or an order."""
    nameless = events.filter(pl.col("user_id").is_null() & pl.col("anonymous_id").is_null())
    assert set(nameless.filter(channel="store")["event"]) == {"purchase", "refund", "store_visit"}
    assert set(nameless.filter(pl.col("channel") != "store")["event"]) == {"refund"}
    assert nameless.filter(pl.col("order_id").is_null() & _said("loyalty_card").is_null()).is_empty()


def test_lines_of_an_order_belong_together(lines: pl.DataFrame) -> None:
    """The lines of an order have one time, person, account and channel; each names another item."""
    orders = lines.group_by("order_id").agg(
        same=pl.struct("at", "person", "user_id", "channel").n_unique(),
        items=pl.col("item_id").n_unique(),
        lines=pl.len(),
    )
    assert (orders["same"] == 1).all()
    assert (orders["items"] == orders["lines"]).all()


def test_purchases_follow_carts_and_views(events: pl.DataFrame) -> None:
    """Outside the store, whoever buys an item viewed it and put it into the cart within the hours before."""
    online = events.filter(pl.col("channel").is_in(["web", "app"]), pl.col("person").is_not_null())
    bought = online.filter(event="purchase").select("person", "item_id", "at", "quantity", "price")
    in_cart = online.filter(event="add_to_cart").select("person", "item_id", "quantity", "price", cart="at")
    viewed = online.filter(event="view_item").select("person", "item_id", view="at")
    start = bought["at"].min() + timedelta(hours=6)
    bought = bought.filter(pl.col("at") > start)
    carts = bought.sort("at").join_asof(
        in_cart.sort("cart"), left_on="at", right_on="cart", by=["person", "item_id"], check_sortedness=False
    )
    assert (carts["at"] - carts["cart"]).max() < timedelta(hours=5)
    assert carts["cart"].null_count() == 0
    for column in ("quantity", "price"):  # now and then two visits of a person overlap
        assert (carts[column] == carts[f"{column}_right"]).mean() > 0.998
    views = carts.sort("cart").join_asof(
        viewed.sort("view"), left_on="cart", right_on="view", by=["person", "item_id"], check_sortedness=False
    )
    assert views["view"].null_count() == 0
    assert (views["cart"] - views["view"]).max() < timedelta(hours=5)


def test_nothing_is_seen_before_its_launch(shop: Shop, events: pl.DataFrame) -> None:
    """No event of anybody, crawlers and staff included, is about an item that is not out yet."""
    launched = shop.truth.items.drop_nulls("launched").select("item_id", "launched")
    early = events.join(launched, on="item_id").filter(pl.col("at") < pl.col("launched"))
    assert early.height == 0
    assert events.join(launched, on="item_id").height > 1000


@pytest.mark.parametrize("event", ["add_to_cart", "purchase"])
def test_nothing_sold_out_is_bought(shop: Shop, events: pl.DataFrame, event: str) -> None:
    """What goes into a cart or an order was in stock then, or when the visit began, at most hours before."""
    rows = events.filter(event=event).select("item_id", "at")
    now = _at(rows, "available", shop.truth.stock)
    assert now["available"].mean() > 0.998
    gone = now.filter(~pl.col("available")).select("item_id", pl.col("at") - timedelta(hours=3))
    assert _at(gone, "available", shop.truth.stock)["available"].all()


def test_prices_are_those_of_the_shelf(shop: Shop, events: pl.DataFrame) -> None:
    """Carts and orders have the price of their day; those of the last hours that of the catalogue, too."""
    rows = events.filter(pl.col("event").is_in(["add_to_cart", "purchase"])).select("item_id", "at", paid="price")
    now = _at(rows, "price", shop.truth.prices)
    other = now.filter(pl.col("paid") != pl.col("price"))
    assert other.height < 0.002 * now.height
    before = _at(other.select("item_id", pl.col("at") - timedelta(hours=3), "paid"), "price", shop.truth.prices)
    assert (before["paid"] == before["price"]).all()
    catalogue = {item.id: item.price for item in shop.items}
    last = now.filter(pl.col("at") > END - timedelta(hours=4))
    assert last.height > 20
    assert (last["paid"] == last["item_id"].replace_strict(catalogue, return_dtype=pl.Float64)).mean() > 0.9
    assert now.group_by("item_id").agg(pl.col("paid").n_unique())["paid"].max() > 1


def test_refunds_follow_their_purchase(shop: Shop, events: pl.DataFrame, lines: pl.DataFrame) -> None:
    """Each refund names a line of an order with its price and quantity, days later; as many as stated."""
    refunds = events.filter(event="refund")
    key = ["order_id", "item_id"]
    both = refunds.join(lines.select(*key, "paid", bought="at", pieces="quantity", buyer="person"), on=key, how="left")
    assert both["bought"].null_count() == 0
    assert (both["at"] > both["bought"]).all()
    assert (both["price"] == both["paid"]).all()
    assert (both["quantity"] == both["pieces"]).all()
    assert (both["person"] == both["buyer"]).all()
    assert refunds.select(key).is_unique().all()
    old = lines.filter(pl.col("at") < END - timedelta(days=45))
    share = old.join(refunds, on=key, how="semi").height / old.height
    expected = shop.story.world.parameters.told.refunds
    assert share == pytest.approx(expected, abs=4 * (expected / old.height) ** 0.5)


def test_stores_see_cards_addresses_or_nobody(shop: Shop, events: pl.DataFrame) -> None:
    """A store's sale names the buyer's card, or the address of the receipt, or nobody; each is really the buyer's."""
    card, mail = _said("loyalty_card"), _said("receipt_email")
    sales = events.filter(event="purchase", channel="store").with_columns(card=card, mail=mail)
    assert sales["user_id"].null_count() == sales["anonymous_id"].null_count() == sales.height > 200
    named = sales.select(pl.col("card").is_not_null().mean(), pl.col("mail").is_not_null().mean()).row(0)
    assert all(0.15 < share < 0.6 for share in (*named, 1 - sum(named)))
    assert sales.filter(pl.col("card").is_not_null() & pl.col("mail").is_not_null()).is_empty()
    traits = events.filter(event="set_traits").select("person", own=_said("loyalty_card"), email=_said("email"))
    whose = sales.join(traits, on="person")
    assert whose.height > 100
    assert whose.drop_nulls("card").select((pl.col("card") == pl.col("own")).all()).item()
    assert whose.drop_nulls("mail").select((pl.col("mail") == pl.col("email")).all()).item()


def test_tablets_are_shared(shop: Shop, events: pl.DataFrame) -> None:
    """Some tablets are used by several accounts, of one household; no other device is."""
    kind = shop.truth.devices.select("anonymous_id", "kind")
    used = (
        events.drop_nulls(["user_id", "anonymous_id"])
        .group_by("anonymous_id")
        .agg(pl.col("user_id").n_unique().alias("users"))
        .join(kind, on="anonymous_id")
    )
    assert used.filter(pl.col("users") > 1)["kind"].unique().to_list() == ["tablet"]
    assert used.filter(pl.col("users") > 1).height > 50


def test_cookies_are_forgotten_and_known_again(events: pl.DataFrame) -> None:
    """Many customers have several cookies; many cookies were anonymous before they were known; strangers stay so."""
    online = events.filter(pl.col("channel").is_in(["web", "app"])).drop_nulls("anonymous_id")
    cookies = online.group_by("anonymous_id").agg(
        known=pl.col("user_id").is_not_null().any(), anonymous=pl.col("user_id").is_null().any()
    )
    assert 0.2 < online["user_id"].is_null().mean() < 0.5
    assert cookies.filter(pl.col("known") & pl.col("anonymous")).height > 500
    assert cookies.filter(~pl.col("known")).height > 500
    assert (
        online.drop_nulls("user_id").group_by("user_id").agg(pl.col("anonymous_id").n_unique())["anonymous_id"].mean()
        > 2
    )


def test_newcomers_sign_up_and_were_not_there_before(shop: Shop, events: pl.DataFrame) -> None:
    """They have no event before they came, and alone sign up, once; some name who brought them."""
    since = shop.truth.people.drop_nulls("since").select(pl.col("person").cast(pl.Int32), "since", "referrer")
    theirs = events.join(since, on="person")
    assert theirs.height > 10_000
    assert (theirs["at"] >= theirs["since"]).all()
    signed_up = events.filter(event="sign_up").join(since, on="person", how="left")
    assert signed_up["since"].null_count() == 0
    assert signed_up["person"].is_unique().all()
    assert signed_up.select(_said("referrer")).to_series().to_list() == signed_up["referrer"].to_list()
    assert signed_up["referrer"].drop_nulls().len() > 10


def test_traits_are_set_when_somebody_is_first_known(events: pl.DataFrame) -> None:
    """Each known customer says once who they are: country, language, address, and most say more."""
    traits = events.filter(event="set_traits").with_columns(email=_said("email"), born=_said("birth_year"))
    assert traits["user_id"].is_unique().all()
    assert (traits["email"] == traits["user_id"].str.to_lowercase() + "@example.org").all()
    assert traits.select(_said("country").is_null().any() | _said("language").is_null().any()).item() is False
    assert traits["born"].is_not_null().mean() == pytest.approx(0.8, abs=0.05)
    visits = events.drop_nulls("user_id").filter(
        pl.col("channel").is_in(["web", "app"]), pl.col("event") != "subscribe"
    )
    assert set(visits["user_id"]) - set(traits["user_id"]) == set()
    first = traits.select("user_id", first="at")
    before = visits.join(first, on="user_id").filter(pl.col("at") < pl.col("first"))
    assert set(before["event"]) <= {"login", "sign_up"}


def test_mails_are_clicked_after_they_are_opened_after_they_are_sent(events: pl.DataFrame) -> None:
    """Each mail is sent once; what is opened and clicked of it comes after that, for the same person and campaign."""
    mails = events.with_columns(mail=_said("mail"), campaign=_said("campaign")).drop_nulls("mail")
    fetched = _said("user_agent").is_not_null()
    sent = mails.filter(event="other").select("mail", "person", "campaign", sent="at")
    opened = mails.filter(pl.col("event") == "email_open", ~fetched).select("mail", "person", "campaign", opened="at")
    clicked = mails.filter(event="email_click").select("mail", "person", "campaign", clicked="at")
    for frame in (sent, opened, clicked):
        assert frame["mail"].is_unique().all()
    key = ["mail", "person", "campaign"]
    whole = clicked.join(opened, on=key, how="left").join(sent, on=key, how="left")
    assert clicked.height > 200
    assert whole["opened"].null_count() + whole["sent"].null_count() <= 0.02 * clicked.height  # before the first day
    assert (whole["clicked"] > whole["opened"]).drop_nulls().all()
    both = opened.join(sent, on=key)
    assert (both["opened"] >= both["sent"]).all()
    assert both.height > 0.95 * opened.height


def test_newsletters_are_sent_to_all_at_once(shop: Shop, events: pl.DataFrame) -> None:
    """Every issue goes out at eight in the morning (UTC), a week after the last one."""
    letters = events.filter(pl.col("event") == "other", _said("campaign") == "newsletter")
    times = letters["at"].dt.round("1s").unique().sort()
    assert 16 <= len(times) <= 18
    assert set(times.dt.hour()) == {8}
    assert times.diff().drop_nulls().unique().to_list() == [timedelta(days=7)]


def test_who_is_no_customer_is_flagged(shop: Shop, events: pl.DataFrame) -> None:
    """Crawlers, staff and mail proxies say so themselves, and nobody else does; each as frequent as stated."""
    told = events.filter(pl.col("properties").is_not_null(), pl.col("event") != "other")
    flags = [reason(name, msgspec.json.decode(text)) for name, text in told.select("event", "properties").iter_rows()]
    told = told.with_columns(flag=pl.Series(flags, dtype=pl.String))
    assert set(told["flag"].drop_nulls()) == {BOT, STAFF, MAIL_PROXY}
    assert set(told.filter(flag=MAIL_PROXY)["event"]) == {"email_open"}
    unwanted = told.filter(pl.col("flag").is_in([BOT, STAFF]))
    assert unwanted["person"].null_count() == unwanted.height == events["person"].null_count()
    people = events.filter(pl.col("event") == "view_item", pl.col("person").is_not_null()).height
    said = shop.story.world.parameters.mishaps
    assert unwanted.filter(flag=BOT).height / people == pytest.approx(said.crawlers, rel=0.15)
    assert unwanted.filter(flag=STAFF).height / people == pytest.approx(said.staff, rel=0.2)
    proxied = shop.truth.people.filter(pl.Series(shop.story.world.people.proxied))["person"]
    fetched = told.filter(flag=MAIL_PROXY)
    assert set(fetched["person"]) <= set(proxied)
    sent = events.filter(pl.col("event") == "other", pl.col("person").is_in(proxied.to_list())).height
    assert fetched.height == pytest.approx(sent, abs=3)


def test_consent_is_refused_and_withdrawn_as_stated(shop: Shop, events: pl.DataFrame) -> None:
    """The stated share refuses when first known; a like share withdraws later, half of whom give it again."""
    said, known = shop.story.world.parameters.mishaps, events.filter(event="set_traits").height
    consent = events.filter(event="set_consent").with_columns(agreed=_said("personalisation") == "true")
    traits = events.filter(event="set_traits").select("person", first="at")
    said_by = consent.sort("at").group_by("person", maintain_order=True).agg("agreed", pl.col("at").first())
    said_by = said_by.join(traits, on="person")
    at_once = (pl.col("at") - pl.col("first")) < timedelta(minutes=1)
    refused, withdrew = said_by.filter(at_once), said_by.filter(~at_once)
    for group, expected in ((refused, said.denied), (withdrew, said.withdrawn)):
        assert group.height / known == pytest.approx(expected, abs=4 * (expected / known) ** 0.5)
    assert {tuple(one) for one in refused["agreed"].to_list()} <= {(False,)}
    assert {tuple(one) for one in withdrew["agreed"].to_list()} == {(False,), (False, True)}


def test_lists_and_clicks_name_their_decision(shop: Shop, events: pl.DataFrame) -> None:
    """Every list, piece, choice and click of the events is a row of the responses, in the same place."""
    told = events.with_columns(
        decision=_said("decision"), position=_said("position").cast(pl.Int8), piece=_said("piece")
    )
    shown = shop.responses
    seen = set(shown.filter(placement="home.hero").select("decision", "piece").iter_rows())
    assert set(told.filter(event="impression").select("decision", "piece").iter_rows()) <= seen
    clicked = set(shown.filter(pl.col("clicked"), placement="home.hero")["decision"])
    assert set(told.filter(event="click")["decision"]) <= clicked
    assert told.filter(event="click").height > 0.99 * len(clicked)
    chosen = shown.filter(pl.col("clicked"), placement="home.top").select("decision", "position", "item_id")
    named = told.filter(event="select_item").select("decision", "position", "item_id")
    assert set(named.iter_rows()) <= set(chosen.iter_rows())
    assert named.height > 0.99 * chosen.height
    lists = told.filter(event="view_item_list").select(
        "decision", items=_said("items").str.json_decode(pl.List(pl.String))
    )
    by_decision = shown.filter(placement="home.top").group_by("decision", maintain_order=True).agg("item_id")
    assert lists.join(by_decision, on="decision").select((pl.col("items") == pl.col("item_id")).all()).item()


def test_searches_are_for_what_is_looked_at(shop: Shop, events: pl.DataFrame) -> None:
    """The words of a search, English or German by the person's language, are those of a kind that is sold."""
    categories = shop.story.world.assortment.categories
    words = {language: set() for language in ("en", "de")}
    for category in categories:
        words["en"] |= {kind.en.lower() for kind in category.kinds}
        words["de"] |= {kind.de for kind in category.kinds}
    speaks = shop.truth.people.select(pl.col("person").cast(pl.Int32), "language")
    searched = (
        events.filter(event="search").join(speaks, on="person").select("language", _said("search_term").alias("term"))
    )
    assert searched.height > 1000
    assert all(term in words[language] for language, term in searched.unique().iter_rows())


def test_campaigns_are_named_where_they_bring_somebody(shop: Shop, events: pl.DataFrame) -> None:
    """Ad clicks name source, medium and campaign of an ad of the world; all are there."""
    ads = events.filter(event="ad_click").select(
        *(_said(name).alias(name) for name in ("source", "medium", "campaign"))
    )
    points = {(one.source, one.medium, one.name) for one in shop.story.world.parameters.touchpoints if one.kind == "ad"}
    assert set(ads.iter_rows()) == points
    assert events.filter(event="service_contact").select(_said("satisfied").n_unique()).item() == 2


def test_mails_go_to_who_subscribed(shop: Shop, events: pl.DataFrame) -> None:
    """Nobody is sent a mail without having subscribed; newcomers subscribe in the moment they come."""
    subscribed = events.filter(event="subscribe").select("person", subscribed="at")
    assert subscribed["person"].is_unique().all()
    came = shop.truth.people.drop_nulls("since").select(pl.col("person").cast(pl.Int32), "since")
    newcomers = subscribed.join(came, on="person")
    assert newcomers.height > 200
    assert newcomers["subscribed"].equals(newcomers["since"].rename("subscribed"))
    sent = events.filter(_said("event_name") == "email_send").join(came, on="person")
    first = sent.group_by("person").agg(pl.col("at").min()).join(subscribed, on="person", how="left")
    assert first["subscribed"].null_count() == 0
    assert (first["at"] >= first["subscribed"]).all()
