"""How each transaction changes the tree, and what replay over a fuzzy snapshot has to bear (storage, section 6)."""

import os
import subprocess
import sys

import pytest
from database_support import (
    CLOSED,
    OPEN,
    READ_ONLY,
    check_consistent,
    close_session,
    create,
    delete,
    new_database,
    nodes,
    open_session,
    set_acl,
    set_data,
    shown,
    txn,
)

from zkeeper.database.database import Database, DatabaseOptions
from zkeeper.database.znode import CONTAINER_OWNER, TTL_OWNER, OwnerRules, ZNode, digest_of, node_digest, wire_cversion
from zkeeper.errors import BadArgumentsError, NodeExistsError, NoNodeError
from zkeeper.wire import protocol
from zkeeper.wire.txns import ErrorBody, MultiBody, SubTxn, Txn


def after(*txns: Txn) -> Database:
    database = new_database()
    for one in txns:
        database.apply(one)
        check_consistent(database)
    return database


def numbers(database: Database, path: bytes) -> tuple[int, ...]:
    """czxid, mzxid, pzxid, version, cversion, aversion, owner."""
    node = nodes(database)[path]
    return (node.czxid, node.mzxid, node.pzxid, node.version, node.cversion, node.aversion, node.owner)


def test_digests_of_a_fresh_tree() -> None:
    database = Database()
    assert (database.tree.root.digest, nodes(database)[b"/zookeeper"].digest) == (68323592, 1303661912)
    assert database.tree.digest == 1371985504
    assert nodes(database)[b"/zookeeper/quota"].digest == 0
    assert Database(DatabaseOptions(with_digest=False)).tree.digest == 0


def test_a_digest_counts_every_number() -> None:
    base = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    seen = {digest_of(b"/a", b"x", *base), digest_of(b"/b", b"x", *base), digest_of(b"/a", None, *base)}
    for at in range(len(base)):
        changed = [*base[:at], 99, *base[at + 1 :]]
        seen.add(digest_of(b"/a", b"x", *changed))
    assert len(seen) == 12
    assert node_digest(b"/zookeeper/x", ZNode(b"", Database().tree.acls.open, 1, 1, 0)) == 0


def test_create() -> None:
    database = after(create(5, b"/a", b"x", 1))
    assert numbers(database, b"/a") == (5, 5, 5, 0, 0, 0, 0)
    assert numbers(database, b"") == (0, 0, 5, 0, 1, 0, 0)
    node = nodes(database)[b"/a"]
    assert (node.ctime_ms, node.mtime_ms, node.data) == (1005, 1005, b"x")


def test_delete_moves_the_parents_pzxid_only() -> None:
    database = after(create(5, b"/a"), create(6, b"/a/b"), delete(7, b"/a/b"))
    assert numbers(database, b"/a") == (5, 5, 7, 0, 1, 0, 0)
    assert database.tree.lookup(b"/a/b") is None


def test_set_data_and_set_acl() -> None:
    database = after(create(5, b"/a", None), set_data(6, b"/a", b"xy", 1), set_acl(7, b"/a", CLOSED, 1))
    assert numbers(database, b"/a") == (5, 6, 5, 1, 0, 1, 0)
    node = nodes(database)[b"/a"]
    assert (node.ctime_ms, node.mtime_ms, node.data, node.acl.entries) == (1005, 1006, b"xy", CLOSED)


@pytest.mark.parametrize(
    ("one", "owner"),
    [
        (create(1, b"/a", session=77), 77),
        (create(1, b"/a", txn_type=protocol.CREATE2, session=-77), -77),
        (create(1, b"/a", txn_type=protocol.CREATE_CONTAINER), CONTAINER_OWNER),
        (create(1, b"/a", txn_type=protocol.CREATE_TTL, ttl_ms=5), TTL_OWNER + 5),
        (create(1, b"/a", txn_type=protocol.CREATE_TTL, ttl_ms=-1), 0),
    ],
)
def test_owners(one: Txn, owner: int) -> None:
    database = after(one)
    assert numbers(database, b"/a")[-1] == owner
    database.apply(delete(2, b"/a"))
    check_consistent(database)


OWNERS = [
    (0, 0, 0),
    (7, 1, 7),
    (-7 & 0x7FFFFFFF, 1, 0x7FFFFFF9),
    (CONTAINER_OWNER, 2, 0),
    (TTL_OWNER + 1, 3, 0),
    (TTL_OWNER + 0xFFFFFFFFFF, 3, 0),
    (TTL_OWNER - 1, 1, TTL_OWNER - 1),
]


@pytest.mark.parametrize(("owner", "kind", "session"), OWNERS)
def test_how_an_owner_is_read(owner: int, kind: int, session: int) -> None:
    rules = OwnerRules(True, False)
    assert (rules.kind(owner), rules.ephemeral_owner(owner)) == (kind, session)
    plain = OwnerRules(False, False)
    assert plain.kind(owner) == (kind if kind < 3 else 1)
    assert plain.ephemeral_owner(owner) == (owner if kind == 3 else session)
    assert OwnerRules(True, True).kind(owner) == (3 if owner < 0 and owner != CONTAINER_OWNER else kind)


