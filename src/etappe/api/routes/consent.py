"""`PUT /v1/customers/{id}/consent`: what a customer allows, said by the shop's server."""

import uuid
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from etappe.api.accepting.flow import take_events
from etappe.api.access import auth
from etappe.api.bodies import EventsAnswer
from etappe.api.routes.paths import clean_id_of
from etappe.api.service import Service, now
from etappe.events.intake import read_event

_NO_PURPOSES: Final = {"not": {"pattern": r"^(\$|(source|text_version|identities)$)"}}
Purposes = Annotated[
    dict[str, bool], Meta(min_length=1, max_length=50, extra_json_schema={"propertyNames": _NO_PURPOSES})
]


class ConsentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Consent by purpose, where it was given and under which text."""

    purposes: Purposes
    source: str | None = None
    text_version: str | None = None


@put("/v1/customers/{customer_id:str}/consent", guards=[auth.secret_key])
async def put_consent(
    request: Request[Any, Any, State],
    customer_id: FromPath[str],
    data: JSONBody[ConsentBody],
    service: NamedDependency[Service],
) -> EventsAnswer:
    """Set what a customer allows: a `set_consent` event of this moment, in force with the next request."""
    where = {"source": data.source, "text_version": data.text_version}
    properties = data.purposes | {name: value for name, value in where.items() if value is not None}
    said: dict[str, Any] = {
        "event_id": f"consent-{uuid.uuid4()}",
        "event": "set_consent",
        "user_id": clean_id_of(customer_id),
    }
    event = said | {"properties": properties}
    told = read_event(msgspec.json.encode(event), now(), reading=service.settings.values.reading())
    return await take_events(request, service, [told], [])


HANDLERS = [put_consent]
