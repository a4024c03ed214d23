"""A ZooKeeper ensemble inside the process of a test: each member on a thread of its own, with faults on demand.

1. The members are the production server, and talk to each other over real connections on 127.0.0.1.
2. Whatever a method does is done when it returns, and every method returns.
3. `stop` leaves nothing behind: no thread, no descriptor, no folder. What is not stopped is at the end of the process.
"""

import asyncio
import atexit
import logging
import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

from zkeeper import arguments
from zkeeper.quorum.members import LARGEST_SID
from zkeeper.quorum.votes import LEADING
from zkeeper.server.config import load
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.config.other_keys import is_member_key
from zkeeper.server.ensemble.member import EnsembleServer
from zkeeper.storage.whole_files import read_file, replace_file
from zkeeper.testing import upkeep
from zkeeper.testing.faults import Faults
from zkeeper.testing.life import Life
from zkeeper.testing.place import HOST, Place
from zkeeper.testing.properties import refuse
from zkeeper.testing.server import DEFAULT_PROPERTIES
from zkeeper.wire.zxids import counter_of

MEMBER_PROPERTIES: Final = {**DEFAULT_PROPERTIES, "initLimit": "100", "syncLimit": "30", "standaloneEnabled": "false"}
"""What members have otherwise than `zkeeper serve`: what a test server has, and limits of 10 s and 3 s, so that a
machine that is busy with other tests does not make them elect anew."""

SETTLE_S: Final = 20.0
"""How long is waited for members to elect and to serve; it takes less than one second."""
POLL_S: Final = 0.005

logger = logging.getLogger("zkeeper.testing")

_OWN_KEYS: Final = frozenset({"clientPort", "clientPortAddress", "dataDir", "dataLogDir", "dynamicConfigFile"})

Member = Life[EnsembleServer]


def _is_own(key: str) -> bool:
    return key in _OWN_KEYS or is_member_key(key)


