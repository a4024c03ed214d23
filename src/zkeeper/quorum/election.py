"""One server's part in elections, FastLeaderElection: whom it votes for, what it tells the others, when it is decided.

A state machine without a clock and without a network. What it wants to be done is in `outbox`, `wants_connections` and
`deadline_ms`; `decision` is the end of an election.

1. Only voters count: the participants of the committed membership, and of a newer one that was seen.
2. A round ends in a decision only when a quorum agrees with it, and nothing better came for `FINALIZE_WAIT_MS`; or when
   a quorum says that it has a leader, and that leader says so, too. To follow such a leader a quorum of the committed
   membership is enough; who is to lead needs one of each.
3. The round never goes back while the process lives, but for joining a leader that was elected in another one.
4. Who has no vote learns who leads from those who have a leader, and is told of no leader that is over: votes of those
   who look for one are theirs to count.
5. What is kept of others is bounded: a ballot for each voter, and `MAX_WAITING` messages before an election begins.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, final

from zkeeper.quorum.memberships import Memberships
from zkeeper.quorum.polls import Poll
from zkeeper.quorum.verifiers import Oracle, decides_for
from zkeeper.quorum.votes import (
    FOLLOWING,
    LEADING,
    LOOKING,
    NO_HISTORY,
    NO_SID,
    OBSERVING,
    STATE_NAMES,
    Ballot,
    Vote,
    is_better,
)
from zkeeper.wire.notifications import NOTIFICATION_VERSION, Notification

FINALIZE_WAIT_MS: Final = 200
MIN_NOTIFICATION_INTERVAL_MS: Final = 200
MAX_NOTIFICATION_INTERVAL_MS: Final = 60_000
MAX_WAITING: Final = 100
MAX_ROUND: Final = 1 << 62
"""Nobody gets to a higher round by counting; messages of such a round are ignored."""
MAX_TOLD: Final = 64
"""Lines about votes of others in one election; what is above is not told."""


@final
class Decision:
    """`state` is what this server becomes; `voters` are those whose votes decided."""

    def __init__(self, state: int, vote: Vote, voters: frozenset[int]) -> None:
        self.state = state
        self.vote = vote
        self.voters = voters


@final
class Elector:
    """`vote` is what a server without a leader says of itself before its first election.

    `tell` takes sentences for the log; `report_looking` the sid and the vote of a voter that looks for a leader while
    this server leads.
    """

    def __init__(
        self, own_sid: int, memberships: Memberships, vote: Vote, tell: Callable[[str], None],
        report_looking: Callable[[int, Vote], None], oracle: Oracle | None = None,
        min_interval_ms: int = MIN_NOTIFICATION_INTERVAL_MS, max_interval_ms: int = MAX_NOTIFICATION_INTERVAL_MS,
    ) -> None:  # fmt: skip
        self.own_sid = own_sid
        self.memberships = memberships
        self.state: int = LOOKING
        self.current = vote
        self.round_ = 0
        self.outbox: list[tuple[int, Notification]] = []
        self.wants_connections = False
        self.decision: Decision | None = None
        self.deadline_ms = -1
        self._tell = tell
        self._report_looking = report_looking
        self._oracle = oracle
        self._min_interval_ms = min_interval_ms
        self._max_interval_ms = max_interval_ms
        self._interval_ms = min_interval_ms
        self._is_running = False
        self._is_finalizing = False
        self._is_observer = self._only_listens = False
        self._initial = vote
        self._proposal = vote
        self._round_poll = Poll()
        self._leader_poll = Poll()
        self._waiting: deque[tuple[int, Notification]] = deque(maxlen=MAX_WAITING)
        self._answered: set[int] = set()
        self._told: set[tuple[int, int, int, int]] = set()

    # What the server around it does.

    def begin(self, zxid: int, peer_epoch: int, is_observer: bool, now_ms: int) -> None:
        """Begins an election, in a new round. `zxid` is the last one processed, `peer_epoch` the currentEpoch."""
        is_voter = self.own_sid in self.memberships.committed.participants
        leader = self.own_sid if is_voter else NO_SID
        self._is_observer = is_observer
        self._only_listens = is_observer or self.own_sid not in self.memberships.voters()
        self._initial = Vote(leader, NO_SID, 0, NO_SID) if is_observer else Vote(leader, zxid, 0, peer_epoch)
        self.state = LOOKING
        self.decision = None
        self._is_running, self._is_finalizing = True, False
        self._round_poll.clear()
        self._leader_poll.clear()
        self._told.clear()
        self._interval_ms = self._min_interval_ms
        self._enter(self.round_ + 1, self._initial)
        self._tell(f"election round {self.round_} begins: this server votes for {self._initial.text()}")
        self._work(now_ms)

    def set_role(self, state: int, vote: Vote) -> None:
        """The server has its role without an election, or loses it; others are told of `vote`."""
        self.state = state
        self.current = vote
        self.pause()

    def pause(self) -> None:
        """The election, if there is one, goes no further. Of a server without a role messages wait for the next."""
        self._is_running = self._is_finalizing = False
        self._waiting.clear()
        self.deadline_ms = -1

    def update_epoch(self, peer_epoch: int) -> None:
        """The role has reached broadcast in `peer_epoch`: from now on all its servers say so (quorum, 4.4)."""
        vote = self.current
        self.current = Vote(vote.leader, vote.zxid, vote.round_, peer_epoch)

    def receive(self, sid: int, notification: Notification, now_ms: int) -> None:
        """A message from `sid`, in any state."""
        if sid not in self.memberships.voters():
            self._answer_stranger(sid)
        elif self.state == LOOKING:
            self._waiting.append((sid, notification))
            if self._is_running:
                self._work(now_ms)
        elif notification.state == LOOKING:
            if self.state == LEADING:
                self._report_looking(sid, _vote_in(notification))
            self._send(sid, self.current)

    def expire(self, now_ms: int, has_delivered: bool) -> None:
        """Nothing came until `deadline_ms`. `has_delivered` says that some message has left this server."""
        if self._is_finalizing:
            self._finish(self._own_ballot(), self._round_poll)
            return
        if has_delivered:
            self._send_to_all()
        else:
            self.wants_connections = True
        self._interval_ms = min(2 * self._interval_ms, self._max_interval_ms)
        if self._may_go_alone():
            self._tell("the oracle lets this server go on without the other one")
            self._finish(self._own_ballot(), self._round_poll)
        else:
            self._work(now_ms)

    # Sending.

    def _send(self, sid: int, vote: Vote) -> None:
        text = self.memberships.committed.text().encode()
        message = Notification(
            self.state, vote.leader, vote.zxid, vote.round_, vote.peer_epoch, NOTIFICATION_VERSION, text
        )
        if sid == self.own_sid:
            self._waiting.append((sid, message))
        else:
            self.outbox.append((sid, message))

    def _send_to_all(self) -> None:
        self._answered.clear()
        for sid in sorted(self.memberships.voters()):
            self._send(sid, self._proposal.in_round(self.round_))

    def _answer(self, sid: int) -> None:
        """Once between two messages to all, so that no two servers answer each other for ever."""
        if sid != self.own_sid and sid not in self._answered:
            self._answered.add(sid)
            self._send(sid, self._proposal.in_round(self.round_))

    def _answer_stranger(self, sid: int) -> None:
        """Rule 4. Between a role and the next election there is nothing to say; it will ask again."""
        if self.state != LOOKING:
            self._send(sid, self.current.in_round(self.round_))
        elif self._is_running:
            self._send(sid, self._proposal.in_round(self.round_))

    # The election.

    def _work(self, now_ms: int) -> None:
        """Takes what waits, message by message, and sets the time until which the next one is awaited."""
        while self._waiting and self._is_running:
            sid, notification = self._waiting.popleft()
            self._take(sid, notification)
        if self._is_running:
            self.deadline_ms = now_ms + (FINALIZE_WAIT_MS if self._is_finalizing else self._interval_ms)

    def _take(self, sid: int, notification: Notification) -> None:
        vote = _vote_in(notification)
        if not {sid, vote.leader} <= self.memberships.voters() or vote.round_ > MAX_ROUND:
            return
        ballot = Ballot(vote, notification.state, notification.version)
        if ballot.state == LOOKING and vote.round_ < self.round_:
            self._answer(sid)
        elif not self._is_finalizing or self._is_better(vote, self._proposal):
            self._tell_vote(sid, ballot)
            if ballot.state == LOOKING and self._only_listens:
                # There will be a leader soon: it is asked for again before long.
                self._interval_ms = self._min_interval_ms
            elif ballot.state == LOOKING:
                self._take_proposal(sid, ballot)
            elif ballot.state != OBSERVING:
                self._is_finalizing = False
                self._take_result(sid, ballot)

    def _take_proposal(self, sid: int, ballot: Ballot) -> None:
        """The ballot of one that looks for a leader, in this round or a later one."""
        vote = ballot.vote
        if NO_HISTORY in (self._initial.zxid, vote.zxid):
            return
        if vote.round_ > self.round_:
            self._tell(f"server {sid} is in round {vote.round_}, this server goes there from round {self.round_}")
            self._round_poll.clear()
            self._enter(vote.round_, vote if self._is_better(vote, self._initial) else self._initial)
        elif self._is_better(vote, self._proposal):
            self._tell(f"the vote of server {sid} is better: this server votes for {vote.text()}")
            self._enter(self.round_, vote)
        elif self._round_poll.has(sid, ballot) and vote != self._own_ballot().vote:
            self._answer(sid)
        self._round_poll.cast(sid, ballot)
        self._is_finalizing = self.memberships.has_quorum(self._round_poll.voters_for(self._own_ballot()))

    def _enter(self, round_: int, proposal: Vote) -> None:
        self.round_ = round_
        self._proposal = proposal
        self._send_to_all()

    def _own_ballot(self) -> Ballot:
        return Ballot(self._proposal.in_round(self.round_), LOOKING, NOTIFICATION_VERSION)

    def _is_better(self, new: Vote, current: Vote) -> bool:
        return is_better(new, current, self.memberships.committed.verifier.weight(new.leader))

    def _take_result(self, sid: int, ballot: Ballot) -> None:
        """The ballot of one that follows or leads."""
        if ballot.vote.round_ == self.round_:
            self._round_poll.cast(sid, ballot)
            if self._is_elected(ballot, self._round_poll):
                self._finish(ballot, self._round_poll)
                return
        if not self._leader_poll.has(sid, ballot):
            # There is a leader or soon will be: it is asked for again before long.
            self._interval_ms = self._min_interval_ms
        self._leader_poll.cast(sid, ballot)
        if self._is_elected(ballot, self._leader_poll) or self._is_followed(ballot):
            self._finish(ballot, self._leader_poll)
        elif self._is_led_alone(sid, ballot):
            self._tell(f"server {sid} leads: among two with an oracle that is enough")
            self._finish(ballot, self._leader_poll)

    def _is_elected(self, ballot: Ballot, poll: Poll) -> bool:
        leader = ballot.vote.leader
        is_sure = ballot.vote.round_ == self.round_ if leader == self.own_sid else poll.says_it_leads(leader)
        return is_sure and self.memberships.has_quorum(poll.voters_for(ballot))

    def _is_followed(self, ballot: Ballot) -> bool:
        """Whether another server leads a quorum of the committed membership. That is enough to follow it: a membership
        that was only proposed may be lost with the leader who did, and nobody else may know of it."""
        poll, leader = self._leader_poll, ballot.vote.leader
        is_sure = leader != self.own_sid and poll.says_it_leads(leader)
        return is_sure and self.memberships.committed.verifier.contains_quorum(poll.voters_for(ballot))

    def _may_go_alone(self) -> bool:
        agreeing = self._round_poll.voters_for(self._own_ballot())
        oracle, verifier = self._oracle, self.memberships.committed.verifier
        return oracle is not None and self.own_sid in agreeing and oracle.grants(verifier)

    def _is_led_alone(self, sid: int, ballot: Ballot) -> bool:
        """Whether the other one of two leads, whatever the own oracle says: two that lead would be worse."""
        is_leader = ballot.state == LEADING and ballot.vote.leader == sid != self.own_sid
        return is_leader and self._oracle is not None and decides_for(self.memberships.committed.verifier)

    def _finish(self, ballot: Ballot, poll: Poll) -> None:
        vote, voters = ballot.vote, poll.voters_for(ballot)
        self.state = self._role_for(vote.leader)
        self.round_ = vote.round_
        self.current = vote
        self.decision = Decision(self.state, vote, voters)
        votes = ", ".join([str(sid) for sid in sorted(voters)])
        self._tell(
            f"election round {vote.round_} is decided: {vote.text()} leads by the votes of {votes}; this server is "
            f"{STATE_NAMES[self.state]}"
        )
        self.pause()

    def _role_for(self, leader: int) -> int:
        if leader == self.own_sid:
            return LEADING
        return OBSERVING if self._is_observer else FOLLOWING

    def _tell_vote(self, sid: int, ballot: Ballot) -> None:
        """Once for each vote of each server."""
        vote, state = ballot.vote, ballot.state
        seen = (sid, state, vote.leader, vote.round_)
        if sid != self.own_sid and seen not in self._told and len(self._told) < MAX_TOLD:
            self._told.add(seen)
            self._tell(f"server {sid}, {STATE_NAMES[state]} in round {vote.round_}, votes for {vote.text()}")


def _vote_in(notification: Notification) -> Vote:
    return Vote(notification.leader, notification.zxid, notification.round_, notification.peer_epoch)
