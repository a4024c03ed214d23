"""Plays a transcript of an election: what one server is told, and all that it does upon it.

A transcript is a text of steps. A step is a command, `----`, and what the server does, one thing a line, up to an empty
line. Lines that begin with `#` are for the reader. Commands:

    server SID of SID... [next SID...] [groups SID,SID... ...] [weights SID=W...] [oracle yes|no]
        A new server; `next` are the participants of a newer membership that it has seen.
    begin VOTE                    looks for a leader; VOTE is `epoch=E zxid=0xZ`, and here also `observer`
    from SID STATE SID VOTE round=R [version=V]    a message of SID, in that state, which votes for the other SID
    pass MS                       time that passes without a deadline
    expire [undelivered]          the deadline comes; nothing, or something, has left this server since
    role STATE SID VOTE round=R   the server has its role without an election
    epoch E                       the role has reached broadcast
    oracle yes|no                 the oracle changes its mind
    commit SID...                 another membership is committed
"""

import re
from collections.abc import Iterator
from pathlib import Path

from membership_support import member, voters

from zkeeper.quorum.election import Elector
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.memberships import Memberships
from zkeeper.quorum.verifiers import Oracle
from zkeeper.quorum.votes import NO_SID, STATE_NAMES, Vote
from zkeeper.wire.notifications import Notification

STATES = {name: number for number, name in enumerate(STATE_NAMES)}


class NoFiles:
    """Memberships of these tests are not kept."""

    def write_next(self, membership: Membership) -> None: ...

    def activate(self, membership: Membership) -> None: ...

    def remove_next(self) -> None: ...


def memberships(committed: Membership, last_seen: Membership | None = None) -> Memberships:
    return Memberships(committed, last_seen or committed, True, NoFiles())


class Step:
    def __init__(self, comments: list[str], command: str, expected: list[str]) -> None:
        self.comments = comments
        self.command = command
        self.expected = expected


def read_transcript(path: Path) -> list[Step]:
    return [_read_step(block.splitlines()) for block in re.split(r"\n\n+", path.read_text().strip())]


def _read_step(lines: list[str]) -> Step:
    *comments, command = lines[: lines.index("----")]
    return Step(comments, command, lines[lines.index("----") + 1 :])


def write_transcript(steps: list[Step]) -> str:
    return "\n\n".join("\n".join([*one.comments, one.command, "----", *one.expected]) for one in steps) + "\n"


class Player:
    """Plays one transcript; `play` returns what the server did."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.done: list[str] = []
        self.oracle_says_yes = False

    def play(self, command: str) -> list[str]:
        self.done = []
        name, *words = command.split()
        getattr(self, f"_{name}")(words)
        self.done += list(self._effects())
        return self.done

    def _server(self, words: list[str]) -> None:
        parts: dict[str, list[str]] = {}
        for word in words[1:]:
            if "=" in word or "," in word or word.lstrip("-").isdigit() or word in ("yes", "no"):
                list(parts.values())[-1].append(word)
            else:
                parts[word] = []
        sids = [int(sid) for sid in parts["of"]]
        committed = self._membership(sids, parts)
        following = [int(sid) for sid in parts.get("next", [])]
        last_seen = voters(*following, version=2) if following else None
        self.oracle_says_yes = parts.get("oracle") == ["yes"]
        oracle = Oracle(lambda: self.oracle_says_yes) if "oracle" in parts else None
        vote = Vote(int(words[0]), 0, -1, 0)
        self.elector = Elector(int(words[0]), memberships(committed, last_seen), vote, self._tell, self._report, oracle)

    def _membership(self, sids: list[int], parts: dict[str, list[str]]) -> Membership:
        groups = {at: {int(sid) for sid in one.split(",")} for at, one in enumerate(parts.get("groups", []))}
        weights = [one.split("=") for one in parts.get("weights", [])]
        members = {sid: member(sid) for sid in sids}
        return Membership(members, groups, {int(sid): int(weight) for sid, weight in weights}, version=1)

    def _tell(self, sentence: str) -> None:
        self.done.append(f"# {sentence}")

    def _report(self, sid: int, _: Vote) -> None:
        self.done.append(f"looking: {sid}")

    def _begin(self, words: list[str]) -> None:
        vote = _vote(NO_SID, words)
        self.elector.begin(vote.zxid, vote.peer_epoch, "observer" in words, self.now_ms)

    def _from(self, words: list[str]) -> None:
        vote = _vote(int(words[2]), words)
        version = int(_values(words).get("version", "2"))
        state = STATES[words[1]]
        self.elector.receive(
            int(words[0]),
            Notification(state, vote.leader, vote.zxid, vote.round_, vote.peer_epoch, version, b""),
            self.now_ms,
        )

    def _pass(self, words: list[str]) -> None:
        self.now_ms += int(words[0])

    def _expire(self, words: list[str]) -> None:
        assert self.elector.deadline_ms >= self.now_ms
        self.now_ms = self.elector.deadline_ms
        self.elector.expire(self.now_ms, has_delivered="undelivered" not in words)

    def _role(self, words: list[str]) -> None:
        self.elector.set_role(STATES[words[0]], _vote(int(words[1]), words))

    def _epoch(self, words: list[str]) -> None:
        self.elector.update_epoch(int(words[0]))

    def _oracle(self, words: list[str]) -> None:
        self.oracle_says_yes = words == ["yes"]

    def _commit(self, words: list[str]) -> None:
        assert self.elector.memberships.set_committed(voters(*map(int, words), version=3))

    def _effects(self) -> Iterator[str]:
        elector = self.elector
        by_message: dict[str, list[int]] = {}
        for sid, sent in elector.outbox:
            vote = Vote(sent.leader, sent.zxid, sent.round_, sent.peer_epoch)
            by_message.setdefault(f"{STATE_NAMES[sent.state]} {vote.text()} round={vote.round_}", []).append(sid)
        elector.outbox.clear()
        for message, sids in by_message.items():
            yield f"to {' '.join(map(str, sids))}: {message}"
        if elector.wants_connections:
            elector.wants_connections = False
            yield "connect to all"
        if elector.decision is not None:
            voters = " ".join(map(str, sorted(elector.decision.voters)))
            yield f"decided: {STATE_NAMES[elector.decision.state]} under {elector.decision.vote.leader} by {voters}"
            elector.decision = None
        if elector.deadline_ms >= 0:
            yield f"waits {elector.deadline_ms - self.now_ms} ms"


def _values(words: list[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words if "=" in word)


def _vote(leader: int, words: list[str]) -> Vote:
    values = _values(words)
    return Vote(leader, int(values["zxid"], 16), int(values.get("round", "0")), int(values["epoch"]))
