"""A ZooKeeper server inside the process of a test, on a thread of its own, with faults on demand.

1. It is the production server with its port, its log and its recovery; only the loop it runs on can lose connections.
2. Whatever a method does is done when it returns, and every method returns.
3. `stop` leaves nothing behind: no thread, no descriptor, no folder. What is not stopped is at the end of the process.
"""

import atexit
import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from zkeeper import arguments
from zkeeper.server.config import load
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.standalone import StandaloneServer
from zkeeper.testing import upkeep
from zkeeper.testing.faults import Faults
from zkeeper.testing.life import Life
from zkeeper.testing.place import HOST, Place
from zkeeper.testing.properties import refuse

DEFAULT_PROPERTIES: Final = {
    "tickTime": "100",
    "maxSessionTimeout": "60000",
    "maxClientCnxns": "0",
    "extendedTypesEnabled": "true",
    "4lw.commands.whitelist": "*",
    "forceSync": "no",
    "preAllocSize": "64",
    "autopurge.purgeInterval": "0",
}
"""What a test server has otherwise than `zkeeper serve`: short ticks, so that sessions of 200 ms are possible; TTL
znodes; every four-letter word; no limit of connections; a log that is not synced, since no test cuts the power."""

_OWN_KEYS: Final = frozenset({"clientPort", "clientPortAddress", "dataDir"})

logger = logging.getLogger("zkeeper.testing")


