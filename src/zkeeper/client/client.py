"""The client: a session as its user sees it, and the door to everything that is done with it.

What not every program needs is loaded when it is first called for: a short script pays for what it does. The session
itself loads nothing while it runs, for the blocking client's sake (`blocking/loops.py`).
"""

from collections.abc import AsyncIterator, Callable, Iterable
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from zkeeper import arguments
from zkeeper.client.composed import Composed
from zkeeper.client.credentials import Credentials
from zkeeper.client.hosts import HostList, parse_connect_string
from zkeeper.client.options import SessionOptions
from zkeeper.client.session import Session
from zkeeper.client.watch_removal import WatchRemoval
from zkeeper.errors import BadArgumentsError
from zkeeper.values import SessionState
from zkeeper.wire.client_paths import full_path

if TYPE_CHECKING:
    from asyncio import Future
    from ssl import SSLContext

    from zkeeper.client.transaction import ReadBatch, Transaction
    from zkeeper.client.watch import Watch

START_TIMEOUT_S: Final = 15.0
MAX_FRAME_BYTES: Final = 0xFFFFF


class AsyncClient(Composed, WatchRemoval):
    """A client of a ZooKeeper ensemble, made by `connect`. For one event loop; not for several threads.

    It keeps one session. When the connection is lost it resumes the session on another server; when the session is
    lost (`SessionState.LOST`) it opens a new one by itself, in which the old one's ephemerals are gone.

    Replies come in the order of the requests. Requests that are made while there is no connection wait for the next
    one. No reply or event shows a state older than one that was shown before.

    Example:
        async with zkeeper.connect("zk1:2181,zk2:2181/app") as zk:
            await zk.create("/hello", b"world")
    """

    async def start(self, timeout_s: float | None = START_TIMEOUT_S) -> None:
        """Opens the session; returns once there is one, and at once if there is. `async with` does this.

        Servers are tried in turn for `timeout_s` seconds (None: for ever). Before it operations raise `ClosedError`.
        A client is started once: after `close` or an error make a new one.

        Raises `ConnectionLossError` when there is no session in time, with the last failure as its text and cause,
        `AuthFailedError` for a credential that was refused, and `ClosedError` when the client was closed before.

        Example:
            zk = zkeeper.connect("localhost")
            await zk.start(timeout_s=5)
        """
        await self._session.start(timeout_s)

    async def close(self) -> None:
        """Closes the session, so that its ephemerals go at once, and frees everything. Never raises, always returns.

        Without a connection the session is left to expire. Requests that are not answered yet fail with
        `ClosedError`. May be called more than once. Closing a view (`with_chroot`) closes the session they share.

        Example:
            await zk.close()
        """
        await self._session.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # What it is.

    @property
    def state(self) -> SessionState:
        """Where the session stands now."""
        return self._session.state

    @property
    def session_id(self) -> int:
        """The session's id, a signed number of 64 bits; 0 while there is none."""
        return self._session.session_id

    @property
    def session_password(self) -> bytes:
        """With the id it resumes the session, from another process too: `connect(session=(id, password))`."""
        return self._session.password

    @property
    def session_timeout_ms(self) -> int:
        """The session timeout that the server granted; before that, the one that was asked for."""
        return self._session.timeout_ms

    @property
    def last_zxid(self) -> int:
        """zxid of the newest state that a reply has shown."""
        return self._session.exchange.last_zxid

    @property
    def server(self) -> tuple[str, int] | None:
        """Name and port of the server that it is connected to, as the connect string has them."""
        return self._session.server

    @property
    def random(self) -> Random:
        """The source of chance that `connect` was given."""
        return self._session.random

    @property
    def chroot(self) -> str:
        """The znode that `/` stands for; "" for the real root."""
        return self._root

    # State.

    def on_state(self, callback: Callable[[SessionState], object]) -> Callable[[], None]:
        """Has `callback` called with each new state, at once and on the loop; returns a function that ends it.

        Example:
            remove = zk.on_state(lambda state: print(state.name))
        """
        return self._session.states.listen(callback)

    def states(self) -> AsyncIterator[SessionState]:
        """The present state and each new one; ends with a final one. Only the newest 1024 unread ones are kept.

        Example:
            async for state in zk.states():
                print(state.name)
        """
        return self._session.states.states()

    async def wait_for(self, *states: SessionState, timeout_s: float | None = None) -> SessionState:
        """Returns once the state is one of `states`, and which. Raises `TimeoutError` after `timeout_s` seconds.

        Raises `ClosedError` when the client is closed, so that the state cannot come any more.

        Example:
            await zk.wait_for(SessionState.CONNECTED, timeout_s=10)
        """
        return await self._session.states.wait_for(states, timeout_s)

    # What is done with it.

    def add_auth(self, scheme: str, credential: bytes | str | None) -> "Future[None]":
        """Proves a credential to the servers, on this connection and every later one.

        `credential` is bytes, or text, which is sent as UTF-8; None is sent as null.

        Returns once a server has accepted it, which a lost connection only delays. Raises `AuthFailedError`; then the
        client is closed for good, in the state AUTH_FAILED. Raises `TypeError` at the call for what is neither.

        Example:
            await zk.add_auth("digest", b"ann:secret")
        """
        return self._session.add_auth(*arguments.credential(scheme, credential))

    def transaction(self) -> "Transaction":
        """Begins a transaction; nothing is sent before its `commit`.

        Example:
            await zk.transaction().check("/lock", 0).set("/state", b"x").commit()
        """
        from zkeeper.client.transaction import Transaction

        return Transaction(self._session, self._root)

    def multi_read(self) -> "ReadBatch":
        """Begins a batch of reads that see one state; nothing is sent before its `fetch`.

        Example:
            a, b = await zk.multi_read().get("/a").get("/b").fetch()
        """
        from zkeeper.client.transaction import ReadBatch

        return ReadBatch(self._session, self._root)

    def watch(self, path: str, *, recursive: bool = False, ends_with_session: bool = False) -> "Watch":
        """Every change of a znode and its children's names, or of all znodes from `path` down: see `Watch`.

        `ends_with_session`: the iteration raises `SessionExpiredError` when the session is lost; otherwise the watch
        goes on in the next session. Raises `ClosedError` on a client that is closed.

        Example:
            async with zk.watch("/config", recursive=True) as events:
                async for event in events:
                    print(event.type.name, event.path)
        """
        from zkeeper.client.watch import Watch

        self._session.check_not_over()
        return Watch(self._session, self._root, path, recursive, ends_with_session)

    def with_chroot(self, path: str) -> "AsyncClient":
        """The same session below another root: its `/` is this one's `path`, which need not exist.

        Example:
            app = zk.with_chroot("/app")
            await app.get("/config")        # /app/config
        """
        root = full_path(self._root, path)
        return AsyncClient(self._session, "" if root == "/" else root)

    def update_hosts(self, connect_string: str) -> None:
        """Replaces the list of servers; their chroot, if any, has to be the present one.

        Moves to another server with the probability that evens out the load of many clients that do the same; the
        session goes on. Raises `BadArgumentsError`.

        Example:
            zk.update_hosts("zk1:2181,zk2:2181,zk3:2181")
        """
        hosts, chroot = parse_connect_string(connect_string)
        if chroot not in ("", self._root):
            raise BadArgumentsError(f"the chroot cannot be changed to {chroot}")
        self._session.update_hosts(hosts)


