"""What each check of the shell is handed: one long-lived shell in a fresh session, and a root path."""

import contextlib
from collections.abc import Callable, Iterator

from interop.clients.harness import Addresses, expect, fresh_name

from .shell import Shell


class Bench:
    """The surroundings of one check."""

    def __init__(self, check: str, addresses: Addresses, shell: Shell) -> None:
        self.addresses = addresses
        self.shell = shell
        self.root = f"/{fresh_name(f'shell-{check}')}"

    def path(self, name: str) -> str:
        """A path under the check's root."""
        return f"{self.root}/{name}"

    def run(self, command: str, *wanted: str) -> None:
        """Run a command in the long-lived shell and fail unless it prints exactly the `wanted` lines."""
        expect(self.shell.run(command), list(wanted), command)

    def create(self, name: str, value: str = "") -> str:
        """Create a node under the root and return its path."""
        self.run(f"create {self.path(name)} {value}", f"Created {self.path(name)}")
        return self.path(name)

    @contextlib.contextmanager
    def another_shell(self, address: str, timeout_ms: int) -> Iterator[Shell]:
        """A shell of its own process and session while the block runs."""
        shell = Shell(address, timeout_ms)
        try:
            yield shell
        finally:
            shell.close()


BenchCheck = Callable[[Bench], None]


def run_in_bench(name: str, check: BenchCheck, addresses: Addresses, shell: Shell) -> None:
    """Run one check in a session of its own, under a root of its own."""
    bench = Bench(name, addresses, shell)
    addresses.tell_proxy("accept")
    connect(shell, addresses.server)
    bench.run(f"create {bench.root}", f"Created {bench.root}")
    shell.events.clear()
    try:
        check(bench)
    finally:
        connect(shell, addresses.server)
        shell.run(f"deleteall {bench.root}")


def connect(shell: Shell, address: str) -> None:
    """Close the shell's session and open another, without the credentials and watches of the first."""
    shell.events.clear()
    shell.send(f"connect {address}")
    shell.wait_for_event("state:SyncConnected type:None path:null")