class Ensemble:
    """Servers 1 to `n`, and `observers` behind them, that are one ensemble; ready in about a second.

    `properties` are keys of zoo.cfg, the same for all, which win over `MEMBER_PROPERTIES`; members, addresses and
    folders are none of them. With `in_memory` no member has a folder. The ports are free ones and stay the same.

        with Ensemble(3) as ensemble:
            client = KazooClient(ensemble.connect_string)
            ensemble.kill(ensemble.leader())

    All methods but `start` raise `RuntimeError` when the ensemble is not started, and `LookupError` for the number of a
    server that is not there.
    """

    def __init__(
        self, n: int = 3, *, observers: int = 0, properties: Mapping[str, str] | None = None, in_memory: bool = False
    ) -> None:  # fmt: skip
        if arguments.integer("n", n) < 1 or arguments.integer("observers", observers) < 0:
            raise ValueError(f"an ensemble of {n} servers and {observers} observers cannot be")
        if n + observers > LARGEST_SID:
            raise ValueError(f"an ensemble of {n + observers} servers cannot be: their numbers are 1 to {LARGEST_SID}")
        refuse(properties or {}, _is_own, "the ensemble itself gives each of its members addresses and folders")
        self._voters = n
        self._observers = observers
        self._properties = MEMBER_PROPERTIES | dict(properties or {})
        self._in_memory = in_memory
        self._members: dict[int, Member] = {}
        self._faults: dict[int, Faults] = {}

    def __repr__(self) -> str:
        return f"<Ensemble {self.connect_string}>" if self.is_running else "<Ensemble, not running>"

    # Beginning and end.

    def start(self) -> Self:
        """Starts all servers and returns when they serve; does nothing when they were started before.

        Example:
            ensemble = Ensemble(3).start()
            try:
                print(ensemble.connect_string)
            finally:
                ensemble.stop()
        """
        if not self._members:
            atexit.register(self.stop)
            try:
                self._start()
            except BaseException:
                self.stop()
                raise
        return self

    def _start(self) -> None:
        sids = range(1, self._voters + self._observers + 1)
        places = {sid: Place(0, None, self._in_memory, more_ports=2) for sid in sids}
        lines = "".join(self._line(sid, place) for sid, place in places.items())
        try:
            for sid in sids:
                faults = self._faults[sid] = Faults()
                self._members[sid] = Life(EnsembleServer, places.pop(sid), faults, self._config_maker(sid, lines))
        finally:
            for place in places.values():
                place.close()
        self.await_serving()

    def _line(self, sid: int, place: Place) -> str:
        quorum, election = place.more_ports
        role = "participant" if sid <= self._voters else "observer"
        return f"server.{sid}={HOST}:{quorum}:{election}:{role};{HOST}:{place.port}\n"

    def _config_maker(self, sid: int, lines: str) -> Callable[[Place], ServerConfig]:
        def make(place: Place) -> ServerConfig:
            disk, data = place.disk, os.path.join(place.folder, "data")
            path = os.path.join(place.folder, "zoo.cfg")
            settings = "".join(f"{key}={value}\n" for key, value in self._properties.items())
            disk.make_folders(data)
            replace_file(disk, os.path.join(data, "myid"), b"%d\n" % sid)
            replace_file(disk, path, f"{settings}dataDir={data}\n{lines}".encode())
            loaded = load(path, {}, {}, lambda name: read_file(disk, name))
            for note in loaded.notes:
                logger.log(note.level, "configuration of server %d: %s", sid, note.text)
            return loaded.config

        return make

    def stop(self) -> None:
        """Ends all servers and removes their data; does nothing when they are not running; may be called any time.

        Example:
            ensemble = Ensemble(3).start()
            ensemble.stop()
        """
        members, self._members = self._members, {}
        self._faults.clear()
        if members:
            atexit.unregister(self.stop)
        for member in members.values():
            member.thread.release()
        for member in members.values():
            member.end()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Who is there.

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return bool(self._members)

    @property
    def sids(self) -> list[int]:
        """The numbers of all servers, those that are down, too."""
        return sorted(self._started)

    @property
    def running(self) -> list[int]:
        """The numbers of those that are up and not paused."""
        return [sid for sid, member in sorted(self._started.items()) if member.is_up and not member.thread.is_held]

    @property
    def connect_string(self) -> str:
        """The addresses of all servers, as clients want them: `127.0.0.1:PORT,127.0.0.1:PORT,...`."""
        return ",".join(map(self.address, self.sids))

    def address(self, sid: int) -> str:
        """The address of one server.

        Example:
            with zkeeper.Client(ensemble.address(2)) as zk:
                ...  # served by server 2 and no other
        """
        return f"{HOST}:{self._member(sid).place.port}"

    def leader(self) -> int:
        """The number of the server that leads, once one does and serves. `TimeoutError` after 20 s without.

        Example:
            follower = next(sid for sid in ensemble.sids if sid != ensemble.leader())
        """
        self._await(lambda: len(self._leaders()) == 1, "a leader")
        return self._leaders()[0]

    def await_serving(self) -> None:
        """Returns when all servers that run serve clients. `TimeoutError` after 20 s, as when there is no quorum.

        Example:
            ensemble.kill(1)
            ensemble.await_serving()  # the other two have a leader
        """
        self._await(self._all_serve, "all servers that run to serve")

    # Faults.

    def kill(self, sid: int) -> None:
        """Ends a server as if its process had ended: its connections break at once, its data stays.

        Example:
            ensemble.kill(ensemble.leader())
            assert len(ensemble.running) == 2
        """
        member = self._member(sid)
        member.thread.release()
        member.run(member.cease)

    def restart(self, sid: int) -> None:
        """Starts a server on its data, after killing it if it runs.

        Returns when all that run serve; while those that run are no quorum, at once.

        Example:
            ensemble.kill(1)
            ensemble.restart(1)
            assert ensemble.running == [1, 2, 3]
        """
        self.kill(sid)
        member = self._member(sid)
        member.run(member.begin)
        if self._has_quorum():
            self.await_serving()

    def pause(self, sid: int) -> None:
        """Stops a server where it stands, as SIGSTOP does: its connections stay open and nothing is answered.

        The others notice after 3 s (`syncLimit`).

        Example:
            ensemble.pause(ensemble.leader())
            print("led by", ensemble.leader())  # another one, after 3 s
        """
        self._member(sid).thread.hold()

    def resume(self, sid: int) -> None:
        """Ends a `pause`.

        Example:
            ensemble.pause(1)
            ensemble.resume(1)
        """
        self._member(sid).thread.release()

    def drop_connections(self, sid: int | None = None) -> int:
        """Breaks all connections of clients, of one server or of all; how many those were. Sessions live on.

        Example:
            ensemble.drop_connections(1)  # of clients; the servers stay connected to each other
        """
        sids = self.running if sid is None else [sid]
        return sum(self._drop(sid) for sid in sids)

    def expire(self, session_id: int) -> None:
        """Ends a session as if its timeout had passed in silence: its ephemerals go, its connection is closed.

        `LookupError` when the leader knows no such session.

        Example:
            ensemble.expire(zk.session_id)
            zk.wait_for(zkeeper.SessionState.LOST)
        """
        arguments.integer("session_id", session_id)
        leader = self._member(self.leader())
        leader.run(lambda: upkeep.expire(leader.server.service, session_id))
        self._await_equal()

    def heal(self) -> None:
        """Has all servers run and serve: ends pauses, starts those that are down.

        Example:
            ensemble.kill(1)
            ensemble.pause(2)
            ensemble.heal()
            assert ensemble.running == [1, 2, 3]
        """
        for sid, member in self._started.items():
            member.thread.release()
            if not member.is_up:
                self._member(sid).run(member.begin)
        self.await_serving()

    # Between two tests.

    def reset_tree(self) -> None:
        """Heals, ends all sessions and removes all znodes, whatever their ACL; returns when that is so everywhere.

        Zxids go on where they were; who leads stays as it is.

        Example:
            ensemble.reset_tree()
            with zkeeper.Client(ensemble.connect_string) as zk:
                assert zk.children("/") == ["zookeeper"]
        """
        self.heal()
        leader = self._member(self.leader())
        leader.run(lambda: upkeep.clear(leader.server.service))
        self._await_equal()
        self.drop_connections()

    # Within.

    @property
    def _started(self) -> dict[int, Member]:
        if not self._members:
            raise RuntimeError("the ensemble is not running: call start() first, or use it in a with statement")
        return self._members

    def _member(self, sid: int) -> Member:
        started = self._started
        if sid not in started:
            raise LookupError(f"there is no server {sid}, only {', '.join(map(str, started))}")
        return started[sid]

    def _leaders(self) -> list[int]:
        servers = {sid: self._members[sid].server for sid in self.running}
        return [sid for sid, one in servers.items() if one.service.serves() and one.election.state == LEADING]

    def _all_serve(self) -> bool:
        services = [self._members[sid].server.service for sid in self.running]
        return bool(self._leaders()) and all(one.serves() and not one.is_read_only for one in services)

    def _has_quorum(self) -> bool:
        return sum(sid <= self._voters for sid in self.running) > self._voters // 2

    def _await_equal(self) -> None:
        """Until all that run have applied what the leader has; in an epoch without a transaction they have."""
        zxid = self._zxid(self.leader())
        if counter_of(zxid) > 0:
            self._await(lambda: min(map(self._zxid, self.running)) >= zxid, "all servers to catch up")

    def _zxid(self, sid: int) -> int:
        return int(self._members[sid].server.service.database.last_zxid)

    def _drop(self, sid: int) -> int:
        member, faults = self._member(sid), self._faults[sid]

        async def drop() -> int:
            return sum(faults.drop(link.outlet) for link in member.server.port.links())

        return member.run(drop)

    def _await(self, condition: Callable[[], object], what: str) -> None:
        """Waits on the thread of a server that runs; what is looked at are single values, which change at once."""
        if not self.running:
            raise RuntimeError(f"no server runs, so {what} cannot be waited for")

        async def wait() -> None:
            async with asyncio.timeout(SETTLE_S):
                while not condition():
                    await asyncio.sleep(POLL_S)

        member = self._members[self.running[0]]
        try:
            member.run(wait)
        except TimeoutError as error:
            raise TimeoutError(f"{what} was waited for in vain; these run: {self.running}") from error
