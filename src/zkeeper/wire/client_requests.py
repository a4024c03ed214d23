"""Bodies of the requests that a client sends (wire format, section 6.1), and its connect request.

Paths are bytes, rooted and checked already.
"""

from typing import Final

from librt.strings import BytesWriter, write_i32_be, write_i64_be
from mypy_extensions import i32, i64

from zkeeper.values import OPEN_ACL, Acl
from zkeeper.wire import protocol
from zkeeper.wire.acl import OPEN_ACL_BYTES
from zkeeper.wire.jute import put_i32, write_bool, write_buffer, write_strings

SET_WATCHES_CHUNK_BYTES: Final = 128 * 1024
"""The longest setWatches that is sent, but for one that holds a single path."""
NO_PASSWORD: Final = bytes(16)


def connect_frame(last_zxid: i64, timeout_ms: i64, session_id: i64, password: bytes, read_only: bool) -> bytes:
    out = BytesWriter()
    write_i32_be(out, 0)
    write_i32_be(out, 0)
    write_i64_be(out, last_zxid)
    write_i32_be(out, i32(timeout_ms))
    write_i64_be(out, session_id)
    write_buffer(out, password)
    write_bool(out, read_only)
    put_i32(out, 0, len(out) - 4)
    return out.getvalue()


def frame(xid: i64, op: i64, body: bytes) -> bytes:
    out = BytesWriter()
    write_i32_be(out, i32(8 + len(body)))
    write_i32_be(out, i32(xid))
    write_i32_be(out, i32(op))
    out.write(body)
    return out.getvalue()


def path_body(path: bytes) -> bytes:
    """getACL, sync, getEphemerals, getAllChildrenNumber."""
    out = BytesWriter()
    write_buffer(out, path)
    return out.getvalue()


def watch_body(path: bytes, watch: bool) -> bytes:
    """exists, getData, getChildren, getChildren2."""
    out = BytesWriter()
    write_buffer(out, path)
    write_bool(out, watch)
    return out.getvalue()


def path_and_number(path: bytes, number: i64) -> bytes:
    """delete and check (a version), addWatch (a mode), checkWatches and removeWatches (a type)."""
    out = BytesWriter()
    write_buffer(out, path)
    write_i32_be(out, i32(number))
    return out.getvalue()


def set_data_body(path: bytes, data: bytes | None, version: i64) -> bytes:
    out = BytesWriter()
    write_buffer(out, path)
    write_buffer(out, data)
    write_i32_be(out, i32(version))
    return out.getvalue()


def create_body(op: i64, path: bytes, data: bytes | None, acl: tuple[Acl, ...], flags: i64, ttl_ms: i64) -> bytes:
    out = BytesWriter()
    write_buffer(out, path)
    write_buffer(out, data)
    _write_acl(out, acl)
    write_i32_be(out, i32(flags))
    if op == protocol.CREATE_TTL:
        write_i64_be(out, ttl_ms)
    return out.getvalue()


def set_acl_body(path: bytes, acl: tuple[Acl, ...], version: i64) -> bytes:
    out = BytesWriter()
    write_buffer(out, path)
    _write_acl(out, acl)
    write_i32_be(out, i32(version))
    return out.getvalue()


def _write_acl(out: BytesWriter, acl: tuple[Acl, ...]) -> None:
    if acl is OPEN_ACL:
        out.write(OPEN_ACL_BYTES)
        return
    write_i32_be(out, i32(len(acl)))
    for permissions, scheme, identity in acl:
        write_i32_be(out, i32(int(permissions)))
        write_buffer(out, scheme.encode())
        write_buffer(out, identity.encode())


def auth_body(scheme: str, credential: bytes | None) -> bytes:
    out = BytesWriter()
    write_i32_be(out, 0)
    write_buffer(out, scheme.encode())
    write_buffer(out, credential)
    return out.getvalue()


def reconfig_body(joining: str | None, leaving: str | None, members: str | None, version: i64) -> bytes:
    out = BytesWriter()
    for part in (joining, leaving, members):
        write_buffer(out, None if part is None else part.encode())
    write_i64_be(out, version)
    return out.getvalue()


def multi_body(operations: list[tuple[int, bytes]]) -> bytes:
    """multi and multiRead; each operation is its opcode and body."""
    out = BytesWriter()
    for op, body in operations:
        _write_multi_header(out, op, False)
        out.write(body)
    _write_multi_header(out, -1, True)
    return out.getvalue()


def _write_multi_header(out: BytesWriter, op: i64, is_done: bool) -> None:
    write_i32_be(out, i32(op))
    write_bool(out, is_done)
    write_i32_be(out, -1)


def set_watches_bodies(relative_zxid: i64, watches: list[list[str]]) -> list[tuple[int, bytes]]:
    """Opcodes and bodies that together set all watches: data, exist, child, persistent and recursive ones.

    setWatches2 is sent only where persistent ones are set, so that older servers understand the rest.
    """
    found: list[tuple[int, bytes]] = []
    lists: list[list[bytes]] = [[], [], [], [], []]
    size_bytes = 0
    for kind, paths in enumerate(watches):
        for path in paths:
            raw = path.encode()
            if size_bytes + len(raw) + 32 > SET_WATCHES_CHUNK_BYTES and size_bytes > 0:
                found.append(_set_watches(relative_zxid, lists))
                lists = [[], [], [], [], []]
                size_bytes = 0
            lists[kind].append(raw)
            size_bytes += len(raw) + 4
    if size_bytes > 0:
        found.append(_set_watches(relative_zxid, lists))
    return found


def _set_watches(relative_zxid: i64, lists: list[list[bytes]]) -> tuple[int, bytes]:
    has_persistent = len(lists[3]) + len(lists[4]) > 0
    out = BytesWriter()
    write_i64_be(out, relative_zxid)
    for paths in lists if has_persistent else lists[:3]:
        write_strings(out, paths)
    return protocol.SET_WATCHES2 if has_persistent else protocol.SET_WATCHES, out.getvalue()
