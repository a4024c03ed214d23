"""How the tools reach servers: the options that they share, and the client that these make.

The client and `ssl` are imported when a client is opened, so that `--help` does not wait for them.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

from zkeeper.cli.failures import ToolError

if TYPE_CHECKING:
    from ssl import SSLContext

    from zkeeper.client.client import AsyncClient

DEFAULT_SERVERS: Final = "localhost:2181"
DEFAULT_TIMEOUT_MS: Final = 30_000
EXIT_CONFIGURATION: Final = 2

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Connecting(NamedTuple):
    """What the options say about reaching servers."""

    timeout_ms: int = DEFAULT_TIMEOUT_MS
    auth: tuple[tuple[str, bytes], ...] = ()
    read_only: bool = False
    ssl: "SSLContext | None" = None

    def client(self, servers: str) -> "AsyncClient":
        """A client, not connected yet. Raises `click.BadParameter` for a connect string that is wrong."""
        from zkeeper.client.client import connect
        from zkeeper.errors import BadArgumentsError

        try:
            return connect(
                servers,
                self.timeout_ms,
                auth=self.auth,
                read_only=self.read_only,
                ssl=self.ssl,
                random=Random(),
            )
        except BadArgumentsError as error:
            raise click.BadParameter(f"{servers}: {error}") from None

    @asynccontextmanager
    async def session(self, servers: str) -> AsyncIterator["AsyncClient"]:
        """A client with a session, which is closed behind the block. Raises `ToolError` if there is none in time."""
        from zkeeper.errors import ConnectionLossError

        zk = self.client(servers)
        try:
            await zk.start(self.timeout_ms / 1000)
        except ConnectionLossError:
            raise ToolError(f"No server of {servers} could be reached in {self.timeout_ms / 1000:g} s") from None
        try:
            yield zk
        finally:
            await zk.close()


_OPTIONS: Final = (
    click.option(
        "--timeout",
        "-timeout",
        "timeout_ms",
        type=click.IntRange(min=1),
        default=DEFAULT_TIMEOUT_MS,
        show_default=True,
        metavar="MS",
        help="Session timeout to ask for; also how long to wait for a server.",
    ),
    click.option(
        "--auth",
        "credentials",
        multiple=True,
        metavar="SCHEME:CREDENTIAL",
        help="Authenticate, for example digest:user:password. May be repeated.",
    ),
    click.option(
        "--client-configuration",
        "-client-configuration",
        metavar="FILE",
        help="Properties of ZooKeeper's client, for TLS.",
    ),
)


def servers_option(*names: str) -> Callable[[_Function], _Function]:
    """`--server`, under more names for those who are used to them."""
    return click.option(
        "--server",
        "-s",
        *names,
        "servers",
        default=DEFAULT_SERVERS,
        show_default=True,
        metavar="HOST:PORT,.../CHROOT",
        help="Servers to connect to.",
    )


def connecting_options(function: _Function) -> _Function:
    """Adds the options that `connecting_of` reads."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def connecting_of(
    timeout_ms: int, credentials: tuple[str, ...], client_configuration: str | None, read_only: bool = False
) -> Connecting:
    """What the options mean. Ends the program with code 2 where the configuration cannot be used."""
    ssl = None if client_configuration is None else _tls_of(client_configuration)
    return Connecting(timeout_ms, tuple(map(_credential, credentials)), read_only, ssl)


def _tls_of(client_configuration: str) -> "SSLContext | None":
    from zkeeper.cli.client_configuration import ClientConfigurationError, read_client_configuration

    try:
        return read_client_configuration(client_configuration)
    except ClientConfigurationError as error:
        click.echo(str(error), err=True)
        raise SystemExit(EXIT_CONFIGURATION) from None


def _credential(text: str) -> tuple[str, bytes]:
    scheme, colon, credential = text.partition(":")
    if not colon:
        raise click.BadParameter(f"{text} is not SCHEME:CREDENTIAL", param_hint="--auth")
    return scheme, credential.encode()
