"""IP addresses: those that stand for all of a machine, and how ZooKeeper writes and matches them in ACLs of scheme `ip`
(semantics, section 9.4).
"""

import re
from typing import Final

WILDCARD: Final = "0.0.0.0"
WILDCARDS: Final = (WILDCARD, "::", "0:0:0:0:0:0:0:0")
"""Hosts that are all addresses of a machine, of either family as Java takes them."""

_DECIMAL: Final = re.compile(rb"[0-9]{1,3}")
_HEX_GROUP: Final = re.compile(rb"[0-9A-Fa-f]{1,4}")
_BITS: Final = re.compile(rb"\+?[0-9]{1,3}")


def listening_host(host: str | None) -> str | None:
    """The host for who listens there: None, which is all addresses, in place of a wildcard."""
    return None if host in WILDCARDS else host


def canonical_address(host: str) -> bytes:
    """The text by which a client's address is known: dotted IPv4, or eight IPv6 groups without compression."""
    text = host.split("%")[0].encode()
    if b":" not in text:
        return text
    if text.lower().startswith(b"::ffff:") and b"." in text:
        return text[7:]
    packed = parse_address(text)
    if packed is None:
        return text
    return b":".join(b"%x" % int.from_bytes(packed[at : at + 2], "big") for at in range(0, 16, 2))


def parse_address(text: bytes) -> bytes | None:
    """4 or 16 bytes, None for what is no address."""
    return _parse_ipv6(text) if b":" in text else _parse_ipv4(text)


def _parse_ipv4(text: bytes) -> bytes | None:
    parts = text.split(b".")
    if len(parts) != 4:
        return None
    values: list[int] = []
    for part in parts:
        if _DECIMAL.fullmatch(part) is None or int(part) > 255:
            return None
        values.append(int(part))
    return bytes(values)


def _parse_ipv6(text: bytes) -> bytes | None:
    halves = text.split(b"::")
    if len(halves) > 2:
        return None
    head = _groups(halves[0])
    if head is None:
        return None
    if len(halves) == 1:
        return b"".join(head) if len(head) == 8 else None
    tail = _groups(halves[1])
    if tail is None or len(head) + len(tail) > 7:
        return None
    return b"".join(head) + bytes(16 - 2 * (len(head) + len(tail))) + b"".join(tail)


def _groups(text: bytes) -> list[bytes] | None:
    if not text:
        return []
    groups: list[bytes] = []
    for part in text.split(b":"):
        if _HEX_GROUP.fullmatch(part) is None:
            return None
        groups.append(int(part, 16).to_bytes(2, "big"))
    return groups


def parse_network(text: bytes) -> tuple[bytes, int] | None:
    """Address and prefix length of `address` or `address/bits`; None when it is not valid in an ACL."""
    parts = text.split(b"/")
    address = parse_address(parts[0])
    if address is None or len(parts) > 2:
        return None
    if len(parts) == 1:
        return address, 8 * len(address)
    if _BITS.fullmatch(parts[1]) is None or int(parts[1]) > 8 * len(address):
        return None
    return address, int(parts[1])


class Network:
    """The addresses that an id of scheme `ip` stands for; none when the id is not valid."""

    def __init__(self, text: bytes) -> None:
        parsed = parse_network(text)
        self._size_bytes = len(parsed[0]) if parsed is not None else 0
        self._shift = 8 * len(parsed[0]) - parsed[1] if parsed is not None else 0
        self._prefix = int.from_bytes(parsed[0], "big") >> self._shift if parsed is not None else 0

    def holds(self, address: bytes) -> bool:
        """Whether an address, as `parse_address` gives it, is one of them."""
        return len(address) == self._size_bytes and int.from_bytes(address, "big") >> self._shift == self._prefix
