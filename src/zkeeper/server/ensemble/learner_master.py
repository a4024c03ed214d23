"""What a learner's connection needs of the role that it belongs to: a leader's, or an observer master's.

The role says what the learner is told, and does what it asks for.
"""

from collections.abc import Set
from typing import TYPE_CHECKING, Protocol

from zkeeper.database.database import Database
from zkeeper.quorum.sync_plan import SyncPlan
from zkeeper.server.ensemble.context import EnsembleContext
from zkeeper.server.ensemble.sync_throttle import SyncThrottle
from zkeeper.storage.history import DiskHistory
from zkeeper.wire.quorum_packets import QuorumPacket

if TYPE_CHECKING:
    from zkeeper.server.ensemble.known_learner import KnownLearner


class LearnerMaster(Protocol):
    """`title` begins its lines of the log, `greetings` are the packets that a learner may begin with, `tick` counts
    since the role began."""

    context: EnsembleContext
    throttle: SyncThrottle
    tick: int

    @property
    def title(self) -> str: ...

    @property
    def greetings(self) -> Set[int]: ...

    @property
    def epoch(self) -> int: ...

    @property
    def database(self) -> Database: ...

    def learners(self) -> list["KnownLearner"]:
        """Of all connections, whatever their stage."""
        ...

    # Discovery.

    async def agree_on_epoch(self, voter: int | None, accepted_epoch: int) -> int:
        """A learner has accepted an epoch; returns the one in force here. `voter` is None for an observer."""
        ...

    async def epoch_accepted(self, voter: int | None, current_epoch: int, last_zxid: int) -> None:
        """A learner has accepted the epoch and says how far its history goes; returns when it may be brought into line.
        Raises `RoleEndedError` for one that has more than is here."""
        ...

    async def followed_by(self, voter: int | None) -> None:
        """A learner has all of the history durably; returns when it may serve."""
        ...

    # Synchronisation.

    def plan_for(self, peer_zxid: int) -> SyncPlan: ...

    def disk_history(self, plan: SyncPlan) -> DiskHistory | None:
        """What `plan` depends on, if it does."""
        ...

    def is_changing(self) -> bool:
        """Whether a change of the membership is under way, in this epoch."""
        ...

    def join(self, learner: "KnownLearner", sent_zxid: int) -> None:
        """From now on `learner` gets all that is for it, and first what came behind `sent_zxid`."""
        ...

    # From then on.

    def last_proposed(self) -> int: ...

    def acked(self, sid: int, zxid: int) -> None:
        """The log of a voter holds everything up to `zxid`."""
        ...

    def request(self, learner: "KnownLearner", packet: QuorumPacket) -> None: ...

    def answered_ping(self, learner: "KnownLearner", sessions: list[tuple[int, int]]) -> None:
        """A learner has answered a ping, with the sessions that it has heard of and their timeouts in ms."""
        ...

    def revalidate(self, learner: "KnownLearner", packet: QuorumPacket) -> None: ...

    def left(self, learner: "KnownLearner") -> None:
        """The connection is over."""
        ...
