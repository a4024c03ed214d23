"""Where the servers are: the connect string, and which one is tried next (configuration, sections 5.1 and 5.2).

1. The list is shuffled once, then used in turn. Names are kept as they were given; each attempt resolves them anew.
2. After a whole round without success there is a pause; before every attempt but the first there is a random one.
3. Replacing the list moves just as many clients as an even load needs.
"""

from random import Random
from typing import Final, NamedTuple

from zkeeper.errors import BadArgumentsError
from zkeeper.wire.client_paths import check_path

DEFAULT_PORT: Final = 2181
SPIN_DELAY_MS: Final = 1000
MAX_JITTER_MS: Final = 999


class Host(NamedTuple):
    """A server as the connect string names it."""

    name: str
    port: int

    @property
    def is_address(self) -> bool:
        """Whether the name needs no resolving, which takes a thread."""
        return ":" in self.name or self.name.replace(".", "").isdigit()

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


def parse_connect_string(text: str) -> tuple[list[Host], str]:
    """The hosts and the chroot ("" for none) of `host[:port](,host[:port])*[/chroot]`. Raises `BadArgumentsError`."""
    if not isinstance(text, str):
        raise TypeError(f"a connect string is a str such as 'zk1:2181,zk2:2181/app', not {text!r}")
    if text.startswith("dns-srv://"):
        raise BadArgumentsError("dns-srv:// is not supported: name the hosts")
    listed, slash, rest = text.partition("/")
    chroot = slash + rest if rest else ""
    if chroot:
        check_path(chroot)
    hosts = [_parse_host(item.strip()) for item in listed.split(",") if item.strip()]
    if not hosts:
        raise BadArgumentsError(f"the connect string {text!r} names no server")
    return hosts, chroot


def _parse_host(item: str) -> Host:
    if not item.startswith("["):
        name, colon, port = item.rpartition(":")
        return Host(_checked(item, name if colon else item), _parse_port(item, port if colon else ""))
    name, bracket, rest = item[1:].partition("]")
    if not bracket:
        raise BadArgumentsError(f"{item}: the bracket around the address is not closed")
    if rest and not rest.startswith(":"):
        raise BadArgumentsError(f"{item}: what follows the bracket is a colon and a port, or nothing")
    if rest == ":":
        raise BadArgumentsError(f"{item}: there is no port behind the colon")
    return Host(_checked(item, name), _parse_port(item, rest[1:]))


def _checked(item: str, name: str) -> str:
    """A name or an address, as far as can be told without asking anybody."""
    if not any(map(str.isalnum, name)) or any(character <= " " for character in name):
        raise BadArgumentsError(f"{item!r}: {name!r} is no name or address of a server; IPv6 addresses are in brackets")
    return name


def _parse_port(item: str, port: str) -> int:
    if not port:
        return DEFAULT_PORT
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= 0xFFFF):
        raise BadArgumentsError(f"{item}: {port!r} is no port number (1 to 65535)")
    return int(port)


class HostList:
    """The servers in the order in which they are tried."""

    def __init__(self, hosts: list[Host], random: Random) -> None:
        self._random = random
        self._hosts = self._shuffled(hosts)
        self._index = -1
        self._attempts = 0
        self._is_first = True
        self._preferred = Preferred([], [], 0.0)

    def __len__(self) -> int:
        return len(self._hosts)

    def hosts(self) -> list[Host]:
        return list(self._hosts)

    def _shuffled(self, hosts: list[Host]) -> list[Host]:
        found = list(dict.fromkeys(hosts))
        self._random.shuffle(found)
        return found

    def next(self, max_pause_ms: int = SPIN_DELAY_MS) -> tuple[Host, int]:
        """The server to try next, and how long to wait before, in ms; neither delay is longer than `max_pause_ms`."""
        jitter_ms = 0 if self._is_first else self._random.randint(0, min(MAX_JITTER_MS, max_pause_ms))
        self._is_first = False
        is_new_round = self._attempts > 0 and self._attempts % len(self._hosts) == 0
        pause_ms = min(SPIN_DELAY_MS, max_pause_ms) if is_new_round else 0
        self._attempts += 1
        host = self._preferred.next(self._random)
        self._index = (self._index + 1) % len(self._hosts) if host is None else self._hosts.index(host)
        return self._hosts[self._index], pause_ms + jitter_ms

    def connected(self) -> None:
        """The server that was handed out last gave a session."""
        self._attempts = 0
        self._preferred = Preferred([], [], 0.0)

    def prefer(self, host: Host) -> None:
        """Has `host` tried next."""
        self._preferred = Preferred([host], [], 0.0)

    def update(self, hosts: list[Host], current: Host | None) -> bool:
        """Replaces the list; says whether a client connected to `current` has to leave it, for an even load."""
        new, old = self._shuffled(hosts), self._hosts
        if set(new) == set(old):
            return False
        added = [host for host in new if host not in old]
        kept = [host for host in new if host in old]
        has_grown = len(new) > len(old)
        leaves = current not in new or (has_grown and self._random.random() < 1 - len(old) / len(new))
        p_kept = 0.0 if has_grown or not added else _probability_of_kept(len(old), len(added), len(kept))
        self._hosts = new
        self._index = new.index(current) if current in new and current is not None else -1
        self._attempts = 0
        if leaves:
            self._preferred = Preferred(added, [host for host in kept if host != current], p_kept)
        return leaves


def _probability_of_kept(old: int, added: int, kept: int) -> float:
    """With which a client of a removed server goes to one that was there before."""
    return kept * (old - (kept + added)) / ((kept + added) * (old - kept))


class Preferred:
    """The servers to try first after the list was replaced; each is handed out once."""

    def __init__(self, added: list[Host], kept: list[Host], p_kept: float) -> None:
        self._added = added
        self._kept = kept
        self._p_kept = p_kept

    def next(self, random: Random) -> Host | None:
        if self._kept and (not self._added or random.random() < self._p_kept):
            return self._kept.pop()
        return self._added.pop() if self._added else None
