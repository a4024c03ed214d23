"""Relays carry, hold, delay and break as told. The members here are plain listeners that echo."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from interop.ensembles.layout import Address, new_addresses
from interop.servers import HOST

from .relays import Relays, Way, run_relays

SOON_S, LATER_S = 0.2, 20.0


@pytest.fixture
def addresses() -> Iterator[dict[int, Address]]:
    """Two members, of which the second echoes on its quorum port."""
    found = new_addresses([1, 2])
    with socket.create_server((HOST, found[2].quorum)) as listener:
        threading.Thread(target=echo, args=[listener], daemon=True).start()
        yield found


def echo(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=echo_one, args=[connection], daemon=True).start()


def echo_one(connection: socket.socket) -> None:
    with contextlib.suppress(OSError), connection:
        while data := connection.recv(100):
            connection.sendall(data)


@pytest.fixture
def relays(addresses: dict[int, Address]) -> Iterator[Relays]:
    with run_relays(addresses) as running:
        yield running


@pytest.fixture
def one(relays: Relays) -> Iterator[socket.socket]:
    """A connection of the first member to the second one, over which something has come back."""
    with socket.create_connection((HOST, relays.routes[1, 2][0]), timeout=LATER_S) as connection:
        connection.sendall(b"first")
        assert connection.recv(100) == b"first"
        yield connection


def hears(connection: socket.socket, within_s: float) -> bytes | None:
    """What comes within this time: b"" for the end of the connection, None for nothing."""
    connection.settimeout(within_s)
    try:
        return connection.recv(100)
    except TimeoutError:
        return None
    except ConnectionError:
        return b""


@pytest.mark.parametrize("way", [(1, 2), (2, 1)])
def test_what_is_cut_in_one_direction_is_held_until_it_heals(relays: Relays, one: socket.socket, way: Way) -> None:
    relays.cut([way])
    one.sendall(b"held")
    assert hears(one, SOON_S) is None
    relays.heal()
    assert hears(one, LATER_S) == b"held"


def test_what_was_held_up_may_be_broken(relays: Relays, one: socket.socket) -> None:
    relays.cut([(2, 1)])
    one.sendall(b"lost")
    assert hears(one, SOON_S) is None
    relays.heal(breaks=True)
    assert hears(one, LATER_S) == b""


@pytest.mark.parametrize("way", [(1, 2), (2, 1)])
def test_no_connection_is_made_while_a_direction_is_cut(relays: Relays, way: Way) -> None:
    relays.cut([way])
    with socket.create_connection((HOST, relays.routes[1, 2][0]), timeout=LATER_S) as connection:
        connection.sendall(b"patient")
        assert hears(connection, SOON_S) is None
        relays.heal()
        assert hears(connection, LATER_S) == b"patient"


def test_the_end_of_a_connection_is_held_too(relays: Relays, one: socket.socket) -> None:
    relays.cut([(1, 2)])
    one.shutdown(socket.SHUT_WR)
    assert hears(one, SOON_S) is None
    relays.heal()
    assert hears(one, LATER_S) == b""


def test_delay(relays: Relays, one: socket.socket) -> None:
    relays.delay([(1, 2)], 2 * SOON_S)
    began_s = time.monotonic()
    one.sendall(b"slow")
    assert hears(one, LATER_S) == b"slow"
    assert time.monotonic() - began_s >= 2 * SOON_S
    relays.heal()
    one.sendall(b"fast")
    assert hears(one, LATER_S) == b"fast"


def test_a_member_that_is_down_is_told_by_an_end(relays: Relays) -> None:
    with socket.create_connection((HOST, relays.routes[2, 1][0]), timeout=LATER_S) as connection:
        assert hears(connection, LATER_S) == b""
