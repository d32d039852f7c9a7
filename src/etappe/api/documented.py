"""What OpenAPI says of requests whose bodies the routes read themselves."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Reference, RequestBody, Schema

from etappe.events.vocabulary import TYPES


@dataclass
class EventsOperation(Operation):
    """`POST /v1/events`: each event is checked on its own, so the body is not one typed struct."""

    def __post_init__(self) -> None:
        """Adds the body."""
        event: dict[str, Reference | Schema] = {
            "event": Schema(type=OpenAPIType.STRING, enum=sorted(TYPES)),
            **{name: Schema(type=OpenAPIType.STRING) for name in _TEXTS},
            "quantity": Schema(type=OpenAPIType.INTEGER, minimum=1),
            "price": Schema(type=OpenAPIType.NUMBER, minimum=0),
            "properties": Schema(type=OpenAPIType.OBJECT),
        }
        one = Schema(type=OpenAPIType.OBJECT, properties=event, required=["event"])
        batch: dict[str, Reference | Schema] = {"events": Schema(type=OpenAPIType.ARRAY, items=one, max_items=500)}
        body = Schema(type=OpenAPIType.OBJECT, properties=batch, required=["events"])
        self.request_body = RequestBody(content={"application/json": OpenAPIMediaType(schema=body)}, required=True)


@dataclass
class VisitorOperation(Operation):
    """`POST /v1/visitor`: a body may be left out."""

    def __post_init__(self) -> None:
        """Adds the body."""
        name: dict[str, Reference | Schema] = {"anonymous_id": Schema(type=OpenAPIType.STRING)}
        body = Schema(type=OpenAPIType.OBJECT, properties=name)
        self.request_body = RequestBody(content={"application/json": OpenAPIMediaType(schema=body)}, required=False)


_TEXTS = (
    "event_id",
    "timestamp",
    "user_id",
    "anonymous_id",
    "item_id",
    "currency",
    "order_id",
    "channel",
)
