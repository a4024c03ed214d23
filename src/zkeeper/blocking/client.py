"""The blocking client: a session for threads and scripts."""

from collections.abc import Callable, Iterable
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Self

from zkeeper.blocking.base import Base
from zkeeper.blocking.composed import Composed
from zkeeper.blocking.core import Core
from zkeeper.blocking.dispatcher import Often
from zkeeper.blocking.steps import States
from zkeeper.blocking.transaction import ReadBatch, Transaction
from zkeeper.blocking.watch import Watch
from zkeeper.client.client import MAX_FRAME_BYTES, START_TIMEOUT_S, connect
from zkeeper.values import SessionState
from zkeeper.wire.client_pending import READ, RISKY

if TYPE_CHECKING:
    from ssl import SSLContext


class Client(Composed):
    """A client of a ZooKeeper ensemble, for any number of threads; the twin of `AsyncClient`.

    It keeps one session. When the connection is lost it resumes the session on another server; when the session is
    lost (`SessionState.LOST`) it opens a new one by itself, in which the old one's ephemerals are gone.

    Requests of one thread are answered in their order. Requests that are made while there is no connection wait for
    the next one, or until their `timeout_s`, in seconds, is over. No thread sees a state older than one that was shown
    before.

    Sessions live on one background thread for the whole process, and end with it if they are not stopped. Callbacks (of
    watches, of the state) run in a second thread of each client, one after the other: they may call the client, and
    take their time. A reply may be seen before the callback of an event that came ahead of it has run.

    In a process that was forked off, each call raises `ForkedError` at once: the session belongs to the parent. Make a
    new client there. A call inside a running asyncio loop works, and holds up that loop; `AsyncClient` does not.

    Example:
        with zkeeper.Client("zk1:2181,zk2:2181/app") as zk:
            zk.create("/hello", b"world")
    """

    def __init__(
        self, hosts: str, session_timeout_ms: int = 10_000, *, auth: Iterable[tuple[str, bytes | str | None]] = (),
        read_only: bool = False, ssl: "SSLContext | None" = None, session: tuple[int, bytes] | None = None,
        random: Random | None = None, connect_timeout_ms: int | None = None, max_frame_bytes: int = MAX_FRAME_BYTES,
    ) -> None:  # fmt: skip
        """A client, not connected yet: use it in `with`, or `start` and `close` it.

        `hosts`: `host[:port],host[:port].../chroot`; port 2181 if none is given, IPv6 addresses in brackets.
        `session_timeout_ms`: how long the servers keep the session without hearing from the client, in milliseconds;
        they may grant another (`Client.session_timeout_ms`).
        `auth`: credentials, as of `Client.add_auth`.
        `read_only`: content with a server that has no quorum, while there is no better one.
        `ssl`: a context for TLS; the server's certificate is checked against the name in `hosts`.
        `session`: id and password of a session to resume. If it is over, the state goes to LOST and a new one is
        opened.
        `random`: where chance comes from (order of servers, delays, names of protected znodes); seed it in tests.
        `connect_timeout_ms`: for one server; the session timeout divided by the number of servers if not given.
        `max_frame_bytes`: the longest request that is sent; the servers' `jute.maxbuffer`.

        Raises, at once, `BadArgumentsError` for a connect string or a number that is wrong (times are whole
        milliseconds from 1 to 2**31 - 1), and `TypeError` for what is of a wrong type.

        Example:
            with zkeeper.Client("zk1,zk2,zk3/app", session_timeout_ms=6000) as zk:
                print(zk.children("/"))
        """
        zk = connect(
            hosts, session_timeout_ms, auth=auth, read_only=read_only, ssl=ssl, session=session, random=random,
            connect_timeout_ms=connect_timeout_ms, max_frame_bytes=max_frame_bytes,
        )  # fmt: skip
        super().__init__(Core(zk), zk)

    def start(self, timeout_s: float | None = START_TIMEOUT_S) -> None:
        """Opens the session; returns once there is one, and at once if there is. `with` does this.

        Servers are tried in turn for `timeout_s` seconds (None: for ever). Before it operations raise `ClosedError`.
        A client is started once: after `close` or an error make a new one.

        Raises `ConnectionLossError` when there is no session in time, with the last failure as its text and cause,
        `AuthFailedError` for a credential that was refused, and `ClosedError` when the client was closed before.

        Example:
            zk = zkeeper.Client("localhost")
            zk.start(timeout_s=5)
        """
        self._core.start(timeout_s)

    def close(self) -> None:
        """Closes the session, so that its ephemerals go at once, and frees everything. Never raises, always returns.

        Without a connection the session is left to expire. Requests that are not answered yet fail with
        `ClosedError`. May be called more than once. Closing a view (`with_chroot`) closes the session they share.

        Callbacks that wait still run, for up to 3 seconds. Called in a callback, it does not wait for that one.

        Example:
            zk.close()
        """
        self._core.stop()

    def stop(self) -> None:
        """The same as `close`.

        Example:
            zk.stop()
        """
        self.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # What it is.

    @property
    def state(self) -> SessionState:
        """Where the session stands now."""
        return self._core.state

    @property
    def session_id(self) -> int:
        """The session's id, a signed number of 64 bits; 0 while there is none."""
        return self._zk.session_id

    @property
    def session_password(self) -> bytes:
        """With the id it resumes the session, from another process too: `Client(session=(id, password))`."""
        return self._zk.session_password

    @property
    def session_timeout_ms(self) -> int:
        """The session timeout that the server granted; before that, the one that was asked for."""
        return self._zk.session_timeout_ms

    @property
    def last_zxid(self) -> int:
        """zxid of the newest state that a reply has shown."""
        return self._zk.last_zxid

    @property
    def server(self) -> tuple[str, int] | None:
        """Name and port of the server that it is connected to, as the connect string has them."""
        return self._zk.server

    @property
    def random(self) -> Random:
        """The source of chance that `Client` was given."""
        return self._zk.random

    @property
    def chroot(self) -> str:
        """The znode that `/` stands for; "" for the real root."""
        return self._zk.chroot

    # State.

    def on_state(self, callback: Callable[[SessionState], object]) -> Callable[[], None]:
        """Has `callback` called with each new state, in the callbacks' thread; returns a function that ends it.

        Example:
            remove = zk.on_state(lambda state: print(state.name))
        """
        return self._zk.on_state(Often(self._core.dispatcher, callback))

    def states(self) -> States:
        """The present state and each new one; ends with a final one. Only the newest 1024 unread ones are kept.

        Example:
            for state in zk.states():
                print(state.name)
        """
        return States(self._core, self._zk.states())

    def wait_for(self, *states: SessionState, timeout_s: float | None = None) -> SessionState:
        """Returns once the state is one of `states`, and which. Raises `TimeoutError` after `timeout_s` seconds.

        Raises `ClosedError` when the client is closed, so that the state cannot come any more.

        Example:
            zk.wait_for(SessionState.CONNECTED, timeout_s=10)
        """
        return self._core.ask(READ, timeout_s, self._zk.wait_for, *states)

    # What is done with it.

    def add_auth(self, scheme: str, credential: bytes | str | None, *, timeout_s: float | None = None) -> None:
        """Proves a credential to the servers, on this connection and every later one.

        `credential` is bytes, or text, which is sent as UTF-8; None is sent as null.

        Returns once a server has accepted it, which a lost connection only delays. Raises `AuthFailedError`; then the
        client is closed for good, in the state AUTH_FAILED. Raises `TypeError` at the call for what is neither.

        Example:
            zk.add_auth("digest", b"ann:secret")
        """
        self._core.ask(RISKY, timeout_s, self._zk.add_auth, scheme, credential)

    def transaction(self) -> Transaction:
        """Begins a transaction; nothing is sent before its `commit`.

        Example:
            zk.transaction().check("/lock", 0).set("/state", b"x").commit()
        """
        return Transaction(self._core, self._zk.transaction())

    def multi_read(self) -> ReadBatch:
        """Begins a batch of reads that see one state; nothing is sent before its `fetch`.

        Example:
            a, b = zk.multi_read().get("/a").get("/b").fetch()
        """
        return ReadBatch(self._core, self._zk.multi_read())

    def watch(self, path: str, *, recursive: bool = False, ends_with_session: bool = False) -> Watch:
        """Every change of a znode and its children's names, or of all znodes from `path` down: see `Watch`.

        `ends_with_session`: the iteration raises `SessionExpiredError` when the session is lost; otherwise the watch
        goes on in the next session. Raises `ClosedError` on a client that is closed.

        Example:
            with zk.watch("/config", recursive=True) as events:
                for event in events:
                    print(event.type.name, event.path)
        """
        self._core.check_not_stopped()
        watch = self._zk.watch(path, recursive=recursive, ends_with_session=ends_with_session)
        return Watch(self._core, watch)

    def with_chroot(self, path: str) -> "Client":
        """The same session below another root: its `/` is this one's `path`, which need not exist.

        Example:
            app = zk.with_chroot("/app")
            app.get("/config")        # /app/config
        """
        view = object.__new__(Client)
        Base.__init__(view, self._core, self._zk.with_chroot(path))
        return view

    def update_hosts(self, connect_string: str) -> None:
        """Replaces the list of servers; their chroot, if any, has to be the present one.

        Moves to another server with the probability that evens out the load of many clients that do the same; the
        session goes on. Raises `BadArgumentsError`.

        Example:
            zk.update_hosts("zk1:2181,zk2:2181,zk3:2181")
        """
        self._core.do(self._zk.update_hosts, connect_string)
