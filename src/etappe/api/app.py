"""The Litestar application of one serving process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin

import etappe
from etappe import parent
from etappe.api import metrics, problems
from etappe.api.describing import documented
from etappe.api.limits.bounds import Room, giving_back
from etappe.api.limits.rates import Rates
from etappe.api.limits.requests import BoundedRequest
from etappe.api.routes import handlers
from etappe.api.service import Service
from etappe.garbage import leave_alone
from etappe.serving.warm import warm_up
from etappe.settings import Place, Settings
from etappe.store.place.marks import Standing
from etappe.store.server.connection import blocking_client, check, connect_async, known_secret, known_to_lose
from etappe.store.server.failures import in_thread
from etappe.store.wire import open_wire

_WATCH_SECONDS: Final = 1.0
_OPENAPI: Final = OpenAPIConfig(
    title="Etappe",
    version=etappe.__version__,
    description=etappe.__doc__,
    use_handler_docstrings=True,
    render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"]), YamlRenderPlugin()],
)


def create_app(
    place: Place, settings: Settings, shared_metrics: str | None = None, began_by: int | None = None
) -> Litestar:
    """The application for a place. Redis is asked first when it starts, not here."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with _service(place, settings, began_by) as service:
            app.state.service = service
            yield

    app = Litestar(
        route_handlers=handlers.HANDLERS,
        dependencies={"service": Provide(_provided, sync_to_thread=False)},
        exception_handlers=problems.HANDLERS,
        lifespan=[lifespan],
        openapi_config=_OPENAPI,
        cors_config=CORSConfig(allow_origins=["*"], allow_headers=["authorization", "content-type"])
        if place.auth
        else None,
        request_class=BoundedRequest,
        request_max_body_size=None,
        middleware=[giving_back],
        state=State({"shared_metrics": shared_metrics, "room": Room(settings.limits), "rates": Rates(settings.limits)}),
        logging_config=None,
    )
    documented.complete(app)
    return app


def _provided(state: State) -> Service:
    service: Service = state.service
    return service


@asynccontextmanager
async def _service(place: Place, settings: Settings, began_by: int | None) -> AsyncIterator[Service]:
    known, warning = await in_thread(_prepare, place)
    standing = Standing(known)
    async with connect_async(place, standing.greet) as client, open_wire(place, standing.greet_wire) as wire:
        blocking = blocking_client(place)
        service = Service(wire, client, blocking, place, settings, standing)
        service.warning = warning
        await service.replica.start()
        warm_up(service.replica.view, settings)
        leave_alone()
        background = [asyncio.create_task(service.replica.run()), asyncio.create_task(service.decisions.run())]
        background.append(asyncio.create_task(_end_with(began_by)))
        background.append(asyncio.create_task(service.memory.run()))
        background.append(asyncio.create_task(metrics.tell_now_and_then()))
        service.ready = True
        try:
            yield service
        finally:
            service.ready = False
            await _stop(background)
            blocking.close()


def _prepare(place: Place) -> tuple[bytes, str | None]:
    client = blocking_client(place)
    try:
        check(client, place)
        return known_secret(client, place.data), known_to_lose(client)
    finally:
        client.close()


async def _end_with(began_by: int | None) -> None:
    """Ends this process where the one that started it was killed and could not do it."""
    while not parent.lost(began_by):  # noqa: ASYNC110 - nobody tells a process of its parent's death
        await asyncio.sleep(_WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


async def _stop(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