def test_the_ttl_in_an_owner() -> None:
    assert OwnerRules(True, False).ttl_ms(TTL_OWNER + 1000) == 1000
    assert OwnerRules(True, False).ttl_ms(TTL_OWNER + 0xFFFFFFFFFF) == 0xFFFFFFFFFF


@pytest.mark.parametrize(("created", "children", "shown_value"), [(0, 0, 0), (1, 1, 1), (1, 0, 2), (5, 2, 8)])
def test_the_cversion_that_clients_see(created: int, children: int, shown_value: int) -> None:
    assert wire_cversion(created, children) == shown_value


def test_the_cversion_that_clients_see_wraps() -> None:
    assert wire_cversion(2**31 - 1, 0) == -2
    assert wire_cversion(2**30, 0) == -(2**31)


def test_the_root_has_an_alias() -> None:
    database = after(set_data(1, b"/", b"x", 1))
    assert database.tree.lookup(b"/") is database.tree.lookup(b"") is database.tree.root
    for path in (b"//", b"/a", b"a", b"/zookeeper/", b"//zookeeper", b"zookeeper"):
        assert database.tree.lookup(path) is None


def test_sessions_come_and_go() -> None:
    database = after(open_session(1, 77), create(2, b"/e", session=77), create(3, b"/f", session=78))
    assert database.sessions == {77: 9000}
    database.apply(close_session(4, 77, [b"/e", b"/gone"]))
    check_consistent(database)
    assert database.sessions == {}
    assert database.tree.owners.ephemerals == {78: {b"/f"}}


def test_last_zxid_never_falls() -> None:
    database = after(create(5, b"/a"), create(3, b"/b"))
    assert database.last_zxid == 5


# Section 6.3, row by row: what is mixed in a fuzzy snapshot.


def apply(database: Database, one: Txn) -> int:
    code = int(database.apply(one))
    check_consistent(database)
    return code


def test_create_of_what_exists_replaces_the_acl_and_raises_the_parent() -> None:
    database = after(create(5, b"/a", b"old"))
    for txn_type in (protocol.CREATE, protocol.CREATE2, protocol.CREATE_CONTAINER, protocol.CREATE_TTL):
        zxid = int(database.last_zxid) + 1
        again = create(zxid, b"/a", b"new", zxid, CLOSED, txn_type)
        assert apply(database, again) == NodeExistsError.code
        assert numbers(database, b"") == (0, 0, zxid, 0, zxid, 0, 0)
    node = nodes(database)[b"/a"]
    assert (node.data, node.acl.entries, node.czxid) == (b"old", CLOSED, 5)


@pytest.mark.parametrize("one", [delete(9, b"/x"), set_data(9, b"/x", b"", 1), set_acl(9, b"/x", OPEN, 1)])
def test_a_change_of_what_is_missing_is_no_node(one: Txn) -> None:
    database = after(create(5, b"/a"))
    assert apply(database, one) == NoNodeError.code
    assert database.last_zxid == 9


def test_delete_of_what_is_missing_still_raises_the_parents_pzxid() -> None:
    database = after(create(5, b"/a"))
    apply(database, delete(9, b"/a/x"))
    assert numbers(database, b"/a")[2] == 9


def test_a_missing_parent_is_no_node() -> None:
    database = after()
    assert apply(database, create(1, b"/a/b")) == NoNodeError.code
    assert apply(database, delete(2, b"/a/b")) == NoNodeError.code
    assert not database.tree.acls.items() or dict(database.tree.acls.items()) == {1: READ_ONLY}


def test_a_deleted_znode_reappears_until_its_delete_is_replayed() -> None:
    database = after(create(5, b"/a"), delete(6, b"/a"))
    assert apply(database, create(5, b"/a")) == 0
    assert apply(database, delete(6, b"/a")) == 0
    assert b"/a" not in nodes(database)


@pytest.mark.parametrize(("parent_cversion", "expected"), [(1, (7, 2)), (2, (7, 2)), (3, (9, 3)), (-1, (9, 3))])
def test_the_parents_cversion_and_pzxid_never_fall(parent_cversion: int, expected: tuple[int, int]) -> None:
    database = after(create(6, b"/a", b"", 1), create(7, b"/b", b"", 2))
    apply(database, create(9, b"/c", b"", parent_cversion))
    assert (numbers(database, b"")[2], numbers(database, b"")[4]) == expected


def test_an_old_delete_does_not_lower_the_parents_pzxid() -> None:
    database = after(create(6, b"/a"), create(7, b"/b"))
    apply(database, delete(3, b"/a"))
    assert numbers(database, b"")[2] == 7


def test_parts_of_a_multi_fail_for_themselves() -> None:
    ops = [create(9, b"/a"), delete(9, b"/gone"), set_data(9, b"/a", b"x", 4)]
    multi = txn(9, protocol.MULTI, MultiBody([SubTxn(one.txn_type, one.body) for one in ops]))
    database = after(create(5, b"/a"))
    assert database.apply(multi, True) == NodeExistsError.code
    check_consistent(database)
    assert [result.code for result in database.results] == [-110, -101, 0]
    assert numbers(database, b"/a")[:4] == (5, 9, 5, 4)


