"""Elections among 3 and 5 servers from random seeds: they end, and all have the same leader, once messages flow."""

import pytest
from election_network import Network
from hypothesis import given
from hypothesis import strategies as st

SEEDS = st.integers(0, 1 << 32)
SIZES = [3, 5]
LONGEST_MS = 300_000
"""Longer than the longest interval between two messages, several times."""


@pytest.mark.parametrize("size", SIZES)
@given(seed=SEEDS)
def test_all_start_and_the_best_is_elected(size: int, seed: int) -> None:
    network = Network(seed, size)
    for node in network.nodes.values():
        network.at(network.random.randrange(100), node.start)
    network.run(2_000)
    assert network.agreed_leader() == network.best(), network.log
    assert {len(node.decisions) for node in network.nodes.values()} == {1}


@pytest.mark.parametrize("size", SIZES)
@given(seed=SEEDS)
def test_they_start_far_apart(size: int, seed: int) -> None:
    network = Network(seed, size)
    for node in network.nodes.values():
        network.at(network.random.randrange(20_000), node.start)
    network.run(20_000 + LONGEST_MS)
    assert network.agreed_leader() is not None, network.log


@pytest.mark.parametrize("size", SIZES)
@given(seed=SEEDS)
def test_messages_are_lost_for_a_while(size: int, seed: int) -> None:
    network = Network(seed, size)
    network.loss = network.random.choice([0.1, 0.3, 0.6])
    network.latency_ms = network.random.choice([(1, 20), (1, 300), (100, 2_000)])
    for node in network.nodes.values():
        network.at(network.random.randrange(1_000), node.start)
    network.run(20_000)
    network.loss, network.latency_ms = 0.0, (1, 20)
    network.run(20_000 + LONGEST_MS)
    assert network.agreed_leader() is not None, network.log


@pytest.mark.parametrize("size", SIZES)
@given(seed=SEEDS)
def test_links_are_cut_and_servers_come_and_go(size: int, seed: int) -> None:
    network = Network(seed, size)
    for node in network.nodes.values():
        node.start()
    for at in range(network.random.randrange(1, 10)):
        network.run((at + 1) * network.random.randrange(500, 5_000))
        _disturb(network)
    network.cut.clear()
    for node in network.nodes.values():
        if not node.is_up:
            node.start()
    network.run(network.now_ms + LONGEST_MS)
    assert network.agreed_leader() is not None, network.log


def _disturb(network: Network) -> None:
    random, sids = network.random, sorted(network.sids)
    one, other = random.sample(sids, 2)
    what = random.randrange(4)
    if what == 0:
        network.cut.add((one, other))
    elif what == 1:
        group = set(random.sample(sids, random.randrange(1, len(sids))))
        network.cut |= {(a, b) for a in sids for b in sids if (a in group) != (b in group)}
    elif what == 2:
        network.cut.clear()
    elif network.nodes[one].is_up:
        network.nodes[one].stop()
    else:
        network.nodes[one].start()
