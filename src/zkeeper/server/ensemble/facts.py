"""What a member tells in the four-letter words beside what every server does: the `QuorumFacts` of its words."""

from collections.abc import Callable, Iterable, Mapping

from zkeeper.pipeline.stats import Summary
from zkeeper.quorum.members import Member
from zkeeper.quorum.votes import FOLLOWING, LEADING, LOOKING, OBSERVING
from zkeeper.server.config.ensemble import QuorumConfig
from zkeeper.server.ensemble.context import EnsembleContext
from zkeeper.server.ensemble.following import Following
from zkeeper.server.ensemble.known_learner import KnownLearner
from zkeeper.server.ensemble.leading import Leader
from zkeeper.server.words.facts import Sizes
from zkeeper.wire.zxids import counter_of

MODES: Mapping[int, str] = {
    LEADING: "leader", FOLLOWING: "follower", OBSERVING: "observer", LOOKING: "read-only"
}  # fmt: skip
"""Who looks for a leader and serves clients serves reads only."""
PEER_STATES: Mapping[int, str] = {
    LEADING: "leading - broadcast",
    FOLLOWING: "following - broadcast",
    OBSERVING: "observing - broadcast",
}
"""Clients of a role, and who asks with words, are answered in its phase of broadcast only."""
PARTICIPANT, OBSERVER = 0, 1


class MemberFacts:
    """Of one role: `state` is that of the election, `leader` the role of one that leads, `following` that of another.

    `now_s` is the loop's clock.
    """

    def __init__(
        self, quorum: QuorumConfig, context: EnsembleContext, state: int, leader: Leader | None,
        following: Following | None, now_s: Callable[[], float],
    ) -> None:  # fmt: skip
        self.mode = MODES[state]
        self._quorum = quorum
        self._context = context
        self._state = state
        self._leader = leader
        self._following = following
        self._now_s = now_s

    def configuration(self) -> Mapping[str, object]:
        me = self._me()
        ensemble = self._quorum.ensemble
        return {
            "initLimit": ensemble.init_limit_ticks,
            "syncLimit": ensemble.sync_limit_ticks,
            "electionAlg": ensemble.election_algorithm,
            "electionPort": _ports(address.election_port for address in me.addresses),
            "quorumPort": _ports(address.quorum_port for address in me.addresses),
            "peerType": OBSERVER if me.is_observer else PARTICIPANT,
        }

    def _me(self) -> Member:
        """One that is no member any more is as it was configured."""
        return self._context.memberships.committed.members.get(self._context.sid, self._quorum.me)

    def membership(self) -> str:
        return self._context.memberships.committed.text()

    def state(self) -> Mapping[str, int | str]:
        if self._state == LOOKING:
            return {}
        state: dict[str, int | str] = {"peer_state": PEER_STATES[self._state]}
        if self._state == OBSERVING and self._following is not None:
            state["observer_master_id"] = self._following.master_sid
        return state

    def gauges(self) -> Mapping[str, int]:
        if self._state == LOOKING:
            return {}
        size = {"quorum_size": len(self._context.memberships.committed.participants)}
        if self._leader is not None:
            return size | self._leader_gauges(self._leader)
        master = self._following.observer_master if self._following is not None else None
        return size if master is None else size | {"synced_observers": _synced_observers(master.learners())}

    def _leader_gauges(self, leader: Leader) -> dict[str, int]:
        learners = leader.learners()
        followers = {one.sid for one in learners if one.is_synced and not one.is_observer}
        voters = self._context.memberships.committed.participants
        sizes = leader.proposal_sizes()
        return {
            "learners": len(learners),
            "synced_followers": len(followers),
            "synced_non_voting_followers": sum(sid not in voters for sid in followers),
            "synced_observers": _synced_observers(learners),
            "pending_syncs": leader.pending_syncs,
            "leader_uptime": int((self._now_s() - leader.serves_since_s) * 1000),
            "last_proposal_size": int(sizes.last),
            "min_proposal_size": int(sizes.least),
            "max_proposal_size": int(sizes.most),
            "zxid_counter": int(counter_of(leader.last_proposed())),
        }

    def proposal_sizes(self) -> Sizes | None:
        if self._leader is None:
            return None
        sizes = self._leader.proposal_sizes()
        return Sizes(int(sizes.last), int(sizes.least), int(sizes.most))

    def counters(self) -> Mapping[str, int]:
        return self._context.measures.counters()

    def summaries(self) -> Mapping[str, Summary]:
        return self._context.measures.summaries()

    def reset(self) -> None:
        self._context.measures.reset()
        if self._leader is not None:
            self._leader.proposal_sizes().reset()


def _synced_observers(learners: list[KnownLearner]) -> int:
    return sum(one.is_observer and one.is_synced for one in learners)


def _ports(ports: Iterable[int]) -> str:
    return "|".join(map(str, ports))
