"""Our election, with no server behind it, among two servers of Apache ZooKeeper: all of them elect the same one.

Server 1 is ours where it is to follow, server 3 where it is to lead. What Java decided is in its log.
"""

import asyncio
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zkeeper.quorum.election import Decision
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.memberships import Memberships
from zkeeper.quorum.votes import FOLLOWING, LEADING, Vote
from zkeeper.server.ensemble.election import Election, ElectionSettings
from zkeeper.server.ensemble.peer_connections import PeerSettings

from .conftest import need_zkjava
from .servers import HOST, free_port, serve_command, serve_environment, serves, stop

MULTI_ADDRESS = "-Dzookeeper.multiAddress.enabled"
DEADLINE_S = 60.0
POLL_S = 0.05
SIDS = (1, 2, 3)
SETTINGS = "tickTime=500\ninitLimit=20\nsyncLimit=10\nadmin.enableServer=false\n4lw.commands.whitelist=*\n"


class NoFiles:
    def write_next(self, membership: Membership) -> None: ...

    def activate(self, membership: Membership) -> None: ...

    def remove_next(self) -> None: ...


class Ensemble:
    """Three members on loopback; those of Java are processes."""

    def __init__(self, home: Path, is_multi_address: bool) -> None:
        self._home = home
        self.is_multi_address = is_multi_address
        self.client_ports = {sid: free_port() for sid in SIDS}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        lines = [f"server.{sid}={HOST}:{free_port()}:{free_port()}:participant" for sid in SIDS]
        self.text = "\n".join([*lines, "version=0"])

    def start(self, sid: int) -> None:
        home = self._home / str(sid)
        (home / "data").mkdir(parents=True)
        (home / "data" / "myid").write_text(str(sid))
        config = home / "zoo.cfg"
        own = f"dataDir={home / 'data'}\nclientPort={self.client_ports[sid]}\nclientPortAddress={HOST}\n"
        config.write_text(f"{SETTINGS}{own}{self.text.removesuffix('version=0')}")
        with self._log(sid).open("wb") as output:
            command = [*serve_command("java", config), "-Dzkjava.log=INFO", f"{MULTI_ADDRESS}={self.is_multi_address}"]
            self._processes[sid] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=serve_environment()
            )

    def stop(self, sid: int) -> None:
        stop(self._processes.pop(sid))

    def stop_all(self) -> None:
        for sid in list(self._processes):
            self.stop(sid)

    def _log(self, sid: int) -> Path:
        return self._home / f"{sid}.log"

    def log(self, sid: int) -> str:
        return self._log(sid).read_text(errors="replace")

    def roles(self, sid: int) -> list[str]:
        """What Java has become, in order; it says so at the end of each election."""
        return re.findall(r"(LEADING|FOLLOWING) - LEADER ELECTION TOOK", self.log(sid))

    def serves(self, sid: int) -> bool:
        return serves(self.client_ports[sid])


@pytest.fixture(params=[False, True], ids=["one address", "many addresses"])
def ensemble(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ensemble]:
    """In both forms in which servers introduce themselves."""
    need_zkjava()
    opened = Ensemble(tmp_path, request.param)
    try:
        yield opened
    finally:
        opened.stop_all()


def our_election(ensemble: Ensemble, sid: int) -> Election:
    membership = Membership.parse(ensemble.text)
    settings = ElectionSettings(
        peers=PeerSettings(introduction_timeout_s=5.0, is_multi_address=ensemble.is_multi_address)
    )
    memberships = Memberships(membership, membership, False, NoFiles())
    return Election(sid, memberships, settings, Vote(sid, 0, -1, 0))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(POLL_S)


async def decide(election: Election) -> Decision:
    async with asyncio.timeout(DEADLINE_S):
        return await election.look_for_leader(0, 0)


def test_ours_votes_with_java_joins_its_leader_and_sees_it_go(ensemble: Ensemble) -> None:
    async def play() -> None:
        election = our_election(ensemble, 1)
        await election.start()
        ensemble.start(3)
        # Ours and server 3 are a quorum: they elect 3 before server 2 is there.
        decision = await decide(election)
        assert (decision.state, decision.vote.leader, decision.voters) == (FOLLOWING, 3, {1, 3})
        await until(lambda: ensemble.roles(3) == ["LEADING"])
        # Then 2 comes: it follows 3 by the word of both, and as ours is no server, the two of them serve.
        ensemble.start(2)
        await until(lambda: ensemble.serves(2) and ensemble.serves(3))
        decision = await decide(election)
        assert (decision.state, decision.vote.leader, decision.vote.peer_epoch) == (FOLLOWING, 3, 1)
        election.update_epoch(1)
        # Without its leader server 2 looks for another, and ours with it.
        ensemble.stop(3)
        count = len(ensemble.roles(2))
        decision = await decide(election)
        assert (decision.state, decision.vote.leader, decision.voters) == (FOLLOWING, 2, {1, 2})
        await until(lambda: ensemble.roles(2)[count:] == ["LEADING"])
        await election.stop()

    asyncio.run(play())


def test_java_elects_ours(ensemble: Ensemble) -> None:
    async def play() -> None:
        election = our_election(ensemble, 3)
        await election.start()
        looking: list[int] = []
        election.on_peer_looking = lambda sid, vote: looking.append(sid)
        ensemble.start(1)
        decision = await decide(election)
        assert (decision.state, decision.vote.leader, decision.voters) == (LEADING, 3, {1, 3})
        await until(lambda: ensemble.roles(1)[:1] == ["FOLLOWING"])
        # As there is no server to follow, it looks for a leader again, and is heard to; together they elect again.
        await until(lambda: looking)
        decision = await decide(election)
        assert (decision.state, decision.vote.leader, decision.voters) == (LEADING, 3, {1, 3})
        assert decision.vote.round_ > 1
        await until(lambda: len(ensemble.roles(1)) > 1)
        assert set(ensemble.roles(1)) == {"FOLLOWING"}
        await election.stop()

    asyncio.run(play())
