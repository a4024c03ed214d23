"""A member of an ensemble: which one it is, and what it must know to be one. The checks are in Java's order."""

import logging
import os
from dataclasses import replace

from zkeeper.quorum.membership import Membership, MembershipError, parse_number
from zkeeper.server.config.build import Given
from zkeeper.server.config.client_address import with_client_address
from zkeeper.server.config.doubts import note_doubts
from zkeeper.server.config.ensemble import QuorumConfig
from zkeeper.server.config.members import Listed, ReadFile, next_members
from zkeeper.server.config.messages import ConfigError, Note
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.config.not_served import refuse_unsafe_ensemble

MYID = "myid"
NEXT = ".dynamic.next"
_LARGEST_SID_WITH_TTL = 254


def as_member(given: Given, listed: Listed, read_file: ReadFile, notes: list[Note]) -> ServerConfig:
    """The configuration with its `quorum`. `ConfigError` says what is missing or does not fit."""
    refuse_unsafe_ensemble(given)
    sid = _my_sid(given, read_file)
    config = given.config if sid is None else with_client_address(given, listed, sid)
    _check_limits(given)
    if sid is None:
        advice = f"write the number of this server into {_myid_path(given)}"
        raise ConfigError("myid file is missing", advice, source=given.origin)
    _check_sid(given, listed, sid, notes)
    note_doubts(config, listed, sid, notes)
    static_file = os.path.abspath(given.origin)
    quorum = QuorumConfig(
        my_sid=sid,
        committed=listed.membership,
        last_seen=_last_seen(given, listed, read_file, static_file, notes),
        static_file=static_file,
        tick_time_ms=config.sessions.tick_time_ms,
        ensemble=config.ensemble,
        election=config.election,
        learners=config.learners,
    )
    return replace(config, quorum=quorum)


def _myid_path(given: Given) -> str:
    return os.path.join(given.config.storage.data_dir, MYID)


def _my_sid(given: Given, read_file: ReadFile) -> int | None:
    """The number in the first line of the file `myid`; `None` when there is no such file."""
    path = _myid_path(given)
    try:
        text = read_file(path).decode("iso-8859-1")
    except FileNotFoundError:
        return None
    except NotADirectoryError as bad:
        reason = f"{path} cannot be read: a file is where a folder should be"
        raise ConfigError(reason, "correct dataDir, or move the file away", source=given.origin) from bad
    except OSError as bad:
        raise ConfigError(f"{path} cannot be read: {bad.strerror}", "check its permissions") from bad
    line = text.replace("\r", "\n").partition("\n")[0]
    try:
        return parse_number(line, MYID)
    except MembershipError as bad:
        advice = "write the number of this server into it, in one line without blanks"
        raise ConfigError(f"serverid {line} is not a number", advice, source=path) from bad


def _check_limits(given: Given) -> None:
    ensemble = given.config.ensemble
    for ticks, key, usual in (
        (ensemble.init_limit_ticks, "initLimit", 10),
        (ensemble.sync_limit_ticks, "syncLimit", 5),
    ):
        if ticks == 0:
            raise given.error(f"{key} is not set", f"write its ticks, usually {usual}", key)


def _check_sid(given: Given, listed: Listed, sid: int, notes: list[Note]) -> None:
    if sid not in listed.membership.members:
        advice = (
            f"correct {_myid_path(given)}, or add a line server.{sid}; what a reconfig has written anew is beside it "
            "with .bak behind its name"
        )
        raise ConfigError(f"My id {sid} not in the peer list", advice, source=listed.origin)
    if given.config.nodes.is_extended_types_enabled and sid > _LARGEST_SID_WITH_TTL:
        reason = (
            f"extendedTypesEnabled is true but Server ID is too large. Cannot be larger than {_LARGEST_SID_WITH_TTL}"
        )
        raise given.error(reason, "number this server anew", "extendedTypesEnabled")
    _note_role(given, listed, sid, notes)


def _note_role(given: Given, listed: Listed, sid: int, notes: list[Note]) -> None:
    given_role = given.entries.get("peerType")
    listed_role = "observer" if listed.membership.members[sid].is_observer else "participant"
    if given_role is not None and given.config.ensemble.peer_type != listed_role:
        text = (
            f"{given_role.source}: Peer type from servers list ({listed_role.upper()}) doesn't match peerType"
            f" ({given.config.ensemble.peer_type.upper()}). Defaulting to servers list."
        )
        notes.append(Note(logging.WARNING, text))


def _last_seen(given: Given, listed: Listed, read_file: ReadFile, static_file: str, notes: list[Note]) -> Membership:
    """What was proposed last. Like Java we look for it only beside a dynamic file, and only a newer one counts."""
    if given.config.ensemble.dynamic_config_file is None:
        return listed.membership
    found = next_members(given, read_file, static_file + NEXT, notes)
    return found if found is not None and found.version > listed.membership.version else listed.membership
