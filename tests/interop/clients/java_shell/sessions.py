"""Sessions, credentials, and the commands that tell about the connection."""

from interop.clients.harness import expect, wait_for

from .bench import Bench, BenchCheck, connect
from .shell import DEFAULT_TIMEOUT_MS, run_once

SHORT_SESSION_MS = 1000


def digest_auth(bench: Bench) -> None:
    path = bench.path("a")
    bench.run("addauth digest anna:secret")
    expect(sorted(bench.shell.run("whoami")), ["Auth scheme: User", "digest: anna", "ip: 127.0.0.1"], "whoami")
    bench.run(f"create {path} hidden auth::cdrwa", f"Created {path}")
    connect(bench.shell, bench.addresses.server)
    for command in (f"get {path}", f"set {path} x", f"getAcl {path}", f"setAcl {path} world:anyone:r"):
        bench.run(command, f"Insufficient permission : {path}")
    bench.run("addauth digest anna:wrong")
    bench.run(f"get {path}", f"Insufficient permission : {path}")
    bench.run("addauth digest anna:secret")
    bench.run(f"get {path}", "hidden")


def ephemerals_end_with_the_session(bench: Bench) -> None:
    paths = {bench.path("e1"), bench.path("e2")}
    for path in paths:
        bench.run(f"create -e {path}", f"Created {path}")
    (listed,) = bench.shell.run("getEphemerals")
    expect(set(listed.strip("[]").split(", ")), paths, "getEphemerals")
    bench.run(f"getEphemerals {bench.path('e1')}", f"[{bench.path('e1')}]")
    connect(bench.shell, bench.addresses.server)
    bench.run(f"ls {bench.root}", "[]")


def closed_session(bench: Bench) -> None:
    bench.shell.send("close")
    bench.shell.wait_for_event("state:Closed type:None path:null")
    connect(bench.shell, bench.addresses.server)
    bench.run(f"ls {bench.root}", "[]")


def about_the_connection(bench: Bench) -> None:
    bench.run(f"sync {bench.root}", "Sync is OK")
    bench.run("config")
    bench.run("reconfig -remove 3", "KeeperErrorCode = Reconfig is disabled")
    (version,) = bench.shell.run("version")
    expect(version.startswith("ZooKeeper CLI version: 3."), True, version)
    expect("version" in bench.shell.run("history")[-3], True, "history")


def one_shot_commands(bench: Bench) -> None:
    server, path = bench.addresses.server, bench.path("a")
    expect(run_once(server, "create", path, "one shot"), (0, [f"Created {path}"]), "create")
    bench.run(f"get {path}", "one shot")
    code, lines = run_once(server, "get", f"{path}/none")
    expect((code, lines[:1]), (1, [f"Node does not exist: {path}/none"]), "get of a missing node")


def chroot(bench: Bench) -> None:
    bench.create("a")
    connect(bench.shell, f"{bench.addresses.server}{bench.root}")
    bench.run("ls /", "[a]")
    bench.run("create /b", "Created /b")
    connect(bench.shell, bench.addresses.server)
    bench.run(f"ls {bench.root}", "[a, b]")


def resume_after_cut(bench: Bench) -> None:
    path = bench.path("e")
    with bench.another_shell(bench.addresses.proxy, DEFAULT_TIMEOUT_MS) as shell:
        shell.run(f"create -e {path}")
        shell.run(f"stat -w {bench.root}")
        bench.addresses.tell_proxy("refuse")
        shell.wait_for_event("state:Disconnected type:None path:null")
        bench.run(f"set {bench.root} missed")
        bench.addresses.tell_proxy("accept")
        shell.wait_for_event("state:SyncConnected type:None path:null")
        shell.wait_for_event(f"state:SyncConnected type:NodeDataChanged path:{bench.root}")
        expect(shell.run("getEphemerals"), [f"[{path}]"], "ephemerals of the resumed session")


def expiry(bench: Bench) -> None:
    path = bench.path("e")
    with bench.another_shell(bench.addresses.proxy, SHORT_SESSION_MS) as shell:
        shell.run(f"create -e {path}")
        bench.addresses.tell_proxy("refuse")
        wait_for(lambda: bench.shell.run(f"ls {bench.root}") == ["[]"], "the ephemeral's removal")
        bench.addresses.tell_proxy("accept")
        shell.wait_for_event("state:Expired type:None path:null")


CHECKS: dict[str, BenchCheck] = {
    check.__name__: check
    for check in (
        digest_auth,
        ephemerals_end_with_the_session,
        closed_session,
        about_the_connection,
        one_shot_commands,
        chroot,
        resume_after_cut,
        expiry,
    )
}
