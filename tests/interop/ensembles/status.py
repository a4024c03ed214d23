"""What a member says of itself on its client port, in the words that both kinds know.

A member that is stopped, paused, or looking for a leader says nothing, which is an answer here.
"""

import contextlib
import socket
from typing import NamedTuple

from interop.servers import HOST

ASK_TIMEOUT_S = 2.0


def ask(port: int, word: str) -> str:
    """The answer to a four-letter word; "" if there is none."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=ASK_TIMEOUT_S) as connection:
        connection.sendall(word.encode())
        return connection.makefile("rb").read().decode(errors="replace")
    return ""


def metrics(port: int) -> dict[str, str]:
    """What `mntr` tells, without the `zk_` before each name; empty if it tells nothing."""
    pairs = [line.partition("\t") for line in ask(port, "mntr").splitlines()]
    return {name.removeprefix("zk_"): value for name, tab, value in pairs if tab}


class Digest(NamedTuple):
    """The digest that a member had of its tree at a zxid."""

    zxid: int
    value: int


def digests(port: int) -> set[Digest]:
    """What `hash` tells: the digest at every 128th transaction since the member started."""
    pairs = [line.partition(": ") for line in ask(port, "hash").splitlines()]
    return {Digest(int(zxid, 16), int(value)) for zxid, colon, value in pairs if colon}


def mode(port: int) -> str:
    """`leader`, `follower` or `observer` once it serves clients; "" otherwise."""
    for line in ask(port, "srvr").splitlines():
        if line.startswith("Mode: "):
            return line.removeprefix("Mode: ")
    return ""


def last_zxid(port: int) -> int:
    """The zxid that it has applied last; -1 if it does not say."""
    for line in ask(port, "srvr").splitlines():
        if line.startswith("Zxid: 0x"):
            return int(line.removeprefix("Zxid: 0x"), 16)
    return -1
