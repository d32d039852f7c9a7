"""The application of one serving process, for the place that the environment names.

The processes that start it import this module only inside the serving process: metrics look for their shared folder
when they are imported.
"""

from litestar import Litestar

from etappe import settings
from etappe.api.app import create_app


def app_from_environment() -> Litestar:
    """The application for the place that the environment names."""
    place = settings.place()
    return create_app(place, settings.load(place.data), settings.shared_metrics())
