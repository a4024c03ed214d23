"""Reading and writing nodes, transactions, ACLs."""

from kazoo.exceptions import (
    BadVersionError,
    NoAuthError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    RuntimeInconsistency,
)
from kazoo.security import make_acl, make_digest_acl

from interop.clients.harness import expect, expect_raises

from .bench import Bench, BenchCheck


def create_get_set_delete(bench: Bench) -> None:
    client, path = bench.client, bench.path("node")
    expect(client.create(path, b"one"), path, "created path")
    value, stat = client.get(path)
    expect((value, stat.version, stat.data_length), (b"one", 0, 3), "value after create")
    expect(client.set(path, b"two!", version=0).version, 1, "version after set")
    expect(client.get(path)[0], b"two!", "value after set")
    expect(client.exists(path).mzxid > stat.mzxid, True, "mzxid grows with a set")
    client.delete(path, version=1)
    expect(client.exists(path), None, "exists after delete")


def errors(bench: Bench) -> None:
    client, path = bench.client, bench.path("node")
    expect_raises(NoNodeError, lambda: client.get(path), "get of a missing node")
    expect_raises(NoNodeError, lambda: client.create(f"{path}/child", b""), "create without a parent")
    client.create(path, b"")
    client.create(f"{path}/child", b"")
    expect_raises(NodeExistsError, lambda: client.create(path, b""), "create twice")
    expect_raises(BadVersionError, lambda: client.set(path, b"", version=7), "set with a wrong version")
    expect_raises(BadVersionError, lambda: client.delete(path, version=7), "delete with a wrong version")
    expect_raises(NotEmptyError, lambda: client.delete(path), "delete with a child")


def sequential(bench: Bench) -> None:
    made = [bench.client.create(bench.path("s-"), b"", sequence=True) for _ in range(3)]
    expect(made, [bench.path(f"s-{n:010d}") for n in range(3)], "sequential names")


def children_and_stat(bench: Bench) -> None:
    client = bench.client
    for name in ("b", "a", "c"):
        client.create(bench.path(name), b"")
    client.delete(bench.path("c"))
    children, stat = client.get_children(bench.root, include_data=True)
    expect((sorted(children), stat.numChildren, stat.cversion), (["a", "b"], 2, 4), "children of the root")


def create_with_stat(bench: Bench) -> None:
    path, stat = bench.client.create(bench.path("deep/er"), b"data", makepath=True, include_data=True)
    expect((path, stat.dataLength, stat.czxid == stat.mzxid), (bench.path("deep/er"), 4, True), "create2")


def large_value(bench: Bench) -> None:
    value = bytes(range(256)) * 4000
    bench.client.create(bench.path("large"), value)
    expect(bench.client.get(bench.path("large"))[0] == value, True, "a megabyte comes back unchanged")


def unicode_path(bench: Bench) -> None:
    path = bench.path("zażółć-日本")
    bench.client.create(path, "gęś".encode())
    expect(bench.client.get(path)[0].decode(), "gęś", "value under a unicode path")
    expect(bench.client.get_children(bench.root), ["zażółć-日本"], "unicode child name")


def pipelined(bench: Bench) -> None:
    client = bench.client
    made = [client.create_async(bench.path("p-"), str(n).encode(), sequence=True) for n in range(200)]
    paths = [result.get(timeout=20) for result in made]
    expect(paths, sorted(paths), "replies in the order of the requests")
    read = [client.get_async(path) for path in paths]
    expect([result.get(timeout=20)[0] for result in read], [str(n).encode() for n in range(200)], "values")


def sync(bench: Bench) -> None:
    expect(bench.client.sync(bench.root), bench.root, "path that sync answers with")


def transaction(bench: Bench) -> None:
    client = bench.client
    client.create(bench.path("old"), b"")
    batch = client.transaction()
    batch.create(bench.path("new"), b"1")
    batch.set_data(bench.path("new"), b"2")
    batch.check(bench.path("new"), version=1)
    batch.delete(bench.path("old"))
    results = batch.commit()
    expect((results[0], results[1].version, results[2:]), (bench.path("new"), 1, [True, True]), "results")
    expect(client.get_children(bench.root), ["new"], "children afterwards")


def transaction_rolls_back(bench: Bench) -> None:
    batch = bench.client.transaction()
    batch.create(bench.path("first"), b"")
    batch.delete(bench.path("missing"))
    batch.create(bench.path("last"), b"")
    kinds = [type(result) for result in batch.commit()]
    expect(kinds, [RolledBackError, NoNodeError, RuntimeInconsistency], "results of a failed transaction")
    expect(bench.client.get_children(bench.root), [], "nothing was created")


def ephemeral(bench: Bench) -> None:
    other = bench.connect()
    other.create(bench.path("e"), b"", ephemeral=True)
    expect(bench.client.exists(bench.path("e")).ephemeralOwner, other.client_id[0], "owner")
    other.stop()
    expect(bench.client.exists(bench.path("e")), None, "ephemeral after its session closed")


def digest_auth(bench: Bench) -> None:
    owner = bench.connect(auth_data=[("digest", "anna:secret")])
    path = bench.path("private")
    owner.create(path, b"hidden", acl=[make_digest_acl("anna", "secret", all=True)])
    expect_raises(NoAuthError, lambda: bench.client.get(path), "read by a stranger")
    expect_raises(NoAuthError, lambda: bench.client.set(path, b""), "write by a stranger")
    bench.client.add_auth("digest", "anna:wrong")
    expect_raises(NoAuthError, lambda: bench.client.get(path), "read with the wrong password")
    expect(owner.get(path)[0], b"hidden", "read by the owner")
    bench.client.add_auth("digest", "anna:secret")
    expect(bench.client.get(path)[0], b"hidden", "read after adding the right credentials")


def acl_change(bench: Bench) -> None:
    client = bench.client
    client.set_acls(bench.root, [make_acl("world", "anyone", read=True, admin=True, delete=True)])
    acls, stat = client.get_acls(bench.root)
    expect(([(acl.perms, acl.id.id) for acl in acls], stat.aversion), ([(25, "anyone")], 1), "ACL and its version")
    expect_raises(NoAuthError, lambda: client.create(bench.path("x"), b""), "create where CREATE was taken away")
    client.set_acls(bench.root, [make_acl("world", "anyone", all=True)], version=1)
    client.create(bench.path("x"), b"")
    expect(client.get_children(bench.root), ["x"], "create after it was given back")


CHECKS: dict[str, BenchCheck] = {
    check.__name__: check
    for check in (
        create_get_set_delete,
        errors,
        sequential,
        children_and_stat,
        create_with_stat,
        large_value,
        unicode_path,
        pipelined,
        sync,
        transaction,
        transaction_rolls_back,
        ephemeral,
        digest_auth,
        acl_change,
    )
}
