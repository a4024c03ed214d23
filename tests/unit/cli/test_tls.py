"""The shell and the tools over TLS."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cli_program import Done, program
from cli_server import running_server
from tls_relay import HAS_OPENSSL, Certificates, make_certificates, tls_relay

from zkeeper.cli.tls import Tls, TlsError

pytestmark = pytest.mark.skipif(not HAS_OPENSSL, reason="the certificates are made by openssl")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def behind_tls(
    folder: Path, certificates: Certificates, scenario: Callable[[str], Awaitable[None]], *, wants_client: bool = False
) -> None:
    async def run() -> None:
        async with (
            running_server(folder) as server,
            tls_relay(server, certificates, wants_client=wants_client) as port,
        ):
            await scenario(f"localhost:{port}")

    asyncio.run(run())


def well(done: Done) -> str:
    assert done.exit_code == 0, done
    return done.out


def test_every_tool_reaches_a_server_over_tls(tmp_path: Path, certificates: Certificates) -> None:
    async def scenario(server: str) -> None:
        ca = ("--tls-ca", certificates.ca)
        file = str(tmp_path / "a.json")
        well(await program("shell", "-s", server, *ca, "create", "/a", "x"))
        assert json.loads(well(await program("shell", "-s", server, *ca, "--json", "get", "/a")))["data"] == "x"
        assert "serving" in well(await program("status", *ca, server))
        assert well(await program("status", *ca, "--word", "ruok", server)) == "imok\n"
        assert "/a" in well(await program("tree", "-s", server, *ca, "--json"))
        assert "writes" in well(
            await program("bench", "-s", server, *ca, "--duration", "0.1", "--znodes", "2", "--connections", "1")
        )
        well(await program("export", "-s", server, *ca, "/a", file))
        well(await program("import", "-s", server, *ca, file, "/b"))
        well(await program("copy", "-s", server, *ca, "/b", "/c"))
        assert json.loads(well(await program("shell", "-s", server, *ca, "--json", "get", "/c")))["data"] == "x"

    behind_tls(tmp_path / "server", certificates, scenario)


def test_a_certificate_that_is_not_trusted_is_told(tmp_path: Path, certificates: Certificates) -> None:
    """Whether nobody trusts its authority, or it is for another name."""

    async def scenario(server: str) -> None:
        by_address = server.replace("localhost", "127.0.0.1")
        for options in (("-s", server, "--tls"), ("-s", by_address, "--tls-ca", certificates.ca)):
            done = await program("tree", *options, "--timeout", "1000")
            assert done.exit_code == 1
            assert "certificate verify failed" in done.err
        done = await program("status", "--tls", server)
        assert (done.exit_code, "certificate verify failed" in done.out) == (2, True)
        lax = ("-s", by_address, "--tls-ca", certificates.ca, "--tls-no-verify-name")
        assert well(await program("shell", *lax, "--json", "ls", "/"))

    behind_tls(tmp_path, certificates, scenario)


def test_a_client_shows_its_certificate(tmp_path: Path, certificates: Certificates) -> None:
    async def scenario(server: str) -> None:
        ca, words = ("-s", server, "--tls-ca", certificates.ca), ("--json", "ls", "/")
        assert (await program("shell", *ca, "--timeout", "1000", *words)).exit_code == 1
        two_files = ("--tls-cert", certificates.client, "--tls-key", certificates.client_key)
        well(await program("shell", *ca, *two_files, *words))
        well(await program("shell", *ca, "--tls-cert", certificates.both, *words))
        well(await program("shell", *ca, "-client-configuration", configuration(tmp_path, certificates), *words))

    behind_tls(tmp_path / "server", certificates, scenario, wants_client=True)


def configuration(folder: Path, certificates: Certificates) -> str:
    """It has no authority: that is for the option to say."""
    file = folder / "client.properties"
    file.write_text(
        f"zookeeper.client.secure=true\nzookeeper.ssl.keyStore.location={certificates.both}\n"
        "zookeeper.ssl.keyStore.type=PEM\n"
    )
    return str(file)


def test_the_environment_may_say_it(
    tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZKEEPER_TLS_CA", certificates.ca)
    monkeypatch.setenv("ZKEEPER_TLS_CERT", certificates.client)
    monkeypatch.setenv("ZKEEPER_TLS_KEY", certificates.client_key)

    async def scenario(server: str) -> None:
        well(await program("tree", "-s", server))

    behind_tls(tmp_path, certificates, scenario, wants_client=True)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--tls-ca", "/none.pem"), "the authorities in /none.pem cannot be used: .*No such file"),
        (("--tls-cert", "/none.pem"), "the certificate /none.pem cannot be used: .*No such file"),
        (("--tls-key", "/none.pem"), "the key /none.pem is of no use without a certificate"),
        (("--tls-ca", __file__), "cannot be used: it is not PEM"),
    ],
)
def test_what_cannot_be_used_is_code_2(options: tuple[str, str], reason: str) -> None:
    for command in (("tree",), ("status",), ("shell", "ls", "/")):
        done = asyncio.run(program(command[0], *options, *command[1:]))
        assert done.exit_code == 2
        assert done.out == ""
        assert re.search(reason, done.err)


def test_a_key_with_a_password(certificates: Certificates) -> None:
    tls = Tls(True, certificates.ca, certificates.client, certificates.locked, "secret")
    assert tls.context() is not None
    with pytest.raises(TlsError, match="cannot be used"):
        tls._replace(password="wrong").context()


def test_what_is_said_goes_before_the_file() -> None:
    file = Tls(True, "file-ca", "file-cert", None, "file-password", verifies_name=False)
    assert Tls().over(file) == file
    assert Tls(True, "ca", "cert", "key").over(file) == Tls(True, "ca", "cert", "key", None, verifies_name=False)
    assert Tls(True, key="key").over(file) == Tls(True, "file-ca", "file-cert", "key", "file-password", False)
