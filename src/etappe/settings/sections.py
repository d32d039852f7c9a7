"""The sections of `etappe.toml`: each setting with its unit, default and bounds, stated here and nowhere else."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from etappe.errors import SettingsError
from etappe.values import ids
from etappe.values.money import Mark
from etappe.values.reading import Reading
from etappe.values.times import Order

Positive = Annotated[float, Meta(gt=0, le=1e9)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]

FILE_NAME = "etappe.toml"


class _Section(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A table of the settings file."""


class Store(_Section, frozen=True):
    """How Redis is spoken to, and what it may hold."""

    budget_ms: Positive = 250.0
    """Longest wait for a customer's record in a decision (ms); after it the answer is marked degraded."""
    customer_days: Count = 400
    """A customer's record leaves Redis after this many days without an event; the log still has it."""
    tail_limit: Count = 64
    """A tail longer than this many records is folded into the base by the worker."""
    lease_seconds: Annotated[float, Meta(ge=1, le=3600)] = 4.0
    """A replica that has not renewed its lease for this long reloads the configuration before it answers."""
    memory_mib: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    """The most that the embedded server may hold (MiB), from its next start on; 0 is half of what the machine or the
    container has: the other half is for its rewriting of files, the serving processes and the worker. When it is full,
    events are refused with 503 until the worker has made room. An external Redis has its own `maxmemory`."""
    answer_seconds: Count = 600
    """How long the answer to a `request_id` is kept for repeated requests."""
    answers_mib: Annotated[int, Meta(ge=16, le=1_000_000_000)] = 64
    """The most that kept answers may take in Redis (MiB), whoever asks; the oldest go first."""
    decision_buffer: Count = 20_000
    """Decision records a replica holds back at most before it drops (and counts) them."""
    decision_stream: Count = 200_000
    """Decision records Redis holds at most until the worker has archived them; fewer of those longer than 2 kB."""


class Consent(_Section, frozen=True):
    """What holds where a customer has said nothing, and where clocks do not agree on who spoke last."""

    unknown: Literal["allow", "deny"] = "allow"
    """Personalisation of customers whose consent is unknown."""
    skew_minutes: Annotated[float, Meta(ge=0, le=1440)] = 10.0
    """Clocks of clients may be wrong by so many minutes: a withdrawal wins over a grant that is later by no more.
    Clocks that are set over the network are wrong by seconds, others by minutes; more lets old withdrawals win."""


class Learning(_Section, frozen=True):
    """How much events say, and for how long."""

    half_life_days: Annotated[float, Meta(ge=7, le=1e9)] = 60.0
    """An event's weight in a customer's taste halves in this many days. Bases must be rebuilt after a change.
    Weights grow by 2 to the power of the half-lives since 2020, which a shorter one would take beyond a float64."""
    factors: Count = 64
    """Length of a factor vector."""
    regularisation: Annotated[float, Meta(ge=0)] = 1.0
    """ALS lambda; a higher one holds back what rests on few events, and in a very small shop leaves nothing."""
    alpha: Positive = 1.0
    """ALS confidence of one fresh purchase: c = alpha * log2(1 + weight / purchase); any other item has 1."""
    iterations: Count = 15
    """ALS sweeps over customers and items."""
    neighbours: Count = 50
    """Co-purchase neighbours kept per item."""
    heavy_history: Count = 500
    """Items of one customer considered when co-purchase candidates are counted; kept pairs are recounted exactly."""
    popularity_half_life_days: Positive = 20.8
    """A buyer of an item counts for its popularity, halving in so many days: 30 days are the mean life."""


class Showing(_Section, frozen=True):
    """What is never shown, and for how long."""

    floor_days: Annotated[int, Meta(ge=0)] = 14
    """A bought item is not shown to its buyer for this many days, unless the item states its own `floor_days`."""
    again_share: Annotated[float, Meta(ge=0, le=1)] = 0.1
    """A bought item is shown to its buyer again only where at least this share of its buyers bought it in two orders
    or more (learned), or the item states its own `floor_days`. With 0 everything is shown again."""
    bought_once: tuple[str, ...] = ()
    """Categories (with all below them) of which a customer buys one: nothing of them is shown after a purchase."""
    session_minutes: Count = 30
    """An event this recent (minutes) makes the customer one with a session under way."""


