from datetime import timedelta, timezone

import pytest

from zkeeper.cli.shell.acl_texts import AclRead, acl_text, read_acl
from zkeeper.cli.shell.error_texts import error_text
from zkeeper.cli.shell.execution.ensemble import client_addresses
from zkeeper.cli.shell.hexdump import hexdump_lines
from zkeeper.cli.shell.path_texts import path_problem
from zkeeper.cli.shell.quota_limits import Limits, read_limits, read_usage
from zkeeper.cli.shell.results import ClientAddresses
from zkeeper.cli.shell.stat_texts import java_date, stat_lines, stat_values, unsigned_hex
from zkeeper.errors import NoNodeError, NoWatcherError
from zkeeper.values import Acl, Permission, Stat

STAT = Stat(0x100000008, 0x100000009, 0, 1000, 3, 6, 1, -(1 << 63), 4, 6, 0x100000011)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/", None),
        ("/a/b.c", None),
        ("/é", None),
        ("", "Path length must be > 0"),
        ("a", "Path must start with / character"),
        ("/a/", "Path must not end with / character"),
        ("/t//a", 'Invalid path string "/t//a" caused by empty node name specified @3'),
        ("/a/../b", 'Invalid path string "/a/../b" caused by relative paths not allowed @4'),
        ("/a/.", 'Invalid path string "/a/." caused by relative paths not allowed @3'),
        ("/a\0b", 'Invalid path string "/a\0b" caused by null character not allowed @2'),
        ("/a\x01b", 'Invalid path string "/a\x01b" caused by invalid character @2'),
        ("/\ud800", 'Invalid path string "/\ud800" caused by invalid character @1'),
    ],
)
def test_paths_are_refused_in_zkclis_words(path: str, problem: str | None) -> None:
    assert path_problem(path) == problem


def test_a_sequential_path_may_end_with_a_slash() -> None:
    assert path_problem("/a/", is_sequential=True) is None


def test_an_acl_is_read_between_first_and_last_colon() -> None:
    entries = [Acl(Permission.READ, "digest", "u:abc="), Acl(Permission.ALL, "ip", "127.0.0.1")]
    assert read_acl("digest:u:abc=:r,ip:127.0.0.1:awrdc") == AclRead(entries, [])
    assert [acl_text(one) for one in entries] == ["digest:u:abc=:r", "ip:127.0.0.1:cdrwa"]


def test_what_is_wrong_in_an_acl_is_told_and_skipped() -> None:
    read = read_acl("foo,world:anyone:rz,")
    assert read.acl == [Acl(Permission.READ, "world", "anyone")]
    assert read.complaints == ["foo does not have the form scheme:id:perm", "Unknown perm type: z"]


def test_errors_have_their_sentence_or_their_code() -> None:
    assert error_text(NoNodeError(), "/a") == "Node does not exist: /a"
    assert error_text(NoWatcherError(), "/a") == "KeeperErrorCode = No such watcher for /a"
    assert error_text(NoWatcherError(), None) == "KeeperErrorCode = No such watcher"


def test_dates_are_java_dates() -> None:
    zone = timezone(timedelta(hours=1), "CET")
    assert java_date(1_795_360_166_000, zone) == "Sun Nov 22 16:09:26 CET 2026"


def test_a_stat_has_eleven_lines() -> None:
    lines = stat_lines(STAT)
    assert [line.split(" = ")[0] for line in lines] == [
        *("cZxid", "ctime", "mZxid", "mtime", "pZxid", "cversion", "dataVersion", "aclVersion"),
        *("ephemeralOwner", "dataLength", "numChildren"),
    ]
    assert lines[0] == "cZxid = 0x100000008"
    assert lines[8] == "ephemeralOwner = 0x8000000000000000"


def test_programs_get_large_numbers_as_text() -> None:
    values = stat_values(STAT)
    assert (values["pzxid"], values["version"], values["mtime_ms"]) == ("0x100000011", 3, 1000)
    assert unsigned_hex(-1) == "0xffffffffffffffff"


def test_a_hexdump_has_sixteen_bytes_a_row() -> None:
    rows = hexdump_lines(bytes(range(0x2F, 0x41)))[3:-1]
    assert rows == [
        "|00000000| 2f 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e |/0123456789:;<=>|",
        "|00000010| 3f 40                                           |?@              |",
    ]
    assert hexdump_lines(b"") == []
    assert hexdump_lines(b"\x00\x7f\xff")[3].endswith("|...             |")


def test_limits_change_one_by_one() -> None:
    limits = read_limits("count=5,bytes=-1").changed({"B": 100})
    assert limits == Limits(5, -1, -1, 100)
    assert limits.text() == "count=5,bytes=-1=;byteHardLimit=100;countHardLimit=-1"
    assert read_limits(limits.text()) == limits
    assert read_usage("count=8,bytes=9") == (8, 9)


def test_limits_warn_only_below_the_usage() -> None:
    assert Limits(5, -1, -1, -1).is_count_below(6)
    assert not Limits(5, -1, -1, -1).is_count_below(5)
    assert Limits(-1, -1, 3, -1).is_count_below(4)
    assert not Limits(-1, -1, -1, -1).is_size_below(4)


def test_client_addresses_take_the_servers_host_where_they_have_none() -> None:
    text = "server.1=h1:2:3:participant;0.0.0.0:2181\nserver.2=h2:2:3;2182\nserver.3=h3:2:3\nversion=100000000"
    assert client_addresses(text) == ClientAddresses("100000000", ["0.0.0.0:2181", "h2:2182"])
