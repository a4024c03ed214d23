"""What each kazoo check is handed: clients, and a root path that is gone afterwards."""

from collections.abc import Callable
from typing import Any

from kazoo.client import KazooClient
from kazoo.retry import KazooRetry

from interop.clients.harness import Addresses, fresh_name

SESSION_TIMEOUT_S = 15.0
START_TIMEOUT_S = 20.0
Client = Any  # kazoo carries no types


class Bench:
    """The surroundings of one check. `client` is connected straight to the server."""

    def __init__(self, check: str, addresses: Addresses) -> None:
        self.addresses = addresses
        addresses.tell_proxy("accept")
        self.root = f"/{fresh_name(f'kazoo-{check}')}"
        self._opened: list[Client] = []
        self.client = self.connect()
        self.client.create(self.root, b"")

    def connect(
        self, through_proxy: bool = False, session_timeout_s: float = SESSION_TIMEOUT_S, **options: Any
    ) -> Client:
        """A started client, closed when the check is over."""
        client = KazooClient(
            hosts=self.addresses.proxy if through_proxy else self.addresses.server,
            timeout=session_timeout_s,
            connection_retry=KazooRetry(max_tries=-1, delay=0.05, max_delay=0.2),
            **options,
        )
        self._opened.append(client)
        client.start(timeout=START_TIMEOUT_S)
        return client

    def path(self, name: str) -> str:
        """A path under the check's root."""
        return f"{self.root}/{name}"

    def close(self) -> None:
        """Remove the root and close every client."""
        try:
            self.client.delete(self.root, recursive=True)
        finally:
            for client in reversed(self._opened):
                client.stop()
                client.close()


BenchCheck = Callable[[Bench], None]


def run_in_bench(name: str, check: BenchCheck, addresses: Addresses) -> None:
    """Run one check with a bench of its own."""
    bench = Bench(name, addresses)
    try:
        check(bench)
    finally:
        bench.close()
