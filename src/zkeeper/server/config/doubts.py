"""What can hardly be meant in a list of members, though Java starts with it: a warning that names the line.

It is an error where nobody would ever be served, or where Java does not go on for long either.
"""

import logging
from collections.abc import Iterator

from zkeeper.quorum.members import LARGEST_SID, LEAST_SID, Member, bracketed
from zkeeper.server.config.members import Listed
from zkeeper.server.config.messages import Note
from zkeeper.server.config.model import ServerConfig
from zkeeper.wire.addresses import listening_host

Address = tuple[str, int]


def note_doubts(config: ServerConfig, listed: Listed, sid: int, notes: list[Note]) -> None:
    """Of server `sid`, which is a member. Raises `ConfigError`."""
    _check_weights(listed)
    _check_election_port(config, listed, sid)
    for key, text in (
        *_numbers(listed), *_shared_addresses(listed), *_idle_weights(listed), *_own_quorum_port(config, listed, sid),
    ):  # fmt: skip
        notes.append(Note(logging.WARNING, f"{listed.place(key)}: {text}"))


def _check_weights(listed: Listed) -> None:
    membership = listed.membership
    if membership.is_hierarchical and not any(membership.verifier.weight(sid) for sid in membership.participants):
        reason = "no server of any group has a weight, so that no quorum is ever possible"
        raise listed.error(f"weight.{min(membership.weights)}", reason, "give servers that vote a weight of 1 or more")


def _numbers(listed: Listed) -> Iterator[tuple[str, str]]:
    for sid in listed.membership.members:
        if not LEAST_SID <= sid <= LARGEST_SID:
            yield (
                f"server.{sid}",
                f"the number {sid} does not fit into session ids; number servers from {LEAST_SID} to {LARGEST_SID}",
            )


def _shared_addresses(listed: Listed) -> Iterator[tuple[str, str]]:
    owners: dict[Address, int] = {}
    for sid, member in listed.membership.members.items():
        shared: dict[int, list[str]] = {}
        for host, port in _quorum_addresses(member) + _election_addresses(member):
            owner = owners.setdefault((host, port), sid)
            if owner != sid:
                shared.setdefault(owner, []).append(f"{bracketed(host)}:{port}")
        for owner, addresses in shared.items():
            text = f"server.{owner} and server.{sid} both have {', '.join(addresses)}"
            yield f"server.{sid}", f"{text}; give each server a host or ports of its own"


def _idle_weights(listed: Listed) -> Iterator[tuple[str, str]]:
    membership = listed.membership
    for sid in membership.weights:
        if sid not in membership.participants:
            what = f"server {sid} is an observer" if sid in membership.members else f"there is no server.{sid}"
            yield f"weight.{sid}", f"weight.{sid} has no effect, as {what}; remove it, or correct its number"


def _check_election_port(config: ServerConfig, listed: Listed, sid: int) -> None:
    if _meets_clients(config, _election_addresses(listed.membership.members[sid])):
        reason = f"the election port of this server is its client port, {config.network.client_port}"
        raise listed.error(f"server.{sid}", reason, "choose another one for elections, in the lines of all members")


def _own_quorum_port(config: ServerConfig, listed: Listed, sid: int) -> Iterator[tuple[str, str]]:
    if _meets_clients(config, _quorum_addresses(listed.membership.members[sid])):
        text = f"the quorum port of this server is its client port, {config.network.client_port}: it can never lead"
        yield f"server.{sid}", f"{text}; choose another one, in the lines of all members"


def _meets_clients(config: ServerConfig, addresses: list[Address]) -> bool:
    """Whether one of the addresses cannot be listened on beside the client port. Hosts are compared as written."""
    host, port = config.network.listening_host, config.network.client_port
    hosts = {listening_host(each) for each, each_port in addresses if port and each_port == port}
    is_on_all = host is None or None in hosts or config.ensemble.is_listening_on_all_ips
    return bool(hosts) and (is_on_all or host in hosts)


def _quorum_addresses(member: Member) -> list[Address]:
    return [(each.host, each.quorum_port) for each in member.addresses]


def _election_addresses(member: Member) -> list[Address]:
    return [(each.host, each.election_port) for each in member.addresses]
