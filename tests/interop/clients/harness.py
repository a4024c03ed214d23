"""What the programs written in Python share: addresses, waiting with a deadline, one line a check."""

import socket
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

WAIT_DEADLINE_S = 20.0
POLL_S = 0.02


@dataclass(frozen=True)
class Addresses:
    """Where a program finds the server, the proxy before it, and the proxy's control port."""

    server: str
    proxy: str
    control: str

    def tell_proxy(self, command: str) -> str:
        """Send one command to the proxy and return its answer (see interop/proxy.py)."""
        host, _, port = self.control.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=WAIT_DEADLINE_S) as connection:
            connection.sendall(f"{command}\n".encode())
            return connection.makefile().readline().strip()

    def connections_carried(self) -> int:
        """How many connections the proxy has let through so far."""
        return int(self.tell_proxy("accepted"))


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Return as soon as `condition()` is true; fail with `what` after `WAIT_DEADLINE_S`."""
    deadline = time.monotonic() + WAIT_DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {WAIT_DEADLINE_S} s in vain: {what}")
        time.sleep(POLL_S)


def expect(actual: object, wanted: object, what: str) -> None:
    """Fail unless `actual` equals `wanted`."""
    if actual != wanted:
        raise AssertionError(f"{what}: {actual!r} instead of {wanted!r}")


def expect_raises(kind: type[Exception], action: Callable[[], object], what: str) -> None:
    """Fail unless `action()` raises `kind`."""
    try:
        result = action()
    except kind:
        return
    raise AssertionError(f"{what}: no {kind.__name__}, but {result!r}")


def fresh_name(check: str) -> str:
    """A name that no other check and no earlier run uses."""
    return f"interop-{check}-{uuid.uuid4().hex[:8]}"


def run_checks(checks: Mapping[str, Callable[[], None]]) -> int:
    """Run every check, print its line, and return the exit code."""
    verdicts = [run_check(name, check) for name, check in checks.items()]
    return 0 if all(verdicts) else 1


def run_check(name: str, check: Callable[[], None]) -> bool:
    """Run one check and print its line."""
    try:
        check()
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        print(f"FAILED {name}: {type(error).__name__} {' '.join(str(error).split())}", flush=True)
        return False
    print(f"ok {name}", flush=True)
    return True
