"""What is in force and why, key by key, for an operator who asks before the server starts."""

from collections.abc import Iterator
from typing import NamedTuple

from zkeeper.server.config.ensemble import ENSEMBLE_GROUPS, QuorumConfig
from zkeeper.server.config.key_names import groups
from zkeeper.server.config.messages import shown
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.config.setting import Setting, SettingGroup, settings_of

_UNITS = {"_ms": " ms", "_kb": " KB", "_bytes": " bytes"}


class Explained(NamedTuple):
    """A key, its value with the unit (stars for a secret), and where the value comes from."""

    key: str
    value: str
    source: str


def explain(config: ServerConfig) -> list[Explained]:
    """Every key that is served, in the order of the configuration's groups, and of a member who the members are."""
    concern = [name for name in groups() if config.quorum is not None or name not in ENSEMBLE_GROUPS]
    lines = [line for name in concern for line in _lines(config, getattr(config, name), groups()[name])]
    return lines if config.quorum is None else lines + _members(config.quorum)


def _members(quorum: QuorumConfig) -> list[Explained]:
    texts = [line.partition("=") for line in quorum.committed.text().splitlines()]
    members = [Explained(key, value, "the list of members") for key, _, value in texts]
    proposed = [Explained("version", f"{quorum.last_seen.version:x}", "proposed, perhaps not committed")]
    return [
        Explained("myid", str(quorum.my_sid), "the file myid"),
        *members,
        *(proposed if quorum.last_seen is not quorum.committed else []),
    ]


def _lines(config: ServerConfig, values: object, group: type[SettingGroup]) -> Iterator[Explained]:
    for setting in settings_of(group):
        key = f"{setting.key}*" if setting.is_family else setting.key
        yield Explained(key, _text(setting, getattr(values, setting.name)), _source(setting, config))


def _text(setting: Setting, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(value)
    unit = next((unit for ending, unit in _UNITS.items() if setting.name.endswith(ending)), "")
    return shown(setting.key, f"{value}{unit}")


def _source(setting: Setting, config: ServerConfig) -> str:
    given = [source for key, source in config.sources.items() if setting.matches(key)]
    default = f"default ({setting.derived})" if setting.derived else "default"
    return ", ".join(given) or default
