"""The ensemble keys of a configuration: who is a member, and why this version can or cannot serve it.

Invariant: a configuration that Java would run as a member of an ensemble is refused, never run standalone.
"""

import logging
import re
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from zkeeper.server.config.messages import ConfigError, Note
from zkeeper.server.config.other_keys import is_member_key
from zkeeper.server.config.sources import Entries, Entry
from zkeeper.server.config.values import BadValue, Reader, role, strict_int

T = TypeVar("T")

_HOST_AND_PORTS = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)((?::[^:]*)*)")
_PORT = re.compile(r"[0-9]{1,9}")
_FORM_ERROR = (
    "{value} does not have the form server_config or server_config;client_config where server_config is the pipe"
    " separated list of host:port:port or host:port:port:type and client_config is port or host:port"
)
_FORM_ADVICE = "write host:quorumPort:electionPort[:role][;[host:]clientPort]"
_NOT_SERVED = "ensembles are not served by this version of zkeeper yet"
_STAND_ALONE = "for a standalone server remove all of server.N, group.N, weight.N and dynamicConfigFile"


class Member(NamedTuple):
    """One server.N; the client address is the part behind the semicolon (host `None`: all interfaces)."""

    entry: Entry
    is_observer: bool
    client_host: str | None
    client_port: int | None


def check_dynamic_file(entries: Entries) -> None:
    """Members belong into the dynamic file when there is one."""
    for member in _member_entries(entries) if "dynamicConfigFile" in entries else []:
        reason = f"parameter: {member.key} must be in a separate dynamic config file"
        raise member.error(reason, "move it there, or remove dynamicConfigFile")


def lone_member(entries: Entries, ensemble: Mapping[str, object], notes: list[Note]) -> Member | None:
    """The one member of a configuration that runs standalone all the same; raises for every real ensemble."""
    if "dynamicConfigFile" in entries:
        raise entries["dynamicConfigFile"].error(_NOT_SERVED, _STAND_ALONE)
    servers = [entry for entry in _member_entries(entries) if entry.key.startswith("server.")]
    members = [_read_member(entry) for entry in servers]
    _check_members(members, None if ensemble.get("standaloneEnabled", True) else entries["standaloneEnabled"])
    for hierarchy in (entry for entry in _member_entries(entries) if entry not in servers):
        raise hierarchy.error(_NOT_SERVED, _STAND_ALONE)
    if not members:
        return None
    text = f"{members[0].entry.source}: only one server is specified, so it runs standalone"
    notes.append(Note(logging.WARNING, text))
    return members[0]


def _check_members(members: list[Member], standalone_disabled: Entry | None) -> None:
    """Java's table of which numbers of members run how; the entry is `standaloneEnabled=false`, where it is."""
    participants = [member for member in members if not member.is_observer]
    observers = [member for member in members if member.is_observer]
    if not participants and standalone_disabled is not None:
        reason = "standaloneEnabled = false then number of participants should be >0"
        raise standalone_disabled.error(reason, "remove standaloneEnabled=false")
    if observers and len(participants) < 2 and standalone_disabled is None:
        missing = "quorum" if participants else "participants"
        raise observers[0].entry.error(f"Observers w/o {missing} is an invalid configuration", _STAND_ALONE)
    if len(participants) > 1 or (participants and standalone_disabled is not None):
        raise participants[-1].entry.error(_NOT_SERVED, _STAND_ALONE)


def _read_member(entry: Entry) -> Member:
    _read(strict_int(), entry.key.removeprefix("server."), entry)
    servers, *clients = (part.strip() for part in entry.value.split(";"))
    roles = {_read_server(server.strip(), entry) for server in servers.split("|")}
    if len(roles) > 1:
        raise entry.error(f"Multiple addresses should have similar roles: {entry.value}", "choose one role")
    if len(clients) > 2:
        raise _form_error(entry)
    host, port = _read_client(clients[0], entry) if clients and clients[0] else (None, None)
    return Member(entry, "observer" in roles, host, port)


def _read_server(text: str, entry: Entry) -> str:
    host, parts = _split(text, entry)
    if len(parts) not in (2, 3):
        raise _form_error(entry)
    quorum_port, election_port = (_port(host, part, entry) for part in parts[:2])
    if quorum_port == election_port:
        reason = f"Client and election port must be different! Please update the configuration file on {entry.key}"
        raise entry.error(reason, _FORM_ADVICE)
    return _read(role, parts[2], entry) if len(parts) == 3 else "participant"


def _read(read: Reader[T], text: str, entry: Entry) -> T:
    try:
        return read(text).value
    except BadValue as bad:
        raise entry.error(bad.reason, bad.advice) from bad


def _read_client(text: str, entry: Entry) -> tuple[str | None, int]:
    if _PORT.fullmatch(text):
        return None, _port("0.0.0.0", text, entry)
    host, parts = _split(text, entry)
    if len(parts) != 1:
        raise _form_error(entry)
    return host.strip("[]"), _port(host, parts[0], entry)


def _split(text: str, entry: Entry) -> tuple[str, list[str]]:
    match = _HOST_AND_PORTS.fullmatch(text)
    if match is None:
        raise _form_error(entry)
    return match[1], match[2].split(":")[1:]


def _port(host: str, text: str, entry: Entry) -> int:
    if not _PORT.fullmatch(text):
        raise entry.error(f"Address unresolved: {host}:{text}", "write a port from 0 to 65535")
    return _read(strict_int(0, 65535), text, entry)


def _member_entries(entries: Entries) -> list[Entry]:
    return [entry for entry in entries.values() if is_member_key(entry.key)]


def _form_error(entry: Entry) -> ConfigError:
    return entry.error(_FORM_ERROR.format(value=entry.value), _FORM_ADVICE)
