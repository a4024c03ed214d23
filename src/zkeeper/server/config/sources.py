"""Where settings come from, and which one counts: file > -D > SERVER_JVMFLAGS > JVMFLAGS > defaults.

1. A spelling that Java reads at its place wins over one that Java ignores, so that a configuration which worked with
   Java means the same here. Among equals the stronger source wins, and within a source the last one.
2. What is replaced or not understood leaves a note; nothing is dropped in silence.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from zkeeper.server.config.key_names import PREFIX, Meant, meant_by_define, meant_in_file
from zkeeper.server.config.messages import ConfigError, Note
from zkeeper.server.config.other_keys import is_member_key
from zkeeper.wire.properties import PropertiesError, parse_properties

FLAG_VARIABLES = ("SERVER_JVMFLAGS", "JVMFLAGS")  # The later one wins, as in the stock start script.
NO_AUTOCREATE_VARIABLE = "ZOO_DATADIR_AUTOCREATE_DISABLE"


@dataclass(frozen=True)
class Entry:
    """A setting that was given: its key, the text, the place, the key's spelling there, whether Java reads it so.

    The key is empty until it is known what the spelling stands for.
    """

    key: str
    value: str
    source: str
    spelling: str
    is_javas: bool = True

    def error(self, reason: str, advice: str) -> ConfigError:
        return ConfigError(reason, advice, source=self.source, key=self.spelling, value=self.value)


Entries = dict[str, Entry]


def file_entries(path: str, data: bytes, notes: list[Note]) -> Entries:
    try:
        properties = parse_properties(data)
    except PropertiesError as bad:
        advice = "a backslash in a value is written twice"
        raise ConfigError(bad.reason, advice, source=f"{path} line {bad.line}") from bad
    given = (Entry("", each.value, f"{path} line {each.line}", each.key) for each in properties)
    return _gather(((entry, meant_in_file(entry.spelling)) for entry in given), notes)


def define_entries(defines: Iterable[tuple[str, str]], source: str, notes: list[Note]) -> Entries:
    given = (Entry("", value.strip(), source, name) for name, value in defines)
    return _gather(((entry, meant_by_define(entry.spelling)) for entry in given), notes)


def environment_entries(environ: Mapping[str, str], notes: list[Note]) -> list[Entries]:
    """What the environment sets, the weakest source first."""
    switch = [(f"{PREFIX}datadir.autocreate", "false")] if environ.get(NO_AUTOCREATE_VARIABLE) else []
    sources = [define_entries(switch, NO_AUTOCREATE_VARIABLE, notes)]
    for variable in FLAG_VARIABLES:
        flags = defines_in_flags(environ.get(variable, ""))
        sources.append(define_entries(flags, variable, notes))
    return sources


def defines_in_flags(flags: str) -> list[tuple[str, str]]:
    """The `-Dname=value` words of JVM flags; all others are the JVM's own.

    Words end at blanks, and quotes are characters like others: the stock start script leaves the variable unquoted.
    """
    words = flags.split()
    parts = (word[2:].partition("=") for word in words if word.startswith("-D") and len(word) > 2)
    return [(name, value) for name, _, value in parts]


def merge(weakest_first: Iterable[Entries], notes: list[Note]) -> Entries:
    """One entry for each key: the strongest source's."""
    merged: Entries = {}
    for entry in (entry for entries in weakest_first for entry in entries.values()):
        put(merged, entry, notes)
    return merged


def _gather(given: Iterable[tuple[Entry, Meant]], notes: list[Note]) -> Entries:
    gathered: Entries = {}
    for entry in _known(given, notes):
        put(gathered, entry, notes)
    return gathered


def put(entries: Entries, entry: Entry, notes: list[Note]) -> None:
    """Adds a later or stronger entry, which wins over an equal one (rule 1). Two lines for one member are most likely a
    slip, which leaves the ensemble with a member less."""
    rival = entries.get(entry.key, entry)
    winner, loser = (rival, entry) if rival.is_javas and not entry.is_javas else (entry, rival)
    entries[entry.key] = winner
    if winner is not loser:
        text = f"{loser.spelling} of {loser.source} does not count: {winner.source} sets it too"
        notes.append(Note(logging.WARNING if is_member_key(entry.key) else logging.INFO, text))


def _known(given: Iterable[tuple[Entry, Meant]], notes: list[Note]) -> Iterator[Entry]:
    for entry, meant in given:
        if meant.note is not None:
            notes.append(Note(meant.note.level, f"{entry.source}: {meant.note.text}"))
        if meant.key:
            yield replace(entry, key=meant.key, is_javas=meant.note is None)