class Traffic(_Section, frozen=True):
    """Which events are flagged and left out of customers' records, popularity and training."""

    events_per_minute: Count = 300
    """Events of one customer within one minute beyond this many are flagged (the minute of their time; lines of orders,
    impressions, and what tells identity, traits or consent do not count)."""
    orders_per_day: Count = 50
    """Orders of one customer on one day (UTC). Beyond this many none of that day's purchases counts as taste or as
    popularity: a monitor's test orders, a till that gives all its sales one name."""


class Limits(_Section, frozen=True):
    """What one serving process takes upon itself at once; docs/http.md has what one request may ask for."""

    bodies_mb: Annotated[int, Meta(ge=32, le=100_000)] = 64
    """Bodies of requests held at once at most (10^6 bytes), those of publishable keys in half of it; more are answered
    503. Four full batches of events from a server are this much."""
    browser_events_per_second: Positive = 20.0
    """Events of one visitor a second, sent with a publishable key, in the long run; more are answered 429. Ten seconds'
    worth may come at once. A page that reports every item seen stays below; a script that invents events does not."""
    decisions_at_once: Annotated[int, Meta(ge=1, le=10_000)] = 12
    """Decisions at work at once: enough that computing goes on while others wait for Redis, few enough that each is
    answered soon. What is at work goes to Redis together. A Redis that is further away than twelve decisions take (some
    ms) needs more."""
    decision_wait_ms: Positive = 400.0
    """A burst of decisions waits at most so long (ms): after a pause that people notice, a page goes on without. Where
    more come in for longer than that, only `decisions_in_line` wait, and the rest is answered 503 at once."""
    decisions_in_line: Annotated[int, Meta(ge=1, le=10_000)] = 10
    """Decisions that wait while more come in than can be made: a client with 16 connections is not refused, and what is
    accepted is answered within the time that 22 decisions take."""
    events_at_once: Annotated[int, Meta(ge=1, le=10_000)] = 64
    """Requests with events at work at once; a batch counts one more for each ten of its events. Requests at work go to
    Redis together, which syncs its file once for all of them."""
    event_wait_ms: Positive = 2000.0
    """A burst of events waits at most so long (ms), since nobody looks at the answer; else as `decision_wait_ms`."""
    events_in_line: Annotated[int, Meta(ge=1, le=10_000)] = 64
    """Requests with events that wait while more come in than can be taken; the rest is answered 503 at once."""
    connections: Annotated[int, Meta(ge=16, le=100_000)] = 1024
    """Connections that one serving process holds at most. Where they are all taken, the one that has been silent for
    longest makes room for a new one; where none is silent, a new one is answered 503, health checks apart."""
    connections_per_address: Annotated[int, Meta(ge=1, le=100_000)] = 512
    """Connections of one address (of IPv6 one /64) to one serving process; more are answered 503, health checks apart.
    Half of all, so that nobody takes the whole room; behind a proxy that bounds its clients itself, as many as
    `connections`, since all come from its address."""
    header_seconds: Annotated[float, Meta(ge=0.1, le=3600)] = 10.0
    """A new connection has sent the head of a request within this time (seconds), or is closed; so has the next request
    from its first byte on. A phone in a tunnel needs a few; a client that holds connections for nothing has no more."""
    body_seconds: Annotated[float, Meta(ge=0.1, le=3600)] = 30.0
    """A body that has not come in this time (seconds) after its head is given up with 408: what has come of it takes
    room. A full batch of 16 MB needs 4 Mbit/s."""
    idle_seconds: Annotated[float, Meta(ge=0.1, le=3600)] = 75.0
    """A connection is kept open for the next request for so long (seconds): longer than the 60 for which proxies keep
    theirs as a rule, so that it is the proxy that closes, and no request meets a connection just closed."""
    stall_seconds: Annotated[float, Meta(ge=0.1, le=3600)] = 30.0
    """A connection whose client takes nothing of its answer for so long (seconds) is closed."""


class Keys(_Section, frozen=True):
    """What publishable keys are believed."""

    browser_orders: Literal["claim", "trust"] = "claim"
    """Purchases and refunds sent with a publishable key: a claim holds its item back in that browser and counts for
    nothing else, until a secret key sends the order; `trust` counts whatever anybody sends."""


class Erasure(_Section, frozen=True):
    """How soon those who were erased are gone from the log too."""

    days: Annotated[int, Meta(ge=1, le=365)] = 7
    """The log is rewritten without an erased customer within this many days. Answers, records and the next model know
    nothing of them at once; `etappe erase --now` rewrites at once too."""


