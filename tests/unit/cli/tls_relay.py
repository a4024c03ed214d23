"""TLS in front of a server that has none, with certificates made for the test."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

HAS_OPENSSL = shutil.which("openssl") is not None
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Certificates(NamedTuple):
    """PEM files. `both` has the client's certificate with its key; `locked` its key under the password `secret`."""

    ca: str
    server: str
    server_key: str
    client: str
    client_key: str
    both: str
    locked: str


def make_certificates(folder: Path) -> Certificates:
    """The server's certificate is for `localhost`."""
    ca, ca_key = str(folder / "ca.pem"), str(folder / "ca.key")
    _openssl("req", "-x509", *KEY, "-keyout", ca_key, "-out", ca, "-subj", "/CN=authority", "-days", "2")
    made = [_signed(folder, name, ca, ca_key) for name in ("localhost", "client")]
    (server, server_key), (client, client_key) = made
    both, locked = folder / "both.pem", str(folder / "locked.key")
    both.write_text(Path(client).read_text() + Path(client_key).read_text())
    _openssl("ec", "-in", client_key, "-out", locked, "-aes256", "-passout", "pass:secret")
    return Certificates(ca, server, server_key, client, client_key, str(both), locked)


def _signed(folder: Path, name: str, ca: str, ca_key: str) -> tuple[str, str]:
    certificate, key = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
    _openssl(
        *("req", "-x509", *KEY, "-CA", ca, "-CAkey", ca_key, "-subj", f"/CN={name}", "-days", "2"),
        *("-keyout", key, "-out", certificate, "-addext", f"subjectAltName=DNS:{name}"),
        *("-addext", "basicConstraints=critical,CA:FALSE"),
    )
    return certificate, key


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@contextlib.asynccontextmanager
async def tls_relay(target: str, certificates: Certificates, *, wants_client: bool = False) -> AsyncIterator[int]:
    """Passes on what comes in over TLS, if need be only from those who show a certificate; yields its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.ca)
    context.load_cert_chain(certificates.server, certificates.server_key)
    context.verify_mode = ssl.CERT_REQUIRED if wants_client else ssl.CERT_NONE
    host, port = target.rsplit(":", 1)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer), return_exceptions=True)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        finally:
            writer.close()

    server = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
