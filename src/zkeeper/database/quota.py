"""Quotas: the text of limits and usage, and which subtree has one (semantics, section 14).

1. A quota on `/a/b` lives in `/zookeeper/quota/a/b/zookeeper_limits`; its usage is the data of `zookeeper_stats`
   beside it.
2. Usage is rewritten without a transaction: its Stat does not change, no watch fires, no digest counts it.
3. Only the deepest quota above a znode accounts for it.
"""

import re
from typing import Final, final

from zkeeper.database import paths
from zkeeper.errors import MarshallingError

LIMITS_NAME: Final = b"zookeeper_limits"
STATS_NAME: Final = b"zookeeper_stats"
NO_LIMIT: Final = -1
MAX_NUMBER: Final = 0x7FFFFFFFFFFFFFFF
_NUMBER = re.compile(rb"[+-]?[0-9]{1,30}")


def limits_path(path: bytes) -> bytes:
    return paths.QUOTA + path + b"/" + LIMITS_NAME


def stats_path(path: bytes) -> bytes:
    return paths.QUOTA + path + b"/" + STATS_NAME


@final
class QuotaValues:
    """`count` and `bytes_` of a limit or a usage; -1 where there is none."""

    def __init__(self, count: int, bytes_: int, count_hard: int = NO_LIMIT, bytes_hard: int = NO_LIMIT) -> None:
        self.count = count
        self.bytes_ = bytes_
        self.count_hard = count_hard
        self.bytes_hard = bytes_hard

    def encode(self) -> bytes:
        text = b"count=%d,bytes=%d" % (self.count, self.bytes_)
        hard = b""
        if self.bytes_hard != NO_LIMIT:
            hard += b";byteHardLimit=%d" % self.bytes_hard
        if self.count_hard != NO_LIMIT:
            hard += b";countHardLimit=%d" % self.count_hard
        return text + (b"=" + hard if hard else b"")


def parse_quota(text: bytes | None) -> QuotaValues:
    """Raises `MarshallingError`, as the server answers, when there is no text, or an item is not `key=number`."""
    if text is None:
        raise MarshallingError("the quota is null")
    values: dict[bytes, int] = {}
    for item in re.split(rb"[,;]+", text):
        if item:
            key, number = _parse_item(item)
            values[key] = number
    return QuotaValues(
        values.get(b"count", NO_LIMIT),
        values.get(b"bytes", NO_LIMIT),
        values.get(b"countHardLimit", NO_LIMIT),
        values.get(b"byteHardLimit", NO_LIMIT),
    )


def parse_usage(text: bytes | None) -> QuotaValues:
    """As `parse_quota`; what a client wrote there and means nothing counts as no usage."""
    try:
        return parse_quota(text)
    except MarshallingError:
        return QuotaValues(0, 0)


def _parse_item(item: bytes) -> tuple[bytes, int]:
    parts = item.split(b"=")
    if not any(parts[1:]):
        raise MarshallingError(f"quota item {item!r} is not key=number")
    if parts[1] == b"":
        return parts[0], NO_LIMIT
    if _NUMBER.fullmatch(parts[1]) is None or not -MAX_NUMBER <= int(parts[1]) <= MAX_NUMBER:
        raise MarshallingError(f"quota item {item!r} is not key=number")
    return parts[0], int(parts[1])


@final
class QuotaIndex:
    """The paths that have a quota."""

    def __init__(self) -> None:
        self.quota_paths: set[bytes] = set()

    def deepest(self, path: bytes) -> bytes | None:
        """The deepest path with a quota that is `path` or lies above it; never the root."""
        if not self.quota_paths:
            return None
        while path != paths.ROOT and path:
            if path in self.quota_paths:
                return path
            path = paths.parent(path)
        return None


def quota_of_node(path: bytes, node_name: bytes) -> bytes | None:
    """The path whose quota the node `node_name` at `path` (below /zookeeper/quota) describes, if it does."""
    if not path.startswith(paths.QUOTA_PREFIX) or not path.endswith(b"/" + node_name):
        return None
    subject = path[len(paths.QUOTA) : -len(node_name) - 1]
    return subject if subject else None
