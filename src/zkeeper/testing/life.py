"""A test server between its start and its stop: its place, its thread, and the production server on that thread.

1. What is made last is ended first, and all of it is ended, whatever goes wrong at the start or at the end.
2. Only the methods of the last part run on the server's loop; `run` brings them there.
"""

from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from random import Random
from typing import Any, Generic, Protocol, TypeVar

from zkeeper.pipeline.service import Service
from zkeeper.server.client_port import ClientPort
from zkeeper.server.config.model import ServerConfig
from zkeeper.storage.disk import Disk
from zkeeper.testing import upkeep
from zkeeper.testing.faults import Faults, new_loop
from zkeeper.testing.loop_thread import LoopThread
from zkeeper.testing.place import Place, wall_ms

T = TypeVar("T")


class TestedServer(Protocol):
    """A production server, alone or a member of an ensemble."""

    @property
    def service(self) -> Service: ...

    @property
    def port(self) -> ClientPort: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


S = TypeVar("S", bound=TestedServer)

NewServer = Callable[[ServerConfig, Disk, Callable[[], int], Random], S]


class Life(Generic[S]):
    """Starts when it is made; `server` is the one that serves now, if `is_up`."""

    def __init__(
        self, new_server: NewServer[S], place: Place, faults: Faults, make_config: Callable[[Place], ServerConfig]
    ) -> None:  # fmt: skip
        self.place = place
        self.is_up = False
        self._new_server = new_server
        self._faults = faults
        self.server: S
        with ExitStack() as made:
            made.callback(place.close)
            self.config = make_config(place)
            self.thread = LoopThread(lambda: new_loop(faults), f"zkeeper-test-server-{place.port}")
            made.callback(self.thread.stop)
            made.callback(self._end_server)
            self.run(self.begin)
            self._made = made.pop_all()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self.thread.is_held:
            raise RuntimeError("the server is paused: call resume() first")
        return self.thread.run(work)

    def end(self) -> None:
        self.thread.release()
        self._made.close()

    def _end_server(self) -> None:
        if self.thread.is_alive:
            self.run(self.cease)

    # On the server's loop.

    async def begin(self) -> None:
        self.server = self._new_server(self.config, self.place.disk, wall_ms, Random())
        self.is_up = True
        await self.server.start()

    async def cease(self) -> None:
        """The port is closed first, then connections are broken: nobody comes back, or is waited for to read."""
        if self.is_up:
            self.is_up = False
            self._faults.stop_listening()
            self._faults.drop()
            await self.server.stop()

    async def restart(self) -> None:
        await self.cease()
        await self.begin()

    async def drop(self, session_id: int | None) -> int:
        if session_id is None:
            return self._faults.drop()
        link = self.server.service.links.get(session_id)
        return 0 if link is None else self._faults.drop(link.outlet)

    async def refuse(self, is_refusing: bool) -> None:
        network = self.config.network
        if is_refusing:
            self._faults.stop_listening()
        elif not self._faults.listeners:
            await self.server.port.listen(network.listening_host, self.place.port, network.listen_backlog)

    async def clear(self) -> None:
        await upkeep.clear(self.server.service)
        self._faults.drop()
