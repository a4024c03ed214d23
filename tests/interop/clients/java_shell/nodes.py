"""Commands that read and write nodes, their ACLs and their quotas."""

from interop.clients.harness import expect, wait_for

from .bench import Bench, BenchCheck


def create_get_set_delete(bench: Bench) -> None:
    path = bench.path("a")
    bench.run(f'create {path} "two words"', f"Created {path}")
    bench.run(f"get {path}", "two words")
    bench.run(f"set {path} three -v 0")
    bench.run(f"get {path}", "three")
    bench.run(f"get -b {path}", "dGhyZWU=")
    bench.run(f"set {path} four -v 0", f"version No is not valid : {path}")
    bench.run(f"delete -v 0 {path}", f"version No is not valid : {path}")
    bench.run(f"delete -v 1 {path}")
    bench.run(f"get {path}", f"Node does not exist: {path}")


def create_kinds(bench: Bench) -> None:
    bench.run(f"create -s {bench.path('s-')} x", f"Created {bench.path('s-0000000000')}")
    bench.run(f"create -s -e {bench.path('e-')} x", f"Created {bench.path('e-0000000001')}")
    bench.run(f"create -c {bench.path('box')}", f"Created {bench.path('box')}")
    bench.run(f"create -t 600000 {bench.path('ttl')} x", f"Created {bench.path('ttl')}")
    bench.run(f"create {bench.path('null')}", f"Created {bench.path('null')}")
    bench.run(f"get {bench.path('null')}", "null")
    bench.run(f"ls {bench.root}", "[box, e-0000000001, null, s-0000000000, ttl]")


def create_refused(bench: Bench) -> None:
    path = bench.create("a")
    bench.run(f"create {path}", f"Node already exists: {path}")
    bench.run(f"create {bench.path('none/b')}", f"Node does not exist: {bench.path('none/b')}")
    bench.run(f"create -e {bench.path('e')}", f"Created {bench.path('e')}")
    bench.run(f"create {bench.path('e/b')}", f"Ephemerals cannot have children: {bench.path('e/b')}")


def stat(bench: Bench) -> None:
    bench.create("a", "12345")
    bench.run(f"set {bench.path('a')} 123")
    bench.create("a/b")
    fields = _fields(bench.shell.run(f"stat {bench.path('a')}"))
    wanted = {"cversion": "1", "dataVersion": "1", "aclVersion": "0", "ephemeralOwner": "0x0", "dataLength": "3"}
    expect({name: fields[name] for name in wanted}, wanted, "stat")
    zxids = [int(fields[name], 16) for name in ("cZxid", "mZxid", "pZxid")]
    expect(zxids, [zxids[0], zxids[0] + 1, zxids[0] + 2], "zxids of create, set and the child's create")
    bench.run(f"stat {bench.path('none')}", f"Node does not exist: {bench.path('none')}")


def _fields(lines: list[str]) -> dict[str, str]:
    return dict(line.split(" = ") for line in lines)


def ls(bench: Bench) -> None:
    for name in ("b", "a", "a/c", "a/c/d"):
        bench.create(name)
    bench.run(f"ls {bench.root}", "[a, b]")
    bench.run(f"ls -R {bench.root}", *(f"{bench.root}{rest}" for rest in ("", "/a", "/b", "/a/c", "/a/c/d")))
    lines = bench.shell.run(f"ls -s {bench.root}")
    expect((lines[0], lines[-1]), ("[a, b]", "numChildren = 2"), "ls -s")
    bench.run(f"getAllChildrenNumber {bench.root}", "4")


def get_with_stat(bench: Bench) -> None:
    bench.create("a", "value")
    lines = bench.shell.run(f"get -s {bench.path('a')}")
    expect((lines[0], _fields(lines[1:])["dataLength"]), ("value", "5"), "get -s")


def deleteall(bench: Bench) -> None:
    for name in ("a", "a/b", "a/b/c", "a/d"):
        bench.create(name)
    bench.run(f"delete {bench.path('a')}", f"Node not empty: {bench.path('a')}")
    bench.run(f"deleteall {bench.path('a')} -b 2")
    bench.run(f"ls {bench.root}", "[]")


def ttl_and_container_are_reaped(bench: Bench) -> None:
    bench.run(f"create -t 300 {bench.path('ttl')} x", f"Created {bench.path('ttl')}")
    bench.run(f"create -c {bench.path('box')}", f"Created {bench.path('box')}")
    bench.create("box/a")
    bench.run(f"delete {bench.path('box/a')}")
    wait_for(lambda: bench.shell.run(f"ls {bench.root}") == ["[]"], "the reaper")


def acls(bench: Bench) -> None:
    path = bench.create("a", "x")
    bench.run(f"getAcl {path}", "'world,'anyone", ": cdrwa")
    bench.run(f"setAcl -v 0 {path} world:anyone:ra,ip:127.0.0.1:w")
    bench.run(f"getAcl {path}", "'world,'anyone", ": ra", "'ip,'127.0.0.1", ": w")
    bench.run(f"create {path}/b", f"Insufficient permission : {path}/b")
    bench.run(f"set {path} y")
    bench.run(f"setAcl -v 0 {path} world:anyone:r", f"version No is not valid : {path}")
    bench.run(f"setAcl {path} auth::r", f"Acl is not valid : {path}")
    bench.create("b")
    bench.create("b/c")
    bench.run(f"setAcl -R {bench.path('b')} world:anyone:cdra")
    bench.run(f"getAcl {bench.path('b/c')}", "'world,'anyone", ": cdra")


def quotas(bench: Bench) -> None:
    limits = f"absolute path is /zookeeper/quota{bench.root}/zookeeper_limits"
    bench.create("a", "12345")
    bench.run(f"setquota -n 10 {bench.root}")
    bench.run(f"setquota -B 1000 {bench.root}")
    bench.create("b", "678")
    bench.run(
        f"listquota {bench.root}",
        limits,
        f"Output quota for {bench.root} count=10,bytes=-1=;byteHardLimit=1000;countHardLimit=-1",
        f"Output stat for {bench.root} count=3,bytes=8",
    )
    bench.run(f"setquota -n 5 {bench.path('a')}", f"{bench.path('a')} has a parent {bench.root} which has a quota")
    bench.run(f"delquota -n {bench.root}")
    bench.run(f"delquota {bench.root}")
    bench.run(f"listquota {bench.root}", limits, f"quota for {bench.root} does not exist.")


CHECKS: dict[str, BenchCheck] = {
    check.__name__: check
    for check in (
        create_get_set_delete,
        create_kinds,
        create_refused,
        stat,
        ls,
        get_with_stat,
        deleteall,
        ttl_and_container_are_reaped,
        acls,
        quotas,
    )
}
