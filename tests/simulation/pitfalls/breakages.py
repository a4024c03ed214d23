"""How each rule is broken on purpose: a small change of production code with which the row's scenario has to fail.

A breakage takes one guard away, as somebody might who does not know what it is for. What is compiled cannot be
replaced; where the guard is in such a module, `is_compiled` is true, and the breakage is tried where the source runs as
it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from zkeeper.database.acls import AclList, AclTable
from zkeeper.database.database import Database
from zkeeper.database.sessions import OWN, first_session_id
from zkeeper.errors import CorruptionError
from zkeeper.pipeline import learners as pipeline_learners
from zkeeper.pipeline.prepare import PrepareOptions
from zkeeper.pipeline.service import Service
from zkeeper.quorum.acks import Acks
from zkeeper.server import node, standalone
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.durable_log import DurableLog
from zkeeper.server.ensemble import replication
from zkeeper.server.ensemble.confirmations import Confirmations
from zkeeper.server.ensemble.leading import Leader
from zkeeper.server.ensemble.learner import Learner, Proposed
from zkeeper.server.ensemble.learners import Learners
from zkeeper.server.ensemble.member import EnsembleServer
from zkeeper.server.ensemble.replication import Replication
from zkeeper.server.settings import prepare_options
from zkeeper.storage import epochs, log_reader
from zkeeper.storage.disk import Disk
from zkeeper.storage.history import DiskHistory
from zkeeper.storage.snapshot_writer import SnapshotWriter
from zkeeper.testing.simulation import Unsynced
from zkeeper.wire import protocol, txns

from . import test_of_disks as disks
from . import test_of_leaders as leaders
from . import test_of_learners as learners
from . import test_of_roles as roles

Scenario = Callable[[], None]
Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Breakage:
    """`what` is broken, in words; `by` does so."""

    issues: str
    what: str
    scenario: Scenario
    by: Callable[[Patch], None]
    is_compiled: bool = False

    @property
    def name(self) -> str:
        return f"{self.issues}: {self.what}"


async def _nothing(*_: Any) -> None: ...


# Of learners.


def received_snapshots_stay_in_memory(patch: Patch) -> None:
    patch.setattr(EnsembleServer, "keep_received", _nothing)


def newleader_is_acknowledged_without_a_sync(patch: Patch) -> None:
    async def make_durable(self: Learner) -> None:
        await self.context.epochs.set_current(self.epoch)

    patch.setattr(Learner, "_make_durable", make_durable)


def the_epoch_comes_before_the_log(patch: Patch) -> None:
    make_durable = Learner._make_durable

    async def make_durable_late(self: Learner) -> None:
        await self.context.epochs.set_current(self.epoch)
        await make_durable(self)

    patch.setattr(Learner, "_make_durable", make_durable_late)


def proposals_are_acknowledged_as_they_come(patch: Patch) -> None:
    propose = Replication._propose

    def propose_and_acknowledge(self: Replication, zxid: int, payload: bytes | None) -> None:
        propose(self, zxid, payload)
        self.logged(zxid)

    patch.setattr(Replication, "_propose", propose_and_acknowledge)


def a_hole_in_a_history_is_not_looked_for(patch: Patch) -> None:
    patch.setattr(Learner, "_check_place", lambda self, zxid: None)


def a_hole_before_a_proposal_is_not_looked_for(patch: Patch) -> None:
    patch.setattr(replication, "follows", lambda zxid, last_zxid: True)


def a_commit_takes_the_next_proposal_whatever_its_zxid(patch: Patch) -> None:
    def commit(self: Learner, zxid: int) -> None:
        if self._is_acknowledged:
            self.committed.append(zxid)
        else:
            self._apply(self.proposed.popleft())

    patch.setattr(Learner, "_commit", commit)


def a_disk_error_is_only_told(patch: Patch) -> None:
    patch.setattr(EnsembleServer, "_fail", lambda self, error: None)


def the_old_writer_is_left_alone(patch: Patch) -> None:
    patch.setattr(DurableLog, "close", _nothing)


def digests_are_not_compared(patch: Patch) -> None:
    patch.setattr(EnsembleServer, "is_digest_enabled", False)


def a_check_outside_a_multi_is_decoded(patch: Patch) -> None:
    decode = txns.decode_txn

    def decode_any(payload: bytes, limit_bytes: int, with_digest: bool = True) -> txns.Txn:
        if payload[28:32] != b"\0\0\0\x0d":
            return decode(payload, limit_bytes, with_digest)
        txn = decode(payload[:28] + b"\xff\xff\xff\xff" + b"\0\0\0\0", limit_bytes, False)
        txn.txn_type = 13
        return txn

    patch.setattr(replication, "decode_txn", decode_any)


def what_the_log_has_is_applied_by_its_writer(patch: Patch) -> None:
    logged = Replication.logged

    def apply_and_acknowledge(self: Replication, zxid: int) -> None:
        logged(self, zxid)
        self._service.committed(zxid)

    patch.setattr(Replication, "logged", apply_and_acknowledge)


# Of leaders.


def files_of_the_log_need_not_join(patch: Patch) -> None:
    patch.setattr(DiskHistory, "_link", lambda self, last_zxid, zxid: setattr(self, "_before", self._peer_zxid))


def an_ack_counts_for_ever(patch: Patch) -> None:
    patch.setattr(Acks, "withdraw", lambda self, sid, zxid: None)


def all_connections_of_a_server_have_a_voice(patch: Patch) -> None:
    patch.setattr(Learners, "replace_by", lambda self, learner: None)


def a_leader_stays_whatever_a_voter_has_accepted(patch: Patch) -> None:
    patch.setattr(Leader, "_maybe_make_way", lambda self, voter, accepted_epoch: None)


def what_is_not_applied_yet_is_cut_back(patch: Patch) -> None:
    patch.setattr(Service, "apply_committed", lambda self: None)


def who_has_answered_counts_in_the_membership_of_then_alone(patch: Patch) -> None:
    patch.setattr(Confirmations, "_renewed", lambda self, gathering: gathering)


def memory_is_history_for_a_voter_without_a_log(patch: Patch) -> None:
    patch.setattr(EnsembleServer, "_has_to_forget", lambda self: False)


def a_history_is_replaced_beside_a_purge(patch: Patch) -> None:
    async def keep_received(self: EnsembleServer, database: Database) -> None:
        written = await SnapshotWriter(self._node.disk, self._node.storage).write(database)
        await self._resync.forget_behind(written.zxid)

    patch.setattr(EnsembleServer, "keep_received", keep_received)


def whatever_a_learner_asks_for_is_a_write(patch: Patch) -> None:
    patch.setattr(pipeline_learners, "is_write", lambda op: True)


def transactions_may_be_of_any_length(patch: Patch) -> None:
    def options(config: ServerConfig) -> PrepareOptions:
        made = prepare_options(config)
        made.max_txn_bytes = 1 << 30
        return made

    patch.setattr(node, "prepare_options", options)


def a_learner_keeps_ephemerals_of_closed_sessions(patch: Patch) -> None:
    apply = Learner._apply

    def apply_but_ends_of_sessions(self: Learner, proposed: Proposed) -> None:
        if proposed.txn.txn_type == protocol.CLOSE_SESSION:
            proposed.txn.body = txns.CloseSessionBody(None)
            proposed.txn.session_id = 0
        apply(self, proposed)

    patch.setattr(Learner, "_apply", apply_but_ends_of_sessions)


def ephemerals_without_a_session_are_left_alone(patch: Patch) -> None:
    def start(self: Service, owner: int = OWN) -> None:
        for session_id, timeout_ms in self.database.sessions.items():
            self.tracker.add(session_id, timeout_ms, self.now_ms()).owner = owner

    patch.setattr(Service, "start", start)


def a_leader_stays_when_its_zxids_are_used_up(patch: Patch) -> None:
    patch.setattr(Leader, "_give_up_used_up", lambda self: None)


# Of disks.


def ids_of_acls_are_given_again(patch: Patch) -> None:
    load_user = AclTable.load_user

    def load_user_and_forget(self: AclTable, index: int) -> AclList:
        last_index = self._last_index
        found = load_user(self, index)
        self._last_index = last_index
        return found

    patch.setattr(AclTable, "load_user", load_user_and_forget)


def an_id_that_is_in_no_table_is_damage(patch: Patch) -> None:
    load_user = AclTable.load_user

    def load_known_user(self: AclTable, index: int) -> AclList:
        if index not in self._by_index:
            raise CorruptionError(f"ACL index {index} is in no table")
        return load_user(self, index)

    patch.setattr(AclTable, "load_user", load_known_user)


def ids_of_sessions_are_counted_from_nothing(patch: Patch) -> None:
    patch.setattr(standalone, "first_session_id", lambda sid, now_ms, last_zxid: first_session_id(sid, now_ms, 0))


def epoch_files_are_written_in_place(patch: Patch) -> None:
    def write(disk: Disk, path: str, data: bytes) -> None:
        file = disk.open_writer(path)
        file.write(data)
        file.sync()
        file.close()

    patch.setattr(epochs, "replace_file", write)


def an_empty_last_log_is_damage(patch: Patch) -> None:
    patch.setattr(log_reader, "_is_stillborn", lambda header, file: False)


BREAKAGES = (
    Breakage(
        "3642, 4225", "a received snapshot stays in memory",
        learners.test_3642_4225_a_received_snapshot_is_on_the_disk_before_anything_builds_on_it,
        received_snapshots_stay_in_memory,
    ),
    Breakage(
        "3911, 4262", "NEWLEADER is acknowledged without a sync",
        learners.test_3911_4262_what_comes_before_newleader_is_durable_when_it_is_acknowledged,
        newleader_is_acknowledged_without_a_sync,
    ),
    Breakage(
        "3023, 4394, 4643, 4785", "the epoch is written before the log",
        learners.test_3023_4394_4643_4785_the_log_comes_before_the_epoch_and_both_before_the_acknowledgement,
        the_epoch_comes_before_the_log,
    ),
    Breakage(
        "4646, 4685", "a proposal is acknowledged when it comes",
        learners.test_4646_4685_a_proposal_is_acknowledged_by_what_the_disk_confirmed,
        proposals_are_acknowledged_as_they_come, is_compiled=True,
    ),
    Breakage(
        "4925", "a hole in a history is not looked for",
        learners.test_4925_a_history_with_a_hole_is_not_taken_over,
        a_hole_in_a_history_is_not_looked_for,
    ),
    Breakage(
        "4925", "a hole before a proposal is not looked for",
        learners.test_4925_a_proposal_behind_a_hole_is_not_taken,
        a_hole_before_a_proposal_is_not_looked_for, is_compiled=True,
    ),
    Breakage(
        "4925", "a commit takes the next proposal, whatever its zxid",
        learners.test_4925_a_commit_of_another_transaction_than_the_next_is_not_taken,
        a_commit_takes_the_next_proposal_whatever_its_zxid,
    ),
    Breakage(
        "4882", "a disk error is told, and the server goes on",
        learners.test_4882_after_a_passing_disk_error_the_server_begins_anew_from_its_disk,
        a_disk_error_is_only_told,
    ),
    Breakage(
        "4712, 4541", "the writer of a role that is over is not closed",
        learners.test_4712_4541_the_writer_of_a_role_that_is_over_writes_nothing_more,
        the_old_writer_is_left_alone,
    ),
    Breakage(
        "2845, 2846", "digests are not compared",
        learners.test_2845_2846_a_database_that_diverged_is_seen_by_the_next_digest,
        digests_are_not_compared,
    ),
    Breakage(
        "2623, 4680", "a check outside a multi is decoded",
        learners.test_2623_4680_a_bare_check_that_a_leader_proposes_touches_nothing,
        a_check_outside_a_multi_is_decoded, is_compiled=True,
    ),
    Breakage(
        "4537, 4409", "what the log has is applied by its writer, too",
        learners.test_4537_4409_reads_see_what_is_committed_and_nothing_of_what_is_logged,
        what_the_log_has_is_applied_by_its_writer, is_compiled=True,
    ),
    Breakage(
        "2418", "files of the log need not join",
        leaders.test_2418_a_history_from_the_logs_joins_what_the_learner_has_and_what_is_in_memory,
        files_of_the_log_need_not_join,
    ),
    Breakage(
        "own", "an ACK counts for ever",
        partial(leaders.test_own_an_ack_counts_only_while_the_log_holds_what_it_was_for, True),
        an_ack_counts_for_ever, is_compiled=True,
    ),
    Breakage(
        "own", "all connections of a server have a voice",
        leaders.test_own_an_ack_that_a_new_connection_has_overtaken_does_not_count,
        all_connections_of_a_server_have_a_voice,
    ),
    Breakage(
        "own", "an ACK counts for ever",
        roles.test_own_an_ack_does_not_count_any_more_when_its_server_comes_back_as_an_observer,
        an_ack_counts_for_ever, is_compiled=True,
    ),
    Breakage(
        "own", "what is not applied yet is cut back",
        roles.test_own_what_is_committed_is_not_taken_from_a_log_because_it_is_not_applied_yet,
        what_is_not_applied_yet_is_cut_back, is_compiled=True,
    ),
    Breakage(
        "own", "who has answered counts in the membership of then alone",
        roles.test_own_a_sync_amid_a_change_does_not_wait_for_who_has_left_with_it,
        who_has_answered_counts_in_the_membership_of_then_alone,
    ),
    Breakage(
        "own", "memory is history for a voter without a log",
        roles.test_own_an_observer_without_a_log_that_learns_in_an_election_that_it_votes_goes_on_from_its_disk,
        memory_is_history_for_a_voter_without_a_log,
    ),
    Breakage(
        "own", "memory is history for a voter without a log",
        partial(roles.test_own_an_observer_without_a_log_that_is_told_that_it_votes_goes_on_from_its_disk, True),
        memory_is_history_for_a_voter_without_a_log,
    ),
    Breakage(
        "own", "a history is replaced beside a purge",
        roles.test_own_a_purge_leaves_the_snapshot_that_takes_the_place_of_a_later_history,
        a_history_is_replaced_beside_a_purge,
    ),
    Breakage(
        "2623, 4680", "whatever a learner asks for is a write",
        leaders.test_2623_4680_a_bare_check_is_no_transaction,
        whatever_a_learner_asks_for_is_a_write, is_compiled=True,
    ),
    Breakage(
        "3496", "a transaction may be of any length",
        leaders.test_3496_a_transaction_is_not_longer_than_logs_and_peers_take,
        transactions_may_be_of_any_length,
    ),
    Breakage(
        "4837, 5010", "a learner that catches up keeps ephemerals of closed sessions",
        leaders.test_4837_5010_an_ephemeral_does_not_outlive_its_session_through_a_partition,
        a_learner_keeps_ephemerals_of_closed_sessions,
    ),
    Breakage(
        "4837, 5010", "a leader leaves ephemerals without a session alone",
        leaders.test_4837_5010_who_begins_to_lead_closes_sessions_of_which_only_ephemerals_are_left,
        ephemerals_without_a_session_are_left_alone, is_compiled=True,
    ),
    Breakage(
        "own", "a leader stays, whatever a voter has accepted",
        leaders.test_own_a_leader_makes_way_for_the_epoch_after_one_that_a_voter_has_accepted,
        a_leader_stays_whatever_a_voter_has_accepted,
    ),
    Breakage(
        "own", "ids of sessions are counted from nothing at each start",
        disks.test_own_a_clock_that_was_set_back_does_not_have_ids_of_sessions_given_again,
        ids_of_sessions_are_counted_from_nothing,
    ),
    Breakage(
        "1277, 2789, 4883", "a leader stays when its zxids are used up",
        leaders.test_1277_2789_4883_when_the_zxids_of_an_epoch_are_used_up_the_next_one_begins,
        a_leader_stays_when_its_zxids_are_used_up,
    ),
    Breakage(
        "4846, 4689, 3306", "the id of a list that is in no table is given again",
        disks.test_4846_4689_3306_acls_of_a_fuzzy_snapshot_come_from_the_log_and_their_ids_are_not_given_again,
        ids_of_acls_are_given_again, is_compiled=True,
    ),
    Breakage(
        "4846, 4689, 3306", "an id that is in no table is damage",
        disks.test_4846_4689_3306_acls_of_a_fuzzy_snapshot_come_from_the_log_and_their_ids_are_not_given_again,
        an_id_that_is_in_no_table_is_damage, is_compiled=True,
    ),
    Breakage(
        "4269, 2307", "an epoch file is written in its place",
        partial(disks.test_4269_2307_a_crash_at_any_step_of_an_epoch_file_does_not_stop_the_start, Unsynced.CACHED),
        epoch_files_are_written_in_place,
    ),
    Breakage(
        "2332", "an empty last log is damage",
        partial(disks.test_2332_an_empty_last_log_does_not_stop_the_start, b""),
        an_empty_last_log_is_damage,
    ),
)  # fmt: skip
