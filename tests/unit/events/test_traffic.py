"""Which events are unwanted traffic."""

import msgspec
import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from etappe.events import traffic
from etappe.events.vocabulary import TYPES, Event

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
PREFETCH = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"


def _event(name: str, **properties: object) -> Event:
    return msgspec.convert(
        {"user_id": "u", "item_id": "i", "properties": properties or None}, TYPES[name], strict=False
    )


@pytest.mark.parametrize(
    "agent",
    [
        GOOGLEBOT,
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "curl/8.1",
        "python-requests/2.31",
        "AdsBot-Google (+http://www.google.com/adsbot.html)",
        "Mozilla/5.0 (Linux) HeadlessChrome/120.0",
        "Wget/1.21",
    ],
)
def test_crawlers(agent: str) -> None:
    """Agents of crawlers, scripts and browsers without a head are flagged, by plain patterns and by regular ones."""
    assert traffic.flag_of(_event("view_item", user_agent=agent)) == "bot"


@pytest.mark.parametrize(
    "agent",
    [
        CHROME,
        f"{IPHONE} Mobile/15E148 Instagram 309.1.1.28.108 (iPhone14,5; iOS 17_1; de_DE; scale=3.00)",
        f"{IPHONE} GSA/277.0.555192628 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/87.0.4280.101 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 5.1.1; KFAUWI) AppleWebKit/537.36 Silk/108.4.6 like Chrome/108.0 Safari/537.36",
        "okhttp/4.9.3",
        "Amazon CloudFront",
        "Mozilla/5.0",
        "",
        None,
        7,
    ],
)
def test_customers(agent: object) -> None:
    """Browsers, browsers inside apps, phones called CUBOT, a shop's own app, and what is no agent are not flagged."""
    assert traffic.flag_of(_event("view_item", user_agent=agent)) is None


def test_every_agent_the_package_gives_as_an_example() -> None:
    """The look-up finds all that the package's own regular expressions find, each on its own."""
    left_out = {"okhttp", "Amazon CloudFront"}
    examples = [
        agent
        for one in CRAWLER_USER_AGENTS_DATA
        if one["pattern"] not in left_out
        for agent in one.get("instances", ())
        if len(agent) < 512
    ]
    assert len(examples) > 1000
    missed = {agent for agent in examples if traffic.flag_of(_event("view_item", user_agent=agent)) != "bot"}
    assert missed == set()


@pytest.mark.parametrize("agent", [GMAIL, PREFETCH, YAHOO, "Mozilla/5.0", "Mozilla/5.0 (X11) BingPreview/1.0b"])
def test_mail_proxies(agent: str) -> None:
    """A mail opened by an image proxy was not opened by the customer; a click with the same agent is another thing."""
    assert traffic.flag_of(_event("email_open", user_agent=agent)) == "mail_proxy"
    assert traffic.flag_of(_event("email_click", user_agent=agent)) in (None, "bot")


def test_mails_opened_by_people_and_by_crawlers() -> None:
    """Other opened mails are judged as everything else."""
    assert traffic.flag_of(_event("email_open", user_agent=f"{IPHONE} Mobile/15E148")) is None
    assert traffic.flag_of(_event("email_open", user_agent=GOOGLEBOT)) == "bot"


@pytest.mark.parametrize(
    ("properties", "flag"),
    [
        ({"staff": True}, "staff"),
        ({"internal": True}, "staff"),
        ({"traffic_type": "internal"}, "staff"),
        ({"staff": True, "user_agent": GOOGLEBOT}, "staff"),
        ({"staff": False}, None),
        ({"staff": "true"}, None),
        ({"staff": 1}, None),
        ({"traffic_type": "developer"}, None),
        ({"internal": "internal"}, None),
    ],
)
def test_staff(properties: dict[str, object], flag: str | None) -> None:
    """Staff is who says so with a true, or by the name that GA4 has for traffic of the house."""
    assert traffic.flag_of(_event("purchase", **properties)) == flag


@pytest.mark.parametrize("name", ["set_traits", "set_consent", "identify", "alias", "ignore", "unsubscribe"])
def test_what_customers_say_of_themselves(name: str) -> None:
    """Consent, traits, identity and what a customer does not want hold whatever they came by."""
    event = _event(name, staff=True, user_agent=GOOGLEBOT)
    assert (traffic.flag_of(event), traffic.counts_for_rate(event)) == (None, False)


def test_what_counts_towards_events_a_minute() -> None:
    """Browsing counts; the lines of an order on their way, and what a page shows, do not."""
    counted = {name for name in TYPES if traffic.counts_for_rate(_event(name))}
    assert {"view_item", "search", "add_to_cart", "email_open", "click", "select_item"} <= counted
    assert counted.isdisjoint({"purchase", "refund", "begin_checkout", "add_payment_info", "impression", "set_traits"})
    assert set(TYPES) >= traffic.UNCOUNTED


def test_long_agents_are_cut() -> None:
    """An agent of any length costs no more than 512 characters, and what stands behind them says nothing."""
    assert traffic.flag_of(_event("view_item", user_agent="x" * 505 + "Googlebot/")) is None
    assert traffic.flag_of(_event("view_item", user_agent="x" * 502 + "Googlebot/")) == "bot"
    assert traffic._kind.cache_info().maxsize == 8192


@pytest.mark.parametrize("agent", [GMAIL, PREFETCH, YAHOO, "Mozilla/5.0"])
def test_messages_opened_by_machines(agent: str) -> None:
    """A message is opened by a proxy as an e-mail is."""
    assert traffic.flag_of(_event("message_open", user_agent=agent)) == "mail_proxy"


@pytest.mark.parametrize("name", ["delivery", "complaint", "return", "email_send", "message_send"])
def test_what_the_shop_does_is_done_by_programs(name: str) -> None:
    """The agent of what a shop's server tells is a program's and flags nothing; staff are staff there too."""
    for agent in (GOOGLEBOT, GMAIL, "python-requests/2.31"):
        assert traffic.flag_of(_event(name, user_agent=agent)) is None
        assert traffic.flag_of(_event("message_click", user_agent=agent)) == "bot"
    assert traffic.flag_of(_event(name, staff=True)) == "staff"


def test_what_is_no_visitors_haste() -> None:
    """A page's own view beside that of its item, and what the shop does, count for no rate; answers and clicks do."""
    uncounted = {"page_view", "delivery", "complaint", "return", "email_send", "message_send"}
    assert not any(traffic.counts_for_rate(_event(name)) for name in uncounted)
    assert all(
        traffic.counts_for_rate(_event(name)) for name in ("survey", "message_open", "message_click", "view_item")
    )
