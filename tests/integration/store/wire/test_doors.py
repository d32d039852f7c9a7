"""Servers that want to know who comes, in the clear and by TLS."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.store.wire.servers import FreePort, started

from etappe.errors import StoreUnavailableError
from etappe.settings import Place
from etappe.store.wire import ask_one, open_wire


def _ask(url: str, folder: Path, *command: str) -> Any:
    async def acting() -> Any:
        async with open_wire(Place(folder, redis_url=url)) as wire:
            return await ask_one(wire, *command)

    return asyncio.run(acting())


@pytest.fixture
def guarded(short_folder: Path, free_port: FreePort) -> Iterator[int]:
    """The port of a server with a password, and a user who may only read."""
    reader = ["--user", "reader", "on", ">pass", "~*", "+get", "+select", "+ping", "+client"]
    with started(short_folder / "guarded", port := free_port(), "--requirepass", "s3cret/?", *reader):
        yield port


def test_password_user_and_database(guarded: int, tmp_path: Path) -> None:
    """A password, a user of an access list and a number of a database are those of the URL."""
    default = f"redis://:s3cret%2F%3F@127.0.0.1:{guarded}"
    _ask(f"{default}/2", tmp_path, "SET", "a", "in two")
    assert _ask(f"{default}/0", tmp_path, "GET", "a") is None
    assert _ask(f"redis://reader:pass@127.0.0.1:{guarded}/2", tmp_path, "GET", "a") == b"in two"
    assert _ask(f"{default}?client_name=etappe", tmp_path, "CLIENT", "GETNAME") == b"etappe"


@pytest.mark.parametrize("user", ["", ":wrong@", "reader:wrong@", "nobody:pass@"])
def test_wrong_password_is_told(guarded: int, tmp_path: Path, user: str) -> None:
    """Without the right password nobody is answered, and the message says so."""
    with pytest.raises(StoreUnavailableError, match="refuses the user or password of ETAPPE_REDIS"):
        _ask(f"redis://{user}127.0.0.1:{guarded}", tmp_path, "GET", "a")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """The folder of a certificate for localhost that has signed itself."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on PATH: TLS is not tested")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files]
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path


def test_secure_connection_checks_who_answers(
    certificate: Path, short_folder: Path, free_port: FreePort, tmp_path: Path
) -> None:
    """rediss:// is answered where the certificate is known or is not asked for, and not where it is unknown."""
    cert, key = str(certificate / "cert.pem"), str(certificate / "key.pem")
    port = free_port()
    files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert]
    with started(short_folder / "tls", 0, "--tls-port", str(port), "--tls-auth-clients", "no", *files):
        base = f"rediss://localhost:{port}"
        assert _ask(f"{base}?ssl_ca_certs={cert}", tmp_path, "PING") == b"PONG"
        assert _ask(f"{base}?ssl_cert_reqs=none", tmp_path, "PING") == b"PONG"
        with pytest.raises(StoreUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
            _ask(base, tmp_path, "PING")
