"""What `explain` says of the values in force, and that the documentation's table says the same of the defaults."""

import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest

from zkeeper.quorum.membership import Membership
from zkeeper.server.config import (
    ConfigError,
    ElectionConfig,
    EnsembleConfig,
    Explained,
    LearnersConfig,
    QuorumConfig,
    ServerConfig,
    explain,
    load,
)
from zkeeper.server.config.key_names import groups
from zkeeper.server.config.other_keys import IGNORED
from zkeeper.server.config.setting import settings_of

DOCUMENT = Path(__file__).parents[4] / "docs" / "configuration.md"
SOURCES = Path(__file__).parents[4] / "src"
ROW = re.compile(r"^\| `(\S+)` \| (.*?) \|", re.MULTILINE)

TEXT = b"""\
dataDir=/data
clientPort=2181
tickTime=2000
superUser.1=a
superUser.2=b
DigestAuthenticationProvider.superDigest=super:hush
"""


def explained() -> dict[str, tuple[str, str]]:
    config = load(
        "zoo.cfg", {"zookeeper.maxCnxns": "5"}, {"JVMFLAGS": "-Dzookeeper.skipACL=yes"}, lambda _: TEXT
    ).config
    return {line.key: (line.value, line.source) for line in explain(config)}


@pytest.mark.parametrize(
    ("key", "value", "source"),
    [
        ("clientPort", "2181", "zoo.cfg line 2"),
        ("clientPortAddress", "", "default"),
        ("tickTime", "2000 ms", "zoo.cfg line 3"),
        ("maxSessionTimeout", "40000 ms", "default (20 ticks)"),
        ("dataLogDir", "/data", "default (as dataDir)"),
        ("maxCnxns", "5", "-D"),
        ("skipACL", "true", "JVMFLAGS"),
        ("superUser*", "a, b", "zoo.cfg line 4, zoo.cfg line 5"),
        ("DigestAuthenticationProvider.superDigest", "***", "zoo.cfg line 6"),
        ("jute.maxbuffer", "1048575 bytes", "default"),
    ],
)
def test_line(key: str, value: str, source: str) -> None:
    assert explained()[key] == (value, source)


def documented() -> dict[str, str]:
    text = DOCUMENT.read_text(encoding="utf-8")
    return dict(ROW.findall(text[text.index("## Keys") :]))


def of_a_member() -> list[Explained]:
    """A member's keys, which are all that there are, without the lines that tell of the members."""
    keys = {setting.key for group in groups().values() for setting in settings_of(group)}
    config = replace(ServerConfig(), quorum=MEMBER)
    return [line for line in explain(config) if line.key.rstrip("*") in keys]


MEMBERSHIP = Membership.parse("server.1=a:1:2;3\nserver.2=b:1:2:participant;3")
MEMBER = QuorumConfig(
    1, MEMBERSHIP, MEMBERSHIP.with_version(9), "/zoo.cfg", 2000, EnsembleConfig(), ElectionConfig(), LearnersConfig()
)


def test_of_a_member_the_members_are_told() -> None:
    lines = [(line.key, line.value) for line in explain(replace(ServerConfig(), quorum=MEMBER))]
    assert lines[-5:] == [
        ("myid", "1"),
        ("server.1", "a:1:2:participant;0.0.0.0:3"),
        ("server.2", "b:1:2:participant;0.0.0.0:3"),
        ("version", "0"),
        ("version", "9"),
    ]


def test_a_standalone_server_is_not_told_of_ensembles() -> None:
    assert {line.key for line in of_a_member()} - {line.key for line in explain(ServerConfig())} > {"initLimit"}


def test_every_key_is_documented_and_no_other() -> None:
    assert set(documented()) == {line.key for line in of_a_member()}


def test_the_documented_defaults_are_those_in_force() -> None:
    for line in of_a_member():
        derived = line.source.removeprefix("default").strip(" ()")
        assert documented()[line.key] == (derived or line.value or "none"), line.key


def is_read_somewhere(field: str) -> bool:
    return any(re.search(rf"\.{field}\b", file.read_text(encoding="utf-8")) for file in SOURCES.rglob("*.py"))


def is_told(key: str) -> bool:
    """Whether a start says that the key does nothing, or is refused."""
    text = f"dataDir=/data\nclientPort=2181\n{key}=1\n".encode()
    try:
        notes = load("zoo.cfg", {}, {}, lambda _: text).notes
    except ConfigError:
        return True
    return any("has no effect" in note.text for note in notes)


def test_every_key_is_honoured_or_said_to_have_no_effect() -> None:
    declared = [setting for group in groups().values() for setting in settings_of(group)]
    assert [each.key for each in declared if not is_read_somewhere(each.name) and not is_told(each.key)] == []


def test_the_documentation_names_the_keys_that_are_done_otherwise() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    without_effect = text[text.index("## Accepted, without effect") : text.index("## Keys")]
    assert [key for key, one in IGNORED.items() if one.level >= logging.INFO and f"`{key}`" not in without_effect] == []
