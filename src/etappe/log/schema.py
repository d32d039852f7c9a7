"""The tables of the log and their columns. A column is added, never renamed; readers fill what older files lack."""

from collections.abc import Mapping
from typing import Final

import polars as pl

_Columns = Mapping[str, pl.DataType | type[pl.DataType]]

TIME: Final = pl.Datetime("us", "UTC")

_EVENT: _Columns = {
    "event_id": pl.String,
    "event": pl.String,
    "time": TIME,
    "received": TIME,
    "subject": pl.Binary,
    "user_id": pl.String,
    "anonymous_id": pl.String,
    "item_id": pl.String,
    "quantity": pl.Int32,
    "price": pl.Float64,
    "currency": pl.String,
    "order_id": pl.String,
    "channel": pl.String,
    "properties": pl.String,
    "source": pl.String,
    "flag": pl.String,
    "raw": pl.String,
    "claim": pl.Boolean,
}
EVENT: Final = pl.Schema(_EVENT)
"""One row an event. `subject` is null where nobody is known (a till receipt); `properties` is JSON.

`flag` says why it is left out of fold, popularity and training (`events.traffic`), null for wanted traffic. `raw` is
the payload as another system's client sent it, on the first row made of it. `claim` is true of a purchase or refund
that a browser told of: it counts for nothing in numbers and models.
"""

_IDENTITY: _Columns = {
    "epoch": pl.Int64,
    "time": TIME,
    "action": pl.String,
    "subject": pl.Binary,
    "customer": pl.Binary,
    "kind": pl.String,
    "value": pl.String,
    "cause": pl.String,
}
IDENTITY: Final = pl.Schema(_IDENTITY)
"""One row a change of one subject in the identity graph, in the order of `epoch`: what `identities.graph` replays."""

_CONFIG: _Columns = {"position": pl.String, "kind": pl.String, "payload": pl.String, "time": TIME}
CONFIG: Final = pl.Schema(_CONFIG)
"""One row a change of catalogue, keys or snapshot pointer: `payload` is JSON, `position` the stream id."""

_DECISION: _Columns = {"decision": pl.String, "time": TIME, "subject": pl.Binary, "record": pl.String}
DECISION: Final = pl.Schema(_DECISION)
"""One row a decision: `record` is the JSON of `serving.record.DecisionRecord`."""

TABLES: Final[dict[str, pl.Schema]] = {"event": EVENT, "identity": IDENTITY, "config": CONFIG, "decision": DECISION}
