"""One serving process, as `etappe serve` starts it: `python -m etappe.wiring.serving serve HOST PORT`."""

import sys

from etappe import settings
from etappe.api.server import process
from etappe.wiring.app import app_from_environment


def main() -> None:
    """Serves the place that the environment names."""
    host, port = sys.argv[-2:]
    app, direct = app_from_environment()
    process.run(app, host, int(port), settings.load(settings.place().data).limits, direct)


if __name__ == "__main__":
    main()
