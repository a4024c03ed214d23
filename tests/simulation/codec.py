"""What the simulated clients add to the codec of all tests: texts are `str`, and access is for everybody."""

from raw_jute import Cursor as JuteCursor
from raw_jute import Stat, acl, boolean, buffer, i32, i64
from raw_jute import framed as frame
from raw_jute import text as string
from raw_wire import connect as connect_request

OPEN_PERMISSIONS = 31
NO_PASSWORD = bytes(16)

__all__ = [
    "NO_PASSWORD",
    "OPEN_PERMISSIONS",
    "Cursor",
    "Stat",
    "boolean",
    "buffer",
    "connect_request",
    "frame",
    "i32",
    "i64",
    "string",
    "world_acl",
]


def world_acl(permissions: int) -> bytes:
    """A list of one entry, for everybody."""
    return acl([(permissions, "world", "anyone")])


class Cursor(JuteCursor):
    def string(self) -> str:
        data = self.buffer()
        assert data is not None, "a string is null"
        return data.decode()

    def strings(self) -> list[str]:
        return [data.decode() for data in self.buffers()]
