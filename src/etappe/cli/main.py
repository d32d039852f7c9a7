"""`etappe`: the commands, and how errors are told."""

import sys

import redis
from cyclopts import App, CycloptsError

import etappe
from etappe.cli import ask, check, demo, files, keys, models, quarantine, reports, safekeeping, serve, simulate
from etappe.cli.show import complain
from etappe.errors import EtappeError, StoreFullError
from etappe.store.memory import is_full

INTERRUPTED = 130

app = App(name="etappe", help=etappe.__doc__, version=etappe.__version__, help_format="plaintext")
app.command(files.import_events, name="import")
app.command(files.import_items, name="import-items")
app.command(simulate.simulate)
app.command(models.train)
app.command(models.evaluate)
app.command(models.publish)
app.command(models.rollback)
app.command(reports.ropo)
app.command(ask.decide)
app.command(check.check)
app.command(serve.serve)
app.command(serve.worker)
app.command(safekeeping.rebuild)
app.command(safekeeping.backup)
app.command(safekeeping.restore)
app.command(safekeeping.erase)
app.command(quarantine.quarantined, name="quarantine")
app.command(demo.demo)
app.command(keys.app, name="keys")


def main() -> None:
    """Runs a command; exits 0 only where all was done."""
    try:
        code = app(sys.argv[1:], exit_on_error=False, print_error=False)
    except CycloptsError as error:
        complain(f"{_first_line(error)}; `etappe --help` shows the commands")
        sys.exit(2)
    except (EtappeError, redis.RedisError) as error:
        complain(str(StoreFullError() if is_full(error) else error))
        sys.exit(1)
    except OSError as error:
        complain(f"{error.filename or 'the system'}: {error.strerror or error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _first_line(error: CycloptsError) -> str:
    return " ".join(str(error).split())
