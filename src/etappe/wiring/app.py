"""The application of one serving process, for the place that the environment names.

The processes that start it import this module only inside the serving process: metrics look for their shared folder
when they are imported.
"""

from litestar import Litestar
from litestar.types import ASGIApp
from threadpoolctl import ThreadpoolController

from etappe import settings
from etappe.api.access.origins import of_this_machine, shared_with_pages
from etappe.api.app import create_app
from etappe.api.front.direct import Direct
from etappe.api.front.plain import Front
from etappe.api.limits.door import Door
from etappe.api.routes import handlers
from etappe.api.routes.paths import keeping_slashes
from etappe.errors import EtappeError
from etappe.settings import Place


def app_from_environment() -> tuple[ASGIApp, Direct]:
    """The application for the place that the environment names, and what answers plain requests for it."""
    limit_threads()
    place = settings.place()
    app = create_app(place, settings.load(place.data), settings.shared_metrics(), settings.parent())
    return whole_and_direct(app, place)


def whole_and_direct(app: Litestar, place: Place) -> tuple[ASGIApp, Direct]:
    """`app` behind all that stands before it, and what goes past that."""
    whole = Door(behind_checks(Front(app), place), app)
    return whole, Direct(app, place, whole, behind_checks(app, place))


def behind_checks(app: ASGIApp, place: Place) -> ASGIApp:
    """`app` behind what looks at addresses and pages before any route does."""
    from_where = shared_with_pages(app, handlers.HANDLERS) if place.auth else of_this_machine(app)
    return keeping_slashes(from_where)


def limit_threads() -> None:
    """One thread for BLAS and OpenMP: a request's arrays are small, and its process shares the machine with others.

    Raises:
        EtappeError: a library will not be limited.
    """
    pools = ThreadpoolController()
    pools.limit(limits=1)
    unruly = [pool["internal_api"] for pool in ThreadpoolController().info() if pool["num_threads"] != 1]
    if unruly:
        raise EtappeError(f"{', '.join(unruly)} runs several threads in serving; set OMP_NUM_THREADS=1 and start again")
