"""What a server is in its ensemble, whatever its role is at the time."""

from dataclasses import dataclass, field
from random import Random

from zkeeper.quorum.memberships import Memberships
from zkeeper.quorum.verifiers import Oracle
from zkeeper.server.ensemble.measures import Measures
from zkeeper.storage.epochs import Epochs


class RoleEndedError(Exception):
    """A role is over; the message says why, and the server looks for a leader again.

    `advice` is for an operator whose server comes to no other end: what to look at.
    """

    def __init__(self, why: str, advice: str = "") -> None:
        super().__init__(why)
        self.advice = advice


@dataclass(kw_only=True)
class EnsembleContext:
    """`init_limit` and `sync_limit` are in ticks; `limit_bytes` is the longest field of a packet that is believed.

    `least_participants` have to be left by a change of the membership. `has_observer_log` says whether this server
    keeps a log when it is an observer, too; the delays are an observer's.

    `uses_disk_history`, `forces_snapshots` and the limits of syncs are a leader's, for learners that lag behind;
    `max_wait_for_epoch_s` is -1 when it is off.

    `observer_master_port` is 0 where observers go to the leader; elsewhere followers serve them there, and keep at most
    about `observer_master_bytes` for each that is being brought into line.

    `oracle` is there if somebody outside decides between two participants.

    `promised_elsewhere` is an epoch that another voter has accepted: the next one that begins here is a later one.

    `needs_everything` is set when the own history cannot be brought into line with a leader's: the next leader is asked
    for all of its state.
    """

    sid: int
    tick_s: float
    init_limit: int
    sync_limit: int
    connect_limit: int
    connect_retry_s: float
    limit_bytes: int
    listens_on_all_addresses: bool
    is_multi_address: bool
    least_participants: int
    memberships: Memberships
    epochs: Epochs
    random: Random
    has_observer_log: bool = True
    observer_reconnect_s: float = 0.0
    observer_election_s: float = 0.0
    uses_disk_history: bool = True
    forces_snapshots: bool = False
    max_snap_syncs: int = 10
    max_diff_syncs: int = 100
    max_wait_for_epoch_s: float = -1.0
    observer_master_port: int = 0
    observer_master_bytes: int = 1 << 25
    oracle: Oracle | None = None
    promised_elsewhere: int = 0
    needs_everything: bool = False
    measures: Measures = field(default_factory=Measures)

    @property
    def is_logging(self) -> bool:
        """Whether this server's log holds what its memory does."""
        return self.has_observer_log or not self.is_observer

    @property
    def is_observer(self) -> bool:
        """By the committed membership; whom that does not list follows without a vote."""
        return self.sid in self.memberships.committed.observers

    @property
    def init_s(self) -> float:
        return self.tick_s * self.init_limit

    @property
    def connect_s(self) -> float:
        """For a learner to connect."""
        return self.tick_s * self.connect_limit

    @property
    def sync_s(self) -> float:
        return self.tick_s * self.sync_limit
