"""zoo.cfg that is made to name the dynamic file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.quorum.members import Member, parse_member
from zkeeper.server.config.static_file import pointing_to
from zkeeper.wire.properties import parse_properties

PLAIN = parse_member(1, "a:1:2")
WITH_CLIENT = parse_member(1, "a:1:2;2181")
WITH_SECURE = parse_member(1, "a:1:2;;2281")

FULL = b"""\
# our server
tickTime=2000
server.1=a:1:2
server.2=b:\\
   1:2
group.1=1:2
weight.1=3
peerType=observer
clientPort=2181
clientPortAddress=h
clientPortListenBacklog=5
secureClientPort=2281
secureClientPortAddress=h
dataDir = /data  # here
"""
LINES = FULL.decode().splitlines(keepends=True)
POINTER = "dynamicConfigFile=/conf/zoo.cfg.dynamic.5\n"


def rewritten(static: bytes, me: Member | None = PLAIN) -> str:
    return pointing_to(static, "/conf/zoo.cfg.dynamic.5", me).decode()


@pytest.mark.parametrize(
    ("me", "kept"),
    [
        (PLAIN, [0, 1, 8, 9, 10, 11, 12, 13]),
        (None, [0, 1, 8, 9, 10, 11, 12, 13]),
        (WITH_CLIENT, [0, 1, 10, 11, 12, 13]),
        (WITH_SECURE, [0, 1, 8, 9, 10, 13]),
    ],
)
def test_what_moved_goes_and_all_else_stays(me: Member | None, kept: list[int]) -> None:
    assert rewritten(FULL, me) == "".join(LINES[at] for at in kept) + POINTER


def test_an_older_pointer_goes() -> None:
    assert rewritten(b"dynamicConfigFile=x\na=b\ndynamicConfigFile=y\n") == "a=b\n" + POINTER


@pytest.mark.parametrize(
    ("static", "expected"),
    [
        (b"", POINTER),
        (b"a=b", "a=b\n" + POINTER),
        (b"a=b\r\n", "a=b\r\n" + POINTER),
        (b"a=b\\", "a=b\\\n\n" + POINTER),
        (b"a=b\\\n", "a=b\\\n\n\n" + POINTER),
        (b"# b\\\n", "# b\\\n\n\n" + POINTER),
    ],
)
def test_the_pointer_has_a_line_of_its_own(static: bytes, expected: str) -> None:
    assert rewritten(static) == expected


def test_bytes_that_are_no_utf8_stay() -> None:
    assert pointing_to(b"a=\xe9\xff\n", "/d", None) == b"a=\xe9\xff\ndynamicConfigFile=/d\n"


@pytest.mark.parametrize("path", ["/conf/zoo.cfg", "C:\\conf\\new", " /blank", "/\u00e9\u20ac\U0001f600", "/a=b:c #!"])
def test_any_path_is_read_again(path: str) -> None:
    (found,) = parse_properties(pointing_to(b"", path, None))
    assert (found.key, found.value) == ("dynamicConfigFile", path.strip() if path.startswith(" ") else path)


@given(st.text(alphabet="ab.=\\ #\n\r", max_size=40), st.text(alphabet="ab.=\\ #\n\r", max_size=40))
def test_every_other_setting_keeps_its_value(before: str, after: str) -> None:
    static = f"{before}\n\nserver.1=a:1:2\n{after}".encode()
    settings = [(each.key, each.value) for each in parse_properties(static) if not each.key.startswith("server.")]
    found = [(each.key, each.value) for each in parse_properties(pointing_to(static, "/d", None))]
    assert found == [*settings, ("dynamicConfigFile", "/d")]
