"""What all parts of the blocking client stand on."""

from zkeeper.blocking.core import Core
from zkeeper.client.client import AsyncClient
from zkeeper.wire.client_pending import CONDITIONAL, RISKY


class Base:
    """`zk` is the asyncio client below whose root paths are meant."""

    def __init__(self, core: Core, zk: AsyncClient) -> None:
        self._core = core
        self._zk = zk


def risk_of(version: int) -> int:
    """The risk of repeating a write that asks for a version."""
    return RISKY if version < 0 else CONDITIONAL
