"""`etappe serve`: store, worker and serving processes, kept up."""

import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import redis
from cyclopts import Parameter
from cyclopts.validators import Number

from etappe import settings
from etappe.cli import show
from etappe.cli.options import HERE, Where
from etappe.cli.running.processes import SAFE_PATH, STOP_SECONDS, Processes
from etappe.errors import EtappeError, GenerationError
from etappe.log import Log
from etappe.settings import Place
from etappe.store.place import beginning, folder_swap, generation
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.store.server.embedded import EmbeddedServer, started
from etappe.wiring.losses import refuse_lost
from etappe.worker.archiving.archive import archive
from etappe.zones import zone_of

_READY_SECONDS = 120


def serve(
    *,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on.")] = 8000,
    workers: Annotated[int, Parameter(help="Serving processes.", validator=Number(gte=1))] = 1,
    where: Where = HERE,
) -> None:
    """Serve the API; with the embedded store the worker runs along."""
    place = where.place()
    zone_of(settings.load(place.data).catalogue.time_zone)
    _check_auth(place, host)
    check_free(host, port)
    with running(place, host, port) as (environment, stop):
        serving = Processes(host, port, workers, environment)
        threading.Thread(target=_announce, args=(place, host, port, workers, stop), daemon=True).start()
        try:
            serving.keep()
        finally:
            serving.stop()


@contextmanager
def running(place: Place, host: str, port: int) -> Iterator[tuple[dict[str, str], threading.Event]]:
    """Keeps store and worker up for serving processes, which get the environment that is yielded."""
    folder_swap.refuse_unfinished(place.data)
    shared = place.data / "run" / f"metrics-{host}-{port}"
    shutil.rmtree(shared, ignore_errors=True)
    shared.mkdir(parents=True)
    environment = place.environment() | {settings.SHARED_METRICS: str(shared), settings.PARENT: str(os.getpid())}
    stop = threading.Event()
    with connection.server(place) as embedded, connection.connect(place) as client:
        refuse_lost(client, place)
        _join(client, place)
        keeper = threading.Thread(target=_keep, args=(embedded, environment, stop), daemon=True)
        if place.redis_url is None:
            keeper.start()
        try:
            yield environment, stop
        finally:
            stop.set()
            if keeper.is_alive():
                keeper.join(STOP_SECONDS)
                _archive_rest(client, place)
            shutil.rmtree(shared, ignore_errors=True)


def _join(client: SyncRedis, place: Place) -> None:
    """Joins the place, or begins it; with an external Redis its log is the worker's."""
    log = Log(place.data / "log")
    embedded = place.redis_url is None
    if embedded:
        log.prepare()
    beginning.join(client, log, place.data, begins=embedded)


def check_free(host: str, port: int) -> None:
    """Makes sure the port can be listened on.

    Raises:
        EtappeError: it is taken, or not ours to take.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise EtappeError(f"cannot listen on {host}:{port}: {reason}; choose another with --port") from error


def wait_until_ready(host: str, port: int, stopped: Callable[[], bool]) -> bool:
    """Whether the server answers that it is ready, within some time."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and not stopped():
        try:
            with urllib.request.urlopen(f"{url_of(host, port)}/readyz", timeout=2) as answer:  # noqa: S310
                if answer.status == 200:  # noqa: PLR2004
                    return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def url_of(host: str, port: int) -> str:
    """Where a browser finds the server."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def _check_auth(place: Place, host: str) -> None:
    """Switched-off keys are for this machine alone."""
    if place.auth or host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise EtappeError(f"ETAPPE_AUTH=off is refused on {host}: anyone could read customers; use 127.0.0.1, or keys")


def _announce(place: Place, host: str, port: int, workers: int, stop: threading.Event) -> None:
    if wait_until_ready(host, port, stop.is_set):
        keys = "keys are off" if not place.auth else "keys: `etappe keys create --kind secret`"
        store = connection.shown(place)
        show.say(
            f"Etappe answers on {url_of(host, port)} ({workers} process{'es' if workers > 1 else ''}; {store}; {keys})"
        )


def _keep(embedded: EmbeddedServer, environment: dict[str, str], stop: threading.Event) -> None:
    """Keeps the embedded server and the worker running, and starts again what died."""
    process = _start_worker(environment)
    while not stop.wait(0.5):
        try:
            embedded.ensure()
        except (EtappeError, redis.RedisError, OSError) as error:
            show.complain(f"{error}; trying again")
        if process.poll() is not None:
            process = _start_worker(environment)
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _archive_rest(client: SyncRedis, place: Place) -> None:
    """What a worker left in the streams that was stopped before it was well under way."""
    log = Log(place.data / "log")
    log.prepare()
    with suppress(GenerationError):  # the worker has said it
        generation.hold(client, log, place.data)
        archive(client, log)


def _start_worker(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, *SAFE_PATH, "-m", "etappe", "worker"]
    return started(command, env=environment, start_new_session=True)
