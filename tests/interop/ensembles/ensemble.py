"""An ensemble of servers of given kinds on loopback: started, led by whom a test wants, watched, and ended.

1. When its block ends, no process of it is left.
2. Members have ids from 1 on, observers after participants. Among members with equal histories the highest id that
   takes part in an election wins it; `start_led_by` makes use of that.
3. Waiting ends when what is waited for is there, when a process has ended by itself, or at `SETTLE_DEADLINE_S`.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from interop.wire_session import WireSession

from .layout import Layout, new_addresses
from .member import Member
from .mismatches import Told, read_mismatches

SETTLE_DEADLINE_S = 60.0
POLL_S = 0.02
SESSION_TIMEOUT_MS = 10_000


class Unsettled(Exception):
    """The ensemble did not do in time what was waited for; the message tells modes and zxids."""


class Ensemble:
    """Members by id. Nothing runs before a `start`."""

    def __init__(self, kinds: Sequence[str], home: Path, layout: Layout) -> None:
        self.home = home
        self._layout = layout
        self.members: dict[int, Member] = {}
        for sid, kind in zip(sorted(layout.addresses), kinds, strict=True):
            self._make(sid, kind, sorted(layout.addresses))

    def __getitem__(self, sid: int) -> Member:
        return self.members[sid]

    def _make(self, sid: int, kind: str, known: list[int]) -> Member:
        home = self.home / str(sid)
        config = self._layout.write(home, sid, known)
        member = self.members[sid] = Member(sid, kind, home, config, self._layout.addresses[sid])
        return member

    def add(self, kind: str, is_observer: bool = False) -> Member:
        """A member that is to join by reconfiguration: it knows the others, they do not know it yet."""
        sid = max(self.members) + 1
        self._layout.addresses.update(new_addresses([sid]))
        if is_observer:
            self._layout = dataclasses.replace(self._layout, observers=self._layout.observers | {sid})
        return self._make(sid, kind, [*self.members, sid])

    def line(self, sid: int, role: str = "") -> str:
        """The line of a member, as a reconfiguration has it."""
        return self._layout.line(sid, 0, role)

    # Who is there.

    @property
    def running(self) -> list[Member]:
        """Those that run and are not paused."""
        return [member for member in self.members.values() if member.is_running and not member.is_paused]

    def others(self, *members: Member) -> list[Member]:
        """All the others that run."""
        return [member for member in self.running if member not in members]

    @property
    def leader(self) -> Member:
        """The member that leads; `Unsettled` if none does, or two."""
        leaders = [member for member in self.running if member.mode == "leader"]
        if len(leaders) != 1:
            raise Unsettled(f"leaders: {leaders}")
        return leaders[0]

    def address(self, *members: Member) -> str:
        """The connect string of these members; of all that may serve without any."""
        return ",".join(f"127.0.0.1:{member.address.client}" for member in members or self.members.values())

    # Changing what runs.

    def start(self, *sids: int) -> None:
        """Starts these, or all, and waits until everything that runs serves."""
        for sid in sids or sorted(self.members):
            self.members[sid].start()
        self.await_service()

    def start_led_by(self, sid: int) -> Member:
        """Starts all so that `sid` leads: it and lower ids that make the least quorum, then the others.

        Histories must be equal.
        """
        lower = [each for each in self.members if each < sid]
        first = [*lower[: len(self._layout.participants) // 2], sid]
        self.start(*first)
        self.start(*(each for each in self.members if each not in first))
        assert self.leader.sid == sid, f"{self.leader} leads, not {sid}"
        return self.leader

    def stop(self) -> None:
        """Asks all to end, those that follow first."""
        for member in sorted(self.members.values(), key=lambda member: member.mode == "leader"):
            member.stop()

    def kill(self) -> None:
        """Ends all at once."""
        for member in self.members.values():
            member.kill()

    # Waiting.

    def await_(self, condition: Callable[[], object], what: str) -> None:
        """Returns as soon as `condition()` is true."""
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        while not condition():
            for member in self.members.values():
                member.check_running()
            if time.monotonic() > deadline:
                raise Unsettled(f"waited {SETTLE_DEADLINE_S} s in vain for {what}: {self.describe()}")
            time.sleep(POLL_S)

    def await_service(self, *members: Member) -> None:
        """Waits until these, or all that run, serve clients, and one of the running leads."""
        wanted = members or self.running
        self.await_(lambda: self._serves(wanted), f"{wanted} to serve")

    def _serves(self, wanted: Sequence[Member]) -> bool:
        modes = {member: member.mode for member in self.running}
        return all(modes.get(member) for member in wanted) and list(modes.values()).count("leader") == 1

    def await_equal(self) -> int:
        """Waits until all that run have applied the same, and returns the zxid. Nobody else may write meanwhile.

        It writes itself (a session that opens and closes): a member that has joined is behind until the first
        transaction of the epoch, though it lacks nothing.
        """
        self.await_service()
        WireSession(self.leader.server, SESSION_TIMEOUT_MS).close()
        self.await_(lambda: len({member.zxid for member in self.running}) == 1, "equal zxids")
        return self.running[0].zxid

    def describe(self) -> str:
        """One line that tells each member's state."""
        return "; ".join(f"{member}: {self._state(member)}" for member in self.members.values())

    def _state(self, member: Member) -> str:
        if not member.is_running:
            return "down"
        return "paused" if member.is_paused else f"{member.mode or 'no mode'} at {member.zxid:#x}"

    def check_logs(self) -> None:
        """No process of a member may have found a digest other than it should be, nor any that has ended since."""
        told = {member: told.mismatches for member, told in self.mismatches().items() if told.mismatches}
        assert not told, f"members tell of digests that do not match: {told}"

    def mismatches(self) -> dict[Member, Told]:
        """What each member's log says of digests that do not match."""
        logs = {member: member.log for member in self.members.values() if member.log.exists()}
        return read_mismatches({member: log.read_text(errors="replace") for member, log in logs.items()})

    def log_tails(self) -> list[tuple[str, str]]:
        """The end of each member's log, with a title."""
        started = [member for member in self.members.values() if member.log.exists()]
        return [(f"{member}: {member.log}", member.log_tail()) for member in started]


@contextlib.contextmanager
def run_ensemble(
    kinds: Sequence[str], observers: Sequence[str], home: Path, *, reconfig: bool = False, is_apart: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Ensemble]:  # fmt: skip
    """An ensemble with one member of each of the `kinds`, and `observers`; all in its own folder under `home`.

    `reconfig`: members have their client addresses in their lines, and may be reconfigured. `is_apart`: each has a
    loopback address of its own. `settings` go into each `zoo.cfg`. At the end no member may have told of a digest that
    is not as it should be.
    """
    sids = [*range(1, len(kinds) + len(observers) + 1)]
    layout = Layout(new_addresses(sids), frozenset(sids[len(kinds) :]), reconfig, is_apart, settings or {})
    with ended(Ensemble([*kinds, *observers], home, layout)) as ensemble:
        yield ensemble
        ensemble.check_logs()


@contextlib.contextmanager
def ended(ensemble: Ensemble) -> Iterator[Ensemble]:
    """Ends whatever is left of it."""
    try:
        yield ensemble
    finally:
        ensemble.kill()
