"""`get`, `stat`, `create`, `set`, `sync`."""

import asyncio
import base64
import binascii
from typing import Final

from zkeeper.cli.shell.error_texts import code_text
from zkeeper.cli.shell.execution.surroundings import (
    CommandError,
    Surroundings,
    acl_of,
    as_bytes,
    checked_path,
    number_of,
    version_of,
    wants_watch,
)
from zkeeper.cli.shell.options import Parsed
from zkeeper.cli.shell.results import CreatedPath, Data, DataForm, Said, StatOf
from zkeeper.errors import InvalidAclError, NoNodeError, OperationTimeoutError, ZooKeeperError
from zkeeper.values import OPEN_ACL, Acl
from zkeeper.wire.protocol import MAX_TTL_MS

SYNC_TIMEOUT_S: Final = 30.0


async def get(surroundings: Surroundings, parsed: Parsed) -> None:
    watch = surroundings.watch if wants_watch(surroundings, "get", "[-s] [-w]", parsed) else None
    node = await surroundings.zk.get(checked_path(parsed.positional[0]), watch=watch)
    surroundings.report.show(Data(None if node.is_null else node.data, _data_form(parsed)))
    if parsed.has("s"):
        surroundings.report.show(StatOf(node.stat))


def _data_form(parsed: Parsed) -> DataForm:
    if parsed.has("x"):
        return DataForm.HEX
    return DataForm.BASE64 if parsed.has("b") else DataForm.TEXT


async def stat(surroundings: Surroundings, parsed: Parsed) -> None:
    watch = surroundings.watch if wants_watch(surroundings, "stat", "[-w]", parsed) else None
    path = checked_path(parsed.positional[0])
    found = await surroundings.zk.exists(path, watch=watch)
    if found is None:
        raise NoNodeError(path)
    surroundings.report.show(StatOf(found))


async def create(surroundings: Surroundings, parsed: Parsed) -> None:
    is_sequential, is_ephemeral, is_container = (parsed.has(name) for name in "sec")
    if is_container and (is_sequential or is_ephemeral):
        raise CommandError("-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.")
    ttl_ms = _ttl_of(parsed, is_ephemeral, is_container)
    path, data, acl_words = _create_arguments(parsed)
    acl = _acl_of(surroundings, acl_words)
    checked_path(path, is_sequential)
    try:
        created = await surroundings.zk.create(
            path, data, acl=acl, ephemeral=is_ephemeral, sequential=is_sequential, container=is_container, ttl_ms=ttl_ms
        )
    except InvalidAclError:
        surroundings.report.note(code_text(InvalidAclError.code, path))
        raise
    surroundings.report.show(CreatedPath(created))


def _create_arguments(parsed: Parsed) -> tuple[str, bytes | None, str | None]:
    path, *rest = parsed.positional
    return path, as_bytes(rest[0]) if rest else None, rest[1] if len(rest) > 1 else None


def _ttl_of(parsed: Parsed, is_ephemeral: bool, is_container: bool) -> int | None:
    text = parsed.value("t")
    if text is None:
        return None
    if is_ephemeral:
        raise CommandError("TTLs cannot be used with Ephemeral znodes")
    if is_container:
        raise CommandError("TTLs cannot be used with Container znodes")
    ttl_ms = number_of(text, "-t argument must be a long value")
    if not 0 < ttl_ms <= MAX_TTL_MS:
        raise CommandError(f"ttl must be positive and cannot be larger than: {MAX_TTL_MS}")
    return ttl_ms


def _acl_of(surroundings: Surroundings, words: str | None) -> tuple[Acl, ...]:
    if words is None:
        return OPEN_ACL
    acl = acl_of(surroundings, words)
    if not acl:
        surroundings.report.note(code_text(InvalidAclError.code, None))
        raise CommandError("Acl is not valid : null")
    return tuple(acl)


async def set_data(surroundings: Surroundings, parsed: Parsed) -> None:
    path, text = checked_path(parsed.positional[0]), parsed.positional[1]
    data = _from_base64(text) if parsed.has("b") else as_bytes(text)
    result = await surroundings.zk.set(path, data, version_of(parsed))
    if parsed.has("s"):
        surroundings.report.show(StatOf(result))


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise CommandError(f"-b needs data in base64: {error}") from None


async def sync(surroundings: Surroundings, parsed: Parsed) -> None:
    path = checked_path(parsed.positional[0])
    try:
        async with asyncio.timeout(SYNC_TIMEOUT_S):
            await surroundings.zk.sync(path)
    except (TimeoutError, ZooKeeperError) as error:
        code = error.code if isinstance(error, ZooKeeperError) else OperationTimeoutError.code
        surroundings.report.show(Said(f"Sync has failed. rc={code}", {"rc": code}))
    else:
        surroundings.report.show(Said("Sync is OK", {"rc": 0}))
