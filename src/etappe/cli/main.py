"""`etappe`: the commands, and how errors are told."""

import sys

from cyclopts import App, CycloptsError

import etappe
from etappe.cli.commands import COMMANDS
from etappe.cli.show import complain
from etappe.errors import EtappeError

INTERRUPTED = 130

app = App(name="etappe", help=etappe.__doc__, version=etappe.__version__, help_format="plaintext")
for command in COMMANDS:
    app.command(f"etappe.cli.{command.target}", name=command.name, help=command.help)


def main() -> None:
    """Runs a command; exits 0 only where all was done."""
    try:
        code = app(sys.argv[1:], exit_on_error=False, print_error=False)
    except CycloptsError as error:
        complain(f"{_first_line(error)}; `etappe --help` shows the commands")
        sys.exit(2)
    except EtappeError as error:
        complain(str(error))
        sys.exit(1)
    except OSError as error:
        complain(f"{error.filename or 'the system'}: {error.strerror or error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        told = _told_by_redis(error)
        if told is None:
            raise
        complain(told)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _first_line(error: CycloptsError) -> str:
    return " ".join(str(error).split())


def _told_by_redis(error: Exception) -> str | None:
    """What is said of an error of Redis; None where it is another one."""
    from etappe.cli import redis_errors  # noqa: PLC0415 - whoever needs no Redis does not wait for redis-py

    return redis_errors.told(error)
