"""A digest that was computed when a transaction was prepared serves when it is applied, if the znode came out so."""

import pytest
import raw_wire as raw
from pipeline_harness import Server

from zkeeper.database import znode
from zkeeper.database.znode import ZNode, node_digest


def recomputed(server: Server) -> int:
    """The digest of the whole tree, from its znodes."""
    tree = server.database.tree
    total, waiting = 0, [(b"/", tree.root)]
    while waiting:
        path, node = waiting.pop()
        total += node_digest(path, node)
        below = path.rstrip(b"/")
        waiting += [(below + b"/" + name, child) for name, child in (node.children or {}).items()]
    return total


def test_every_kind_of_write_leaves_the_digest_that_its_tree_has() -> None:
    server = Server(extended_types=True)
    client = server.connect()
    steps = [
        lambda: client.create(b"/a", b"x"),
        lambda: client.create(b"/a/s-", None, flags=2),
        lambda: client.create(b"/a/e", b"", flags=1),
        lambda: client.ok(raw.CREATE_TTL, raw.create(b"/ttl", b"t", 5, ttl_ms=1000)),
        lambda: client.ok(raw.CREATE_CONTAINER, raw.create(b"/c", b"", 4)),
        lambda: client.write(b"/a", b"y"),
        lambda: client.write(b"/a", None),
        lambda: client.ok(raw.SET_ACL, raw.set_acl(b"/a", raw.OPEN)),
        lambda: client.multi(
            (raw.CREATE, raw.create(b"/m", b"1")), (raw.SET_DATA, raw.set_data(b"/m", b"2")),
            (raw.SET_DATA, raw.set_data(b"/m", b"3")),
        ),
        lambda: client.multi(*[(raw.CREATE, raw.create(b"/m/%d" % n)) for n in range(9)]),
        lambda: client.delete(b"/a/e"),
        lambda: client.delete(b"/c"),
        lambda: client.ok(raw.CLOSE_SESSION),
    ]  # fmt: skip
    for step in steps:
        step()
        assert server.database.tree.digest == recomputed(server)
    assert server.database.digest_mismatches == 0


def test_a_znode_that_came_out_otherwise_is_noticed() -> None:
    server = Server()
    client = server.connect()
    client.create(b"/a", b"x")
    tree = server.database.tree
    client.post(raw.SET_DATA, raw.set_data(b"/a", b"y"))
    node = tree.lookup(b"/a")
    assert node is not None
    node.ctime_ms += 1
    server.commit()
    assert server.database.digest_mismatches == 1
    assert tree.digest == recomputed(server)


def test_what_was_foreseen_spares_the_second_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    if not znode.__file__.endswith(".py"):
        pytest.skip("compiled functions cannot be counted")
    from zkeeper.database import tree

    computed: list[bytes] = []

    def counting(path: bytes, node: ZNode) -> int:
        computed.append(path)
        return node_digest(path, node)

    server = Server()
    client = server.connect()
    monkeypatch.setattr(tree, "node_digest", counting)
    client.create(b"/a", b"x")
    client.write(b"/a", b"y")
    client.delete(b"/a")
    assert computed == []