class Server:
    """A server on 127.0.0.1 that starts in a few milliseconds and can be used from any thread.

    `properties` are keys of zoo.cfg, which win over `DEFAULT_PROPERTIES`. `port` 0 is any free one. The data is in a
    temporary folder; with `in_memory` in this process alone; with `data_dir` in that folder, which is kept.

        with Server() as server:
            client = KazooClient(server.address)

    A property in place of `port` or `data_dir` raises `ValueError` at once. A wrong property raises
    `zkeeper.server.config.ConfigError`, a port in use `OSError`, a folder with data that cannot be trusted
    `zkeeper.errors.StorageError`; all of them when the server starts.
    """

    def __init__(
        self, *, properties: Mapping[str, str] | None = None, port: int = 0, data_dir: str | None = None,
        in_memory: bool = False,
    ) -> None:  # fmt: skip
        refuse(
            properties or {}, _OWN_KEYS.__contains__, "use port= and data_dir= instead; it listens on 127.0.0.1 only"
        )
        self._properties = DEFAULT_PROPERTIES | dict(properties or {})
        self._wanted_port = arguments.integer("port", port)
        self._data_dir = data_dir
        self._in_memory = in_memory
        self._faults = Faults()
        self._life: Life[StandaloneServer] | None = None

    def __repr__(self) -> str:
        return f"<Server {self.address}>" if self.is_running else "<Server, not running>"

    # Beginning and end.

    def start(self) -> Self:
        """Starts the server and returns it when it serves; does nothing when it does already.

        Example:
            server = Server().start()
            try:
                print(server.address)
            finally:
                server.stop()
        """
        if self._life is None:
            self._faults = Faults()
            place = Place(self._wanted_port, self._data_dir, self._in_memory)
            self._life = Life(StandaloneServer, place, self._faults, self._config)
            atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """Ends the server and removes its data; does nothing when it is not running, and may be called at any time.

        Example:
            server = Server().start()
            server.stop()
        """
        life, self._life = self._life, None
        if life is not None:
            atexit.unregister(self.stop)
            life.end()

    def restart(self) -> None:
        """Ends the server and starts it again on the same port and data. All connections break, sessions live on.

        A refusal of connections ends with it, a delay does not.

        Example:
            with Server() as server, zkeeper.Client(server.address) as zk:
                session_id = zk.session_id
                server.restart()
                zk.create("/a")  # waits for the next connection
                assert zk.session_id == session_id
        """
        life = self._running
        life.run(life.restart)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Where it is, and what it knows.

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped; a paused server runs."""
        return self._life is not None

    @property
    def host(self) -> str:
        """The address of the loopback interface."""
        return HOST

    @property
    def port(self) -> int:
        """The port on which it serves clients; the same after a restart."""
        return self._running.place.port

    @property
    def address(self) -> str:
        """As clients want it: `127.0.0.1:` and the port."""
        return f"{self.host}:{self.port}"

    @property
    def session_ids(self) -> list[int]:
        """The sessions that are open, connected or not."""
        life = self._running

        async def ids() -> list[int]:
            return [one.session_id for one in life.server.service.tracker.sessions.values() if not one.closing]

        return life.run(ids)

    # Faults.

    def drop_connections(self, session_id: int | None = None) -> int:
        """Breaks the connection of a session, or all connections, at once; how many that were. Sessions live on.

        Example:
            with Server() as server, zkeeper.Client(server.address) as zk:
                assert server.drop_connections(zk.session_id) == 1
        """
        if session_id is not None:
            arguments.integer("session_id", session_id)
        life = self._running
        return life.run(lambda: life.drop(session_id))

    def expire(self, session_id: int) -> None:
        """Ends a session as if its timeout had passed in silence: its ephemerals go, its connection is closed.

        `LookupError` when the server knows no such session.

        Example:
            with Server() as server, zkeeper.Client(server.address) as zk:
                zk.create("/here", ephemeral=True)
                server.expire(zk.session_id)
                zk.wait_for(zkeeper.SessionState.LOST)
        """
        arguments.integer("session_id", session_id)
        life = self._running
        life.run(lambda: upkeep.expire(life.server.service, session_id))

    def refuse_connections(self, is_refusing: bool = True) -> None:
        """Closes the port to new connections, or opens it again. Those that are open stay.

        Example:
            server.refuse_connections()
            server.drop_connections()  # nobody comes back
            server.refuse_connections(False)
        """
        life = self._running
        life.run(lambda: life.refuse(is_refusing))

    def pause(self) -> None:
        """Stops the server where it stands, as SIGSTOP does: connections stay open and nothing is answered.

        Sessions do not expire while it lasts. Until `resume`, of the other methods only `stop`, `heal` and `reset_tree`
        can be used; the rest raise `RuntimeError`.

        Example:
            server.pause()
            try:
                zk.get("/a", timeout_s=0.1)
            except TimeoutError:
                server.resume()
        """
        self._running.thread.hold()

    def resume(self) -> None:
        """Ends a `pause`; what arrived meanwhile is answered. Sessions whose timeout has passed expire.

        Example:
            server.pause()
            server.resume()
        """
        self._running.thread.release()

    @property
    def delay_ms(self) -> float:
        """How long everything that the server sends is kept back, in milliseconds. 0 is not at all."""
        return self._faults.delay_ms

    @delay_ms.setter
    def delay_ms(self, delay_ms: float) -> None:
        if not arguments.real("delay_ms", delay_ms) >= 0:
            raise ValueError(f"delay_ms is {delay_ms}, but time goes forward only")
        self._faults.delay_ms = delay_ms

    def heal(self) -> None:
        """Ends all faults that last: a pause, a delay, a refusal.

        Example:
            server.delay_ms = 200
            server.heal()
            assert server.delay_ms == 0
        """
        self.delay_ms = 0
        self.resume()
        self.refuse_connections(False)

    # Between two tests.

    def reset_tree(self) -> None:
        """Ends all faults and sessions, breaks all connections, and removes all znodes, whatever their ACL.

        Zxids go on where they were, since a client that has seen one does not go back; so do the root's versions.

        Example:
            server.reset_tree()
            with zkeeper.Client(server.address) as zk:
                assert zk.children("/") == ["zookeeper"]
        """
        self.heal()
        life = self._running
        life.run(life.clear)

    @property
    def _running(self) -> "Life[StandaloneServer]":
        if self._life is None:
            raise RuntimeError("the server is not running: call start() first, or use it in a with statement")
        return self._life

    def _config(self, place: Place) -> ServerConfig:
        own = {"clientPort": str(place.port), "clientPortAddress": HOST, "dataDir": place.folder}
        loaded = load(None, {}, {}, _no_file, self._properties | own)
        for note in loaded.notes:
            logger.log(note.level, "configuration: %s", note.text)
        return loaded.config


def _no_file(path: str) -> bytes:
    raise FileNotFoundError(path)