def test_a_multi_that_failed_changes_nothing_but_the_zxid() -> None:
    one = create(9, b"/b")
    failed = [SubTxn(one.txn_type, one.body), SubTxn(-1, ErrorBody(-101)), SubTxn(-1, ErrorBody(-2))]
    database = after(create(5, b"/a"))
    before = shown(database)
    assert database.apply(txn(9, protocol.MULTI, MultiBody(failed)), True) == 0
    assert [result.code for result in database.results] == [0, -101, -2]
    assert (shown(database), database.last_zxid) == (before, 9)


def test_an_ephemeral_of_another_session_is_deleted_by_the_list_and_made_again() -> None:
    database = after(create(8, b"/e", session=2))
    apply(database, close_session(6, 1, [b"/e"]))
    assert b"/e" not in nodes(database)
    apply(database, create(8, b"/e", session=2))
    assert database.tree.owners.ephemerals == {2: {b"/e"}}


def test_a_close_without_a_list_deletes_what_the_session_owns() -> None:
    database = after(create(5, b"/e", session=1), create(6, b"/f", session=2))
    apply(database, close_session(7, 1, None))
    assert database.tree.owners.ephemerals == {2: {b"/f"}}


def test_a_znode_with_a_deep_subtree_is_deleted_with_it() -> None:
    deep, levels = new_database(), 5_000
    before = (deep.tree.node_count, deep.tree.data_bytes)
    deep.apply(create(2, b"/a"))
    path, node = b"/a", deep.tree.lookup(b"/a")
    for _ in range(levels):
        assert node is not None
        path += b"/b"
        child = ZNode(b"", deep.tree.acls.open, 2, 2, 0)
        deep.tree._attach_below(node, path, b"b", child)
        node = child
    deep.apply(delete(3, b"/a"))
    assert (deep.tree.node_count, deep.tree.data_bytes) == before
    assert deep.tree.lookup(path) is None
    check_consistent(deep)


def test_a_deep_tree_that_is_dropped_damages_no_memory() -> None:
    """All at once, as when a server ends. Compiled, it once overwrote what lay beside it; this allocator looks."""
    program = """
from zkeeper.database.acls import AclTable
from zkeeper.database.znode import ZNode

acl = AclTable().open
node = ZNode(b"", acl, 1, 1, 0)
for _ in range(5_000):
    above = ZNode(b"", acl, 1, 1, 0)
    above.children = {b"b": node}
    node = above
del node, above
"""
    environment = {**os.environ, "PYTHONMALLOC": "debug"}
    subprocess.run([sys.executable, "-c", program], env=environment, timeout=60, check=True)


def test_a_znode_with_children_that_came_later_is_deleted_with_them() -> None:
    """Deleted and made again after the snapshot began, which holds its later children."""
    database = after(create(5, b"/x", session=3))
    database.apply(create(8, b"/x/c", b"1", acl=CLOSED, session=4))
    database.apply(create(9, b"/x/c/d", b"2"))
    assert database.tree.lookup(b"/x/c/d") is not None
    assert apply(database, delete(6, b"/x")) == 0
    assert database.tree.lookup(b"/x/c") is None
    for one in (create(7, b"/x"), create(8, b"/x/c", b"1", acl=CLOSED, session=4), create(9, b"/x/c/d", b"2")):
        assert apply(database, one) == 0


@pytest.mark.parametrize("path", [b"/", b"/zookeeper", b"/zookeeper/quota", b"/zookeeper/config"])
def test_reserved_znodes_are_not_deleted_by_any_log(path: bytes) -> None:
    database = after()
    assert apply(database, delete(1, path)) == BadArgumentsError.code


def test_a_digest_that_differs_is_counted_and_told_once() -> None:
    told: list[str] = []
    database = Database(DatabaseOptions(), told.append)
    for zxid in (1, 2):
        one = create(zxid, b"/%d" % zxid)
        one.has_digest, one.digest = True, 5
        database.apply(one)
    assert database.digest_mismatches == 2
    assert len(told) == 1
    assert "digest mismatch at zxid 0x1" in told[0]


def test_digests_are_kept_for_every_128th_zxid() -> None:
    database = new_database()
    for zxid in range(1, 300):
        database.apply(create(zxid, b"/%d" % zxid))
    assert [zxid for zxid, _ in database.digest_history] == [128, 256]


def test_a_snapshots_digest_is_compared_where_it_belongs() -> None:
    for digest, mismatches in [(int(after(create(1, b"/a"), create(2, b"/b")).tree.digest), 0), (5, 1)]:
        database = after(create(1, b"/a"))
        database.await_digest(2, 2, digest)
        assert database.awaits_digest()
        database.apply(create(2, b"/b"))
        assert not database.awaits_digest()
        assert database.digest_mismatches == mismatches
