"""What a server is in its ensemble, whatever its role is at the time."""

from dataclasses import dataclass, field
from random import Random

from zkeeper.quorum.memberships import Memberships
from zkeeper.server.ensemble.measures import Measures
from zkeeper.storage.epochs import Epochs


class RoleEndedError(Exception):
    """A role is over; the message says why, and the server looks for a leader again."""


@dataclass(kw_only=True)
class EnsembleContext:
    """`init_limit` and `sync_limit` are in ticks; `limit_bytes` is the longest field of a packet that is believed.

    `uses_disk_history` and `forces_snapshots` are a leader's, for learners that lag behind.

    `needs_everything` is set when the own history cannot be brought into line with a leader's: the next leader is asked
    for all of its state.
    """

    sid: int
    is_observer: bool
    tick_s: float
    init_limit: int
    sync_limit: int
    connect_limit: int
    connect_retry_s: float
    limit_bytes: int
    listens_on_all_addresses: bool
    memberships: Memberships
    epochs: Epochs
    random: Random
    uses_disk_history: bool = True
    forces_snapshots: bool = False
    needs_everything: bool = False
    measures: Measures = field(default_factory=Measures)

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
