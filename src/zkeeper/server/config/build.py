"""From the entries that count to typed values.

Each entry is read once; a strict one that cannot be read raises, a lenient one leaves its default in force.
"""

import logging
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from zkeeper.server.config.key_names import SETTINGS, groups, is_ensemble_key
from zkeeper.server.config.messages import ConfigError, Note, shown
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.config.other_keys import STANDS_ALONE, Ignored, ignored
from zkeeper.server.config.setting import Setting, settings_of
from zkeeper.server.config.sources import Entries, Entry
from zkeeper.server.config.values import BadValue, Reader


@dataclass(frozen=True)
class Given:
    """The configuration beside what it was made from, for checks that name the place of a mistake.

    `origin` is the file's name, for what is missing from it.
    """

    config: ServerConfig
    entries: Entries
    origin: str

    def error(self, reason: str, advice: str, key: str) -> ConfigError:
        entry = self.entries.get(key)
        return ConfigError(reason, advice, source=self.origin) if entry is None else entry.error(reason, advice)


def build(entries: Entries, origin: str, notes: list[Note]) -> Given:
    """What the entries make; nothing has been checked that concerns more than one key."""
    values = _Values(entries, notes)
    made: dict[str, Any] = {
        name: group(**{each.name: values.of(each) for each in settings_of(group)}) for name, group in groups().items()
    }
    return Given(ServerConfig(**made, sources=MappingProxyType(values.sources)), entries, origin)


def note_ignored(entries: Entries, stands_alone: bool, notes: list[Note]) -> None:
    for entry in entries.values():
        reason = _why_ignored(entry.key, stands_alone)
        if reason is not None:
            notes.append(Note(reason.level, f"{entry.source}: {entry.spelling} has no effect: {reason.why}"))


def _why_ignored(key: str, stands_alone: bool) -> Ignored | None:
    if is_ensemble_key(key):
        return STANDS_ALONE if stands_alone else None
    return None if key in SETTINGS else ignored(key)


class _Values:
    """Reads entries, and keeps the sources of those that could be read."""

    def __init__(self, entries: Entries, notes: list[Note]) -> None:
        self._entries = entries
        self._notes = notes
        self.sources: dict[str, str] = {}

    def of(self, setting: Setting) -> object:
        if setting.is_family:
            keys = sorted(key for key in self._entries if setting.matches(key))
            return tuple(self.read(setting.read, "", self._entries[key]) for key in keys)
        entry = self._entries.get(setting.key)
        return setting.default if entry is None else self.read(setting.read, setting.default, entry)

    def read(self, read: Reader[Any], default: object, entry: Entry) -> object:
        try:
            reading = read(entry.value)
        except BadValue as bad:
            if bad.is_fatal:
                raise entry.error(bad.reason.replace("{key}", entry.spelling), bad.advice) from bad
            self._remark(entry, f"{bad.reason}, so the default is in force; {bad.advice}")
            return default
        self.sources[entry.key] = entry.source
        if reading.remark:
            self._remark(entry, reading.remark)
        return reading.value

    def _remark(self, entry: Entry, text: str) -> None:
        line = f"{entry.source}: {entry.spelling}={shown(entry.key, entry.value)}: {text}"
        self._notes.append(Note(logging.WARNING, line))
