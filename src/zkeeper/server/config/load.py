"""The ways to a configuration: a file, the arguments `port dataDir ...`, or nothing at all.

Files (zoo.cfg; of a member also `myid` and what lists the members) are read through the function that is passed in;
nothing else here touches the world.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from zkeeper.server.config.build import Given, build, note_ignored
from zkeeper.server.config.checks import checked
from zkeeper.server.config.members import ReadFile
from zkeeper.server.config.messages import ConfigError, Note
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.config.not_served import note_not_served
from zkeeper.server.config.sources import Entries, Entry, define_entries, environment_entries, file_entries, merge

_WITHOUT_FILE = {
    "clientPort": "2181",
    "clientPortAddress": "127.0.0.1",
    "dataDir": "./zkeeper-data",
    "tickTime": "2000",
}
_ARGUMENTS = ("clientPort", "dataDir", "tickTime", "maxClientCnxns")
_NO_FILE = "the default without a file"


class Loaded(NamedTuple):
    """A configuration, and what the server logs about it at start."""

    config: ServerConfig
    notes: tuple[Note, ...]


def load(
    path: str | None,
    defines: Mapping[str, str],
    environ: Mapping[str, str],
    read_file: ReadFile,
    options: Mapping[str, str] | None = None,
) -> Loaded:
    """The configuration in `path`, or the defaults when that is `None`. `ConfigError` says what to repair.

    `defines` are the `-Dname=value` of the command line, by full name; `options` are keys of zoo.cfg that zkeeper's
    own command line sets, and win over the file:

        load("zoo.cfg", {}, os.environ, read, {"clientPort": "2182"}).config.network.client_port == 2182
    """
    notes: list[Note] = []
    base = _given(_WITHOUT_FILE, _NO_FILE) if path is None else {}
    from_file = {} if path is None else file_entries(path, _read(path, read_file), notes)
    stronger = [from_file, _given(options or {}, "the command line")]
    return _load(base, defines, environ, stronger, path or "", read_file, notes)


def from_arguments(arguments: Sequence[str], defines: Mapping[str, str], environ: Mapping[str, str]) -> Loaded:
    """The short form `port dataDir [tickTime] [maxClientCnxns]`, which has no limit for a client when it names none."""
    if not 2 <= len(arguments) <= len(_ARGUMENTS):
        raise ConfigError("Invalid number of arguments", "write port dataDir [tickTime] [maxClientCnxns]")
    base = _given({"maxClientCnxns": "0"}, "the default of the short form")
    given = {
        key: Entry(key, value, f"argument {number}", key)
        for number, (key, value) in enumerate(zip(_ARGUMENTS, arguments, strict=False), 1)
    }
    return _load(base, defines, environ, [given], "the arguments", _no_file, [])


def _load(
    base: Entries,
    defines: Mapping[str, str],
    environ: Mapping[str, str],
    stronger: list[Entries],
    origin: str,
    read_file: ReadFile,
    notes: list[Note],
) -> Loaded:
    weaker = [*environment_entries(environ, notes), define_entries(defines.items(), "-D", notes)]
    entries = base | merge([*weaker, *stronger], notes)
    try:
        given = build(entries, origin, notes)
        config = checked(given, read_file, notes)
    except ConfigError as error:
        error.notes = tuple(notes)
        raise
    note_not_served(given, config, notes)
    note_ignored(entries, config.quorum is None, notes)
    _note_retention(config, notes)
    _note_read_only(given, config, notes)
    return Loaded(config, tuple(notes))


def _read(path: str, read_file: ReadFile) -> bytes:
    try:
        return read_file(path)
    except FileNotFoundError as bad:
        advice = f"write {path} dataDir, or --port {path}" if path.isdecimal() else "name an existing file"
        raise ConfigError(f"{path} file is missing", advice) from bad
    except OSError as bad:
        raise ConfigError(f"{path} cannot be read: {bad.strerror}", "check the path and its permissions") from bad


def _no_file(path: str) -> bytes:
    raise AssertionError(f"arguments name no member, and nobody else asks for {path}")


def _given(values: Mapping[str, str], source: str) -> Entries:
    return {key: Entry(key, value, source, key) for key, value in values.items()}


def _note_read_only(given: Given, config: ServerConfig, notes: list[Note]) -> None:
    entry = given.entries.get("readonlymode.enabled")
    if entry is None or not config.network.is_read_only_enabled:
        return
    if config.quorum is None:
        text = "only allows the word isro: a server on its own has no quorum to lose"
        notes.append(Note(logging.INFO, f"{entry.source}: {entry.spelling} {text}"))
    elif not config.ensemble.is_local_sessions_enabled:
        text = "serves nobody without localSessionsEnabled=true: without a quorum no other session can begin"
        notes.append(Note(logging.WARNING, f"{entry.source}: {entry.spelling} {text}"))


def _note_retention(config: ServerConfig, notes: list[Note]) -> None:
    """Removing files unasked is where we differ from Java, so every start says it."""
    if "autopurge.purgeInterval" not in config.sources:
        kept = f"the newest {config.retention.snap_retain_count} snapshots and their logs are kept"
        text = f"older data is removed every hour, {kept}; autopurge.purgeInterval=0 keeps all"
        notes.append(Note(logging.INFO, text))
