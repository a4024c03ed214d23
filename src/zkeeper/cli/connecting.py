"""How the tools reach servers: the options that they share, and the client that these make.

The client and `ssl` are imported when a client is opened, so that `--help` does not wait for them.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import wraps
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
_Result = TypeVar("_Result")


class Connecting(NamedTuple):
    """What the options say about reaching servers."""

    timeout_ms: int = DEFAULT_TIMEOUT_MS
    auth: tuple[tuple[str, bytes], ...] = ()
    read_only: bool = False
    ssl: "SSLContext | None" = None

    def client(self, servers: str) -> "AsyncClient":
        """A client, not connected yet. Raises `BadArgumentsError` for a connect string that is wrong."""
        from zkeeper.client.client import connect

        return connect(
            servers, self.timeout_ms, auth=self.auth, read_only=self.read_only, ssl=self.ssl, random=Random()
        )  # fmt: skip

    @asynccontextmanager
    async def session(self, servers: str) -> AsyncIterator["AsyncClient"]:
        """A client with a session, which is closed behind the block. Raises `ToolError` if there is none in time."""
        from zkeeper.errors import BadArgumentsError, ConnectionLossError

        try:
            zk = self.client(servers)
            await zk.start(self.timeout_ms / 1000)
        except BadArgumentsError as error:
            raise click.BadParameter(str(error)) from None
        except ConnectionLossError as error:
            raise ToolError(f"No server of {servers} could be reached: {error}") from None
        try:
            yield zk
        finally:
            await zk.close()


_TLS_OPTIONS: Final = (
    click.option(
        "--client-configuration", "-client-configuration", metavar="FILE", help="Properties of zkCli, for TLS."
    ),
    click.option("--tls", is_flag=True, envvar="ZKEEPER_TLS", help="Speak TLS; so, too, with the options that follow."),
    click.option("--tls-ca", metavar="FILE", envvar="ZKEEPER_TLS_CA",
                 help="PEM of the authorities to trust; the system's if not given."),
    click.option("--tls-cert", metavar="FILE", envvar="ZKEEPER_TLS_CERT", help="PEM of the client's certificate."),
    click.option("--tls-key", metavar="FILE", envvar="ZKEEPER_TLS_KEY",
                 help="PEM of its key, if that is not in the same file."),
    click.option("--tls-no-verify-name", "ignores_name", is_flag=True, envvar="ZKEEPER_TLS_NO_VERIFY_NAME",
                 help="Take a trusted certificate that is for another name, too."),
)  # fmt: skip
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


def tls_options(function: Callable[..., _Result]) -> Callable[..., _Result]:
    """Adds the options about TLS; the command gets what they mean as `tls`."""

    @wraps(function)
    def command(
        *args: Any, client_configuration: str | None, tls: bool, tls_ca: str | None, tls_cert: str | None,
        tls_key: str | None, ignores_name: bool, **others: Any,
    ) -> _Result:  # fmt: skip
        options = (tls, tls_ca, tls_cert, tls_key, ignores_name)
        return function(*args, tls=_tls_of(client_configuration, *options), **others)

    return _with_options(command, _TLS_OPTIONS)


def connecting_options(function: Callable[..., _Result]) -> Callable[..., _Result]:
    """Adds the options about reaching servers; the command gets what they mean as `connecting`."""

    @wraps(function)
    def command(
        *args: Any, timeout_ms: int, credentials: tuple[str, ...], tls: "SSLContext | None", **others: Any
    ) -> _Result:
        connecting = Connecting(timeout_ms, tuple(map(_credential, credentials)), ssl=tls)
        return function(*args, connecting=connecting, **others)

    return _with_options(tls_options(command), _OPTIONS)


def _with_options(function: _Function, options: Sequence[Callable[[_Function], _Function]]) -> _Function:
    for option in reversed(options):
        function = option(function)
    return function


def _tls_of(
    client_configuration: str | None, is_on: bool, ca: str | None, cert: str | None, key: str | None, ignores_name: bool
) -> "SSLContext | None":
    """Ends the program with code 2 where what is asked for cannot be used."""
    is_on = any((is_on, ca, cert, key, ignores_name))
    if not is_on and client_configuration is None:
        return None
    from zkeeper.cli.client_configuration import read_client_configuration
    from zkeeper.cli.tls import Tls, TlsError

    try:
        file = Tls() if client_configuration is None else read_client_configuration(client_configuration)
        return Tls(is_on, ca, cert, key, verifies_name=not ignores_name).over(file).context()
    except TlsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(EXIT_CONFIGURATION) from None


def _credential(text: str) -> tuple[str, bytes]:
    scheme, colon, credential = text.partition(":")
    if not colon:
        raise click.BadParameter(f"{text} is not SCHEME:CREDENTIAL", param_hint="--auth")
    return scheme, credential.encode(errors="surrogateescape")
