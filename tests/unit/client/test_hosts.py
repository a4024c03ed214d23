"""The connect string and the order of servers (configuration, sections 5.1 and 5.2)."""

from random import Random

import pytest

from zkeeper.client.hosts import MAX_JITTER_MS, SPIN_DELAY_MS, Host, HostList, parse_connect_string
from zkeeper.errors import BadArgumentsError


@pytest.mark.parametrize(
    ("text", "hosts", "chroot"),
    [
        ("h", [("h", 2181)], ""),
        ("h:", [("h", 2181)], ""),
        ("h/", [("h", 2181)], ""),
        ("h:1,k:2", [("h", 1), ("k", 2)], ""),
        (" h:1 , ,k ,", [("h", 1), ("k", 2181)], ""),
        ("h:1,k/a/b", [("h", 1), ("k", 2181)], "/a/b"),
        ("[2001:db8::1]:99", [("2001:db8::1", 99)], ""),
        ("[2001:db8::1],h/a", [("2001:db8::1", 2181), ("h", 2181)], "/a"),
        ("fe80::1:77", [("fe80::1", 77)], ""),
    ],
)
def test_a_connect_string(text: str, hosts: list[tuple[str, int]], chroot: str) -> None:
    assert parse_connect_string(text) == (hosts, chroot)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[::1", "[::1: the bracket around the address is not closed"),
        ("[::1]x", "[::1]x: what follows the bracket is a colon and a port, or nothing"),
        ("[::1]:", "[::1]:: there is no port behind the colon"),
        ("[]", "'[]': '' is no name or address of a server; IPv6 addresses are in brackets"),
        ("::1", "'::1': ':' is no name or address of a server; IPv6 addresses are in brackets"),
        (":2181", "':2181': '' is no name or address of a server; IPv6 addresses are in brackets"),
        ("a b", "'a b': 'a b' is no name or address of a server; IPv6 addresses are in brackets"),
        ("", "the connect string '' names no server"),
        (",/a", "the connect string ',/a' names no server"),
        ("h:abc", "h:abc: 'abc' is no port number (1 to 65535)"),
        ("h:0", "h:0: '0' is no port number (1 to 65535)"),
        ("h:70000", "h:70000: '70000' is no port number (1 to 65535)"),
        ("h/a/", "'/a/' is no path: it ends with a slash"),
        ("h/a//b", "'/a//b' is no path: it has an empty component"),
        ("dns-srv://h", "dns-srv:// is not supported: name the hosts"),
    ],
)
def test_a_connect_string_that_is_wrong(text: str, message: str) -> None:
    with pytest.raises(BadArgumentsError) as error:
        parse_connect_string(text)
    assert str(error.value) == message


def hosts_of(*names: str) -> list[Host]:
    return [Host(name, 2181) for name in names]


def names_of(servers: HostList, count: int) -> list[str]:
    return [servers.next()[0].name for _ in range(count)]


def test_servers_are_shuffled_once_and_used_in_turn() -> None:
    orders = set()
    for seed in range(50):
        servers = HostList(hosts_of("a", "b", "c"), Random(seed))
        names = names_of(servers, 6)
        assert names[:3] == names[3:]
        orders.add(tuple(names[:3]))
    assert len(orders) == 6


def test_delays() -> None:
    """None at first, then a random one, and a pause after every whole round without success."""
    servers = HostList(hosts_of("a", "b", "c"), Random(1))
    delays_ms = [servers.next()[1] for _ in range(9)]
    assert delays_ms[0] == 0
    assert [delay_ms >= SPIN_DELAY_MS for delay_ms in delays_ms] == [i in (3, 6) for i in range(9)]
    assert all(delay_ms % SPIN_DELAY_MS <= MAX_JITTER_MS for delay_ms in delays_ms)
    servers.connected()
    assert [servers.next()[1] >= SPIN_DELAY_MS for _ in range(4)] == [False, False, False, True]


def test_delays_are_short_where_sessions_are() -> None:
    servers = HostList(hosts_of("a"), Random(1))
    assert max(servers.next(100)[1] for _ in range(20)) <= 200


CLIENTS = 4000


def moved(old: list[str], new: list[str], seed: int = 1) -> dict[str, int]:
    """Where clients that were spread evenly over `old` are after each was given `new`."""
    random = Random(seed)
    load = dict.fromkeys(new, 0)
    for number in range(CLIENTS):
        servers = HostList(hosts_of(*old), random)
        current = Host(old[number % len(old)], 2181)
        servers.connected()
        leaves = servers.update(hosts_of(*new), current)
        load[servers.next()[0].name if leaves else current.name] += 1
    return load


@pytest.mark.parametrize(
    ("old", "new"),
    [("abc", "abcde"), ("abcde", "abc"), ("abc", "abd"), ("abcd", "abe"), ("ab", "cd"), ("abc", "cdefg")],
)
def test_replacing_the_list_leaves_an_even_load(old: str, new: str) -> None:
    load = moved(list(old), list(new))
    even = CLIENTS / len(new)
    assert all(0.85 * even < count < 1.15 * even for count in load.values()), load


def test_the_same_list_moves_nobody() -> None:
    servers = HostList(hosts_of("a", "b"), Random(1))
    assert not servers.update(hosts_of("b", "a"), Host("a", 2181))


def test_after_the_preferred_servers_all_have_their_turn() -> None:
    servers = HostList(hosts_of("a", "b"), Random(1))
    assert servers.update(hosts_of("b", "c"), Host("a", 2181))
    assert set(names_of(servers, 2)) == {"b", "c"}
    assert set(names_of(servers, 2)) == {"b", "c"}


def test_a_preferred_server_is_next() -> None:
    servers = HostList(hosts_of("a", "b", "c", "d"), Random(1))
    servers.next()
    servers.prefer(Host("c", 2181))
    assert names_of(servers, 1) == ["c"]
