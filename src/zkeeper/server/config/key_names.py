"""Which key an operator means by what is written: exact names first, then what Java would not have understood.

Invariant: a spelling that Java reads means here what it means there. All others come with a note.
"""

import difflib
import logging
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import NamedTuple

from zkeeper.server.config.ensemble import ENSEMBLE_GROUPS
from zkeeper.server.config.messages import Note
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.config.other_keys import IGNORED, SYNONYMS, ignored, is_member_key, is_of_the_virtual_machine
from zkeeper.server.config.setting import Scope, Setting, SettingGroup, settings_of

PREFIX = "zookeeper."
# Java reads these properties under both names.
_BARE_PROPERTIES = (
    "fsync.warningthresholdms",
    "learner.asyncSending",
    "learner.closeSocketAsync",
    "leader.closeSocketAsync",
)


class Meant(NamedTuple):
    """The key that a spelling stands for (empty: none that zkeeper knows), and a note when Java would differ."""

    key: str
    note: Note | None = None


def groups() -> Mapping[str, type[SettingGroup]]:
    """The groups of the configuration: field of `ServerConfig` to its class."""
    return {each.name: each.type for each in fields(ServerConfig) if isinstance(each.type, type)}


_GROUPS = groups()
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {each.key: each for group in _GROUPS.values() for each in settings_of(group)}
)
_ENSEMBLE_KEYS = frozenset(each.key for name in ENSEMBLE_GROUPS for each in settings_of(_GROUPS[name]))
_FAMILIES = tuple(each for each in SETTINGS.values() if each.is_family)


def meant_in_file(spelling: str) -> Meant:
    """What a key of zoo.cfg stands for."""
    if _scope(spelling) in (Scope.PREFIXED, Scope.PROCESS):
        return Meant(spelling, _warning(f"Java ignores {spelling} in the file and takes only -D; zkeeper takes both"))
    if is_of_the_virtual_machine(spelling):
        return Meant(spelling, _warning(f"Java ignores {spelling} in the file and takes only -D"))
    if is_known(spelling):
        return Meant(spelling)
    bare = spelling.removeprefix(PREFIX)
    if bare != spelling and is_known(bare):
        return Meant(bare, _warning(f"Java would ignore {spelling}; zkeeper reads it as {bare}, its name in the file"))
    return _synonym(bare) or Meant("", _unknown(spelling))


def meant_by_define(name: str) -> Meant:
    """What a process property (`-Dname=value`) stands for."""
    key = name.removeprefix(PREFIX)
    if not is_known(key) or (key == name and is_member_key(key)):
        return _synonym(key) or Meant("", _unknown_define(name))
    scope = _scope(key)
    if scope is Scope.FILE:
        return Meant("", _warning(f"-D{name} has no effect: write {key} in the file"))
    javas = key if scope is Scope.PROCESS else PREFIX + key
    if name != javas and scope is not None and key not in _BARE_PROPERTIES:
        return Meant(key, _warning(f"Java would ignore -D{name}; zkeeper reads it as {javas}, its name there"))
    return Meant(key)


def is_setting(key: str) -> bool:
    """Whether the key has a field in the configuration."""
    return key in SETTINGS or any(each.matches(key) for each in _FAMILIES)


def is_ensemble_key(key: str) -> bool:
    """Whether the setting means nothing to a standalone server."""
    return key in _ENSEMBLE_KEYS


def is_known(key: str) -> bool:
    return is_setting(key) or is_member_key(key) or ignored(key) is not None


def _scope(key: str) -> Scope | None:
    """Where Java reads the key from; `None` for those that have no effect here anyway."""
    if is_member_key(key):
        return Scope.FILE
    return next((each.scope for each in SETTINGS.values() if each.matches(key)), None)


def _synonym(spelling: str) -> Meant | None:
    key = SYNONYMS.get(spelling)
    if key is None:
        return None
    return Meant(
        key, _warning(f"Java would ignore {spelling}, which only its documentation has; zkeeper reads it as {key}")
    )


def _unknown_define(name: str) -> Note:
    if name.startswith(PREFIX) or suggestion(name, cutoff=0.85):
        return _unknown(name)
    return Note(logging.DEBUG, f"-D{name} is no property of ZooKeeper's and has no effect")


def _unknown(spelling: str) -> Note:
    guess = suggestion(spelling)
    question = f"; did you mean {guess}?" if guess else ""
    return _warning(f"{spelling or 'an empty key'} is not known and has no effect{question}")


def suggestion(spelling: str, cutoff: float = 0.7) -> str:
    """The known key that looks most like `spelling`, by `difflib`'s measure; empty when none is over `cutoff`."""
    written = spelling.removeprefix(PREFIX).lower()
    known = {key.rstrip("*").lower(): key for key in (*SETTINGS, *IGNORED, *SYNONYMS) if not key.endswith("*")}
    known |= {key: key for key in _member_keys(written.rpartition(".")[2])}
    close = difflib.get_close_matches(written, known, n=1, cutoff=cutoff)
    return known[close[0]] if close else ""


def _member_keys(number: str) -> list[str]:
    return [f"{name}.{number}" for name in ("server", "group", "weight")] if number.isdecimal() else []


def _warning(text: str) -> Note:
    return Note(logging.WARNING, text)
