"""What a test may ask of a server that runs: sessions that end, and a tree as on the first day.

All of it takes the server's own road, as transactions, so clients see what they would see of any server. The functions
run on the server's loop and return when what they did is applied.
"""

import asyncio
from collections.abc import Iterator

from zkeeper.database import paths
from zkeeper.database.znode import ZNode
from zkeeper.pipeline.requests import SetAclRequest, SetDataRequest
from zkeeper.pipeline.service import Service
from zkeeper.wire.acl import OPEN_ACL, RAW_OPEN_ACL


async def expire(service: Service, session_id: int) -> None:
    """Ends a session as if nothing had been heard of it for too long. `LookupError` when there is no such session."""
    session = service.tracker.sessions.get(session_id)
    if session is None:
        raise LookupError(f"the server knows no session 0x{session_id:x}")
    if not session.closing:
        service.stats.sessions_expired += 1
        service.end_session(session, service.now_ms())
    await _applied(service)


async def clear(service: Service) -> None:
    """Ends every session, then removes every znode that a new server would not have."""
    await _applied(service)
    for session in list(service.tracker.sessions.values()):
        if not session.closing:
            service.end_session(session, service.now_ms())
    await _applied(service)
    for path in list(_added_paths(service.database.tree.root)):
        # What the reaper uses for one that is empty: it asks for no permission.
        service.delete_container(path)
    _restore_root(service)
    await _applied(service)


async def _applied(service: Service) -> None:
    """A turn of the loop costs microseconds and lets the disk's threads work, a transaction takes one to ten."""
    while service.outstanding() and service.serves():
        await asyncio.sleep(0)


def _added_paths(root: ZNode) -> Iterator[bytes]:
    """Children come before their parents."""
    parents: list[tuple[bytes, ZNode]] = [(b"", root)]
    found: list[bytes] = []
    while parents:
        above, node = parents.pop()
        for name, child in (node.children or {}).items():
            path = above + b"/" + name
            found.append(path)
            parents.append((path, child))
    return (path for path in reversed(found) if path not in paths.RESERVED)


def _restore_root(service: Service) -> None:
    root = service.database.tree.root
    now_ms = service.now_ms()
    if root.acl.entries != OPEN_ACL:
        auth, was_skipped = service.auth, service.auth.skip_acl
        auth.skip_acl = True
        service.propose(None, 0, 0, SetAclRequest(b"/", RAW_OPEN_ACL, -1), now_ms)
        auth.skip_acl = was_skipped
    if root.data:
        service.propose(None, 0, 0, SetDataRequest(b"/", b"", -1), now_ms)