def connect(
    hosts: str, session_timeout_ms: int = 10_000, *, auth: Iterable[tuple[str, bytes | str | None]] = (),
    read_only: bool = False, ssl: "SSLContext | None" = None, session: tuple[int, bytes] | None = None,
    random: Random | None = None, connect_timeout_ms: int | None = None, max_frame_bytes: int = MAX_FRAME_BYTES,
) -> AsyncClient:  # fmt: skip
    """A client, not connected yet: use it in `async with`, or `start` and `close` it.

    `hosts`: `host[:port],host[:port].../chroot`; port 2181 if none is given, IPv6 addresses in brackets.
    `session_timeout_ms`: how long the servers keep the session without hearing from the client, in milliseconds; they
    may grant another (`AsyncClient.session_timeout_ms`).
    `auth`: credentials, as of `AsyncClient.add_auth`.
    `read_only`: content with a server that has no quorum, while there is no better one.
    `ssl`: a context for TLS; the server's certificate is checked against the name in `hosts`.
    `session`: id and password of a session to resume. If it is over, the state goes to LOST and a new one is opened.
    `random`: where chance comes from (order of servers, delays, names of protected znodes); seed it in tests.
    `connect_timeout_ms`: for one server; the session timeout divided by the number of servers if not given.
    `max_frame_bytes`: the longest request that is sent; the servers' `jute.maxbuffer`.

    Raises, at once, `BadArgumentsError` for a connect string or a number that is wrong (times are whole milliseconds
    from 1 to 2**31 - 1), and `TypeError` for what is of a wrong type.

    Example:
        async with zkeeper.connect("zk1,zk2,zk3/app", session_timeout_ms=6000) as zk:
            print(await zk.children("/"))
    """
    parsed, chroot = parse_connect_string(hosts)
    random = arguments.chance(random)
    if connect_timeout_ms is not None:
        connect_timeout_ms = arguments.whole_number("connect_timeout_ms", connect_timeout_ms, 1)
    options = SessionOptions(
        session_timeout_ms=arguments.whole_number("session_timeout_ms", session_timeout_ms, 1),
        read_only=arguments.flag("read_only", read_only),
        ssl=arguments.tls(ssl), connect_timeout_ms=connect_timeout_ms, session=arguments.session(session),
        max_frame_bytes=arguments.whole_number("max_frame_bytes", max_frame_bytes, 1),
    )  # fmt: skip
    credentials = Credentials(arguments.credentials(auth))
    return AsyncClient(Session(HostList(parsed, random), options, credentials, random), chroot)
