"""Who the members are, as zoo.cfg or the dynamic file lists them, and whether the server stands alone.

Invariant: a configuration that Java would run as a member of an ensemble never runs standalone.
"""

import logging
import os
from collections.abc import Callable
from typing import NamedTuple

from zkeeper.quorum.membership import Membership, MembershipError, parse_version
from zkeeper.quorum.reconfiguration import check_addresses
from zkeeper.server.config.build import Given
from zkeeper.server.config.messages import ConfigError, Note
from zkeeper.server.config.other_keys import is_member_key
from zkeeper.server.config.sources import Entries, Entry, put
from zkeeper.wire.properties import PropertiesError, parse_properties

ReadFile = Callable[[str], bytes]
"""Reads a whole file; raises `OSError`, `FileNotFoundError` among them."""

_STAND_ALONE = "for a standalone server remove all of server.N, group.N, weight.N and dynamicConfigFile"


class Listed(NamedTuple):
    """The members, and the lines that list them, for checks that name the place of a mistake."""

    membership: Membership
    entries: Entries
    origin: str

    def place(self, key: str) -> str:
        entry = self.entries.get(key)
        return self.origin if entry is None else entry.source

    def error(self, key: str, reason: str, advice: str) -> ConfigError:
        entry = self.entries.get(key)
        return ConfigError(reason, advice, source=self.origin) if entry is None else entry.error(reason, advice)


def check_dynamic_file(given: Given) -> None:
    """Members belong into the dynamic file when there is one."""
    for entry in _static_entries(given).values() if given.config.ensemble.dynamic_config_file is not None else []:
        reason = f"parameter: {entry.key} must be in a separate dynamic config file"
        raise entry.error(reason, "move it there, or remove dynamicConfigFile")


def listed_members(given: Given, read_file: ReadFile, notes: list[Note]) -> Listed:
    """The members that zoo.cfg lists, or the dynamic file that it names."""
    ensemble = given.config.ensemble
    path = ensemble.dynamic_config_file
    if path is None:
        return _listed(_static_entries(given), 0, given.origin, ensemble.is_multi_address_enabled)
    try:
        entries = _file_entries(path, read_file, notes)
    except OSError as bad:
        reason = f"Error processing {path}: {bad.strerror}"
        raise given.error(reason, "name the file that lists the members", "dynamicConfigFile") from bad
    if "version" in entries:
        advice = "remove it; the version is the hexadecimal end of the file's name"
        raise entries["version"].error("dynamic file shouldn't have version inside", advice)
    return _listed(entries, version_in_name(path), path, ensemble.is_multi_address_enabled)


def next_members(given: Given, read_file: ReadFile, path: str, notes: list[Note]) -> Membership | None:
    """The membership in `path` that was proposed last; none when there is no such file."""
    try:
        entries = _file_entries(path, read_file, notes)
    except FileNotFoundError:
        return None
    except OSError as bad:
        advice = "check its permissions; without it this server may elect a leader that lacks what was acknowledged"
        raise ConfigError(f"Error processing {path}: {bad.strerror}", advice) from bad
    return _listed(entries, None, path, given.config.ensemble.is_multi_address_enabled).membership


def version_in_name(path: str) -> int:
    """The hexadecimal number behind the last dot of a dynamic file's name; 0 when there is none."""
    _, dot, version = os.path.basename(path).rpartition(".")
    try:
        return parse_version(version) if dot else 0
    except MembershipError:
        return 0


def stands_alone(given: Given, listed: Listed, notes: list[Note]) -> bool:
    """Java's table of which numbers of members run how."""
    participants, observers = listed.membership.participants, listed.membership.observers
    can_stand_alone = given.config.ensemble.is_standalone_enabled
    if not participants and not can_stand_alone:
        reason = "standaloneEnabled = false then number of participants should be >0"
        raise given.error(reason, "remove standaloneEnabled=false", "standaloneEnabled")
    if observers and len(participants) < 2 and can_stand_alone:
        reason = f"Observers w/o {'quorum' if participants else 'participants'} is an invalid configuration"
        raise listed.error(f"server.{min(observers)}", reason, _STAND_ALONE)
    is_alone = can_stand_alone and len(participants) < 2
    _note_number(listed, is_alone, notes)
    return is_alone


def _note_number(listed: Listed, is_alone: bool, notes: list[Note]) -> None:
    count = len(listed.membership.participants)
    if is_alone and count == 1:
        text = "only one server is specified, so it runs standalone"
    elif count == 2:
        text = "No server failure will be tolerated. You need at least 3 servers."
    elif count > 2 and count % 2 == 0:
        text = "Non-optimal configuration, consider an odd number of servers."
    else:
        return
    first = next(iter(listed.entries.values()))
    notes.append(Note(logging.WARNING, f"{first.source}: {text}"))


def _static_entries(given: Given) -> Entries:
    return {entry.key: entry for entry in given.entries.values() if is_member_key(entry.key)}


def _file_entries(path: str, read_file: ReadFile, notes: list[Note]) -> Entries:
    try:
        properties = parse_properties(read_file(path))
    except PropertiesError as bad:
        advice = "a backslash in a value is written twice"
        raise ConfigError(bad.reason, advice, source=f"{path} line {bad.line}") from bad
    entries: Entries = {}
    for each in properties:
        put(entries, Entry(each.key, each.value, f"{path} line {each.line}", each.key), notes)
    return entries


def _listed(entries: Entries, version: int | None, origin: str, allows_several_addresses: bool) -> Listed:
    """What the entries list. A version of `None` is that which they have inside."""
    try:
        membership = Membership.of([(entry.key, entry.value) for entry in entries.values()])
        for member in membership.members.values():
            check_addresses(member, allows_several_addresses)
    except MembershipError as bad:
        place = entries.get(bad.key)
        if place is None:
            raise ConfigError(bad.reason, bad.advice, source=origin, key=bad.key) from bad
        raise place.error(bad.reason, bad.advice) from bad
    return Listed(membership if version is None else membership.with_version(version), entries, origin)
