"""What `explain` says of the values in force, and that the documentation's table says the same of the defaults."""

import re
from pathlib import Path

import pytest

from zkeeper.server.config import ServerConfig, explain, load

DOCUMENT = Path(__file__).parents[4] / "docs" / "configuration.md"
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
    return dict(ROW.findall(DOCUMENT.read_text(encoding="utf-8")))


def test_every_key_is_documented_and_no_other() -> None:
    assert set(documented()) == {line.key for line in explain(ServerConfig())}


def test_the_documented_defaults_are_those_in_force() -> None:
    for line in explain(ServerConfig()):
        derived = line.source.removeprefix("default").strip(" ()")
        assert documented()[line.key] == (derived or line.value or "none"), line.key
