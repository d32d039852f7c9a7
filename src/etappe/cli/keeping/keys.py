"""`etappe keys`: API keys are shown once and kept hashed."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from etappe.cli import show
from etappe.cli.options import HERE, Where
from etappe.store.config import api_keys, journal
from etappe.wiring.store import opened

app = App(name="keys", help="Create, list and revoke API keys.")


@app.command
def create(
    *,
    kind: Annotated[Literal["secret", "publishable"], Parameter(help="secret for servers, publishable for browsers.")],
    where: Where = HERE,
) -> None:
    """Create a key and print it, alone and this once."""
    with opened(where.place(), writes_log=False) as here:
        key, _, position = api_keys.create(here.client, kind)
        show.result(key)  # it is kept nowhere, so it is told whatever comes next
        journal.wait_until_applied_blocking(here.client, position, here.settings.store.lease_seconds)


@app.command(name="list")
def list_keys(*, where: Where = HERE) -> None:
    """List the keys by the beginning they are known by."""
    with opened(where.place(), writes_log=False) as here:
        found = api_keys.listed(here.client)
    show.table("", ("name", "kind", "state"), [(k.name, k.kind, "revoked" if k.revoked else "valid") for k in found])


@app.command
def revoke(name: str, *, where: Where = HERE) -> None:
    """Revoke a key by name; on return no replica takes it any more."""
    with opened(where.place(), writes_log=False) as here:
        position = api_keys.revoke(here.client, name)
        journal.wait_until_applied_blocking(here.client, position, here.settings.store.lease_seconds)
    show.result(f"{name} is revoked")