NOT_PRODUCTS = (
    "post", "dot", "c2", "m", "pads", "dcgs*", "gift_*", "cruk", "amazonfee", "bank charges", "test",
    "test[0-9]*", "shipping", "postage", "* postage", "postage and *", "postage & *", "carriage",
    "next day carriage", "shipping cost*", "shipping fee*", "* shipping", "delivery", "delivery charge*",
    "delivery cost*", "delivery fee*", "handling", "handling fee*", "manual", "discount", "sample", "samples",
    "free sample*", "gift voucher*", "* gift voucher*", "voucher*", "e-voucher*", "* bad debt", "amazon fee",
    "cruk commission", "test item*", "test product*", "versand", "versandkosten*", "porto", "portokosten*",
    "nachnahme*", "gutschein*", "geschenkgutschein*", "testartikel*", "testprodukt*",
    "geschenkverpackung", "geschenkservice", "mindermengenzuschlag*", "gift wrapping", "gift wrapping service*",
    "frais de port*", "frais de livraison*", "bon cadeau*", "emballage cadeau",
)  # fmt: skip


class Catalogue(_Section, frozen=True):
    """How the shop counts."""

    time_zone: str = "UTC"
    """Time zone of imported times that name none (IANA name)."""
    most_gone: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """`import-items --all` is refused where more than this share of what is for sale is not in the file, which is then
    more likely cut off than right; `--force` takes it all the same."""
    not_products: tuple[str, ...] = NOT_PRODUCTS
    """Ids and titles, whole and in any case (`*` and `?` as in names of files), of what is no product: it is never
    recommended nor learned from. An id of one or two characters counts only where there is no title. An item that says
    `product: true` is one. Counts for items as they change."""
    free_items: bool = False
    """Whether an item of price 0 is a product; else it is taken for a sample, a gift or a gap in the data."""
    live_items: bool = True
    """Items that events of a secret key name and that the catalogue does not know are added to it, as imports of events
    add them, with what the event says of them; `etappe check` names them."""


class Values(_Section, frozen=True):
    """How values of other systems are read, wherever they come in."""

    nobody: tuple[str, ...] = ids.NOBODYS
    """Ids that are nobody's: what programs write where they know none. Compared without spaces around them and without
    regard to case; such an id counts as none. Blank ones always do."""
    also_nobody: tuple[str, ...] = ()
    """Further ids that are nobody's in this shop, such as "guest" or "0"; an import's report and `etappe check` name
    those that look like it."""
    decimals: Literal["told", "point", "comma"] = "told"
    """What 1,299 and 1.299 mean: `told` is what the other amounts of a file or message tell. Where none does, files are
    read with a decimal point, which the report says, and messages are refused; `point` or `comma` decides it."""
    dates: Literal["told", "dmy", "mdy"] = "told"
    """Whether 01/12/2026 is in December (`dmy`) or in January (`mdy`): `told` is what the other dates of a file tell.
    Where none does, the file is refused."""

    def nobodys(self) -> frozenset[str]:
        """Both lists, as ids are compared with them."""
        return ids.nobody_of((*self.nobody, *self.also_nobody))

    def reading(self) -> Reading:
        """How values are read by these settings."""
        decimals = None if self.decimals == "told" else Mark(self.decimals)
        return Reading(self.nobodys(), decimals, None if self.dates == "told" else Order(self.dates))


class Settings(_Section, frozen=True):
    """All settings; the sections are the tables of `etappe.toml`."""

    store: Store = Store()
    consent: Consent = Consent()
    learning: Learning = Learning()
    showing: Showing = Showing()
    traffic: Traffic = Traffic()
    limits: Limits = Limits()
    keys: Keys = Keys()
    erasure: Erasure = Erasure()
    catalogue: Catalogue = Catalogue()
    values: Values = Values()

    def digest(self) -> str:
        """Short digest by which records say what settings were in force."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=6).hexdigest()


def load(data: Path) -> Settings:
    """Settings from `etappe.toml` in the data folder `data`; the defaults where there is no such file.

    Raises:
        SettingsError: the file is no TOML, or names a setting or value Etappe does not know.
    """
    path = data / FILE_NAME
    if not path.exists():
        return Settings()
    try:
        return msgspec.convert(tomllib.loads(path.read_bytes().decode()), Settings)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, msgspec.ValidationError) as error:  # no TOML, or such as no reader bears
        raise SettingsError(f"{path}: {error}; docs/settings.md lists every setting") from error
