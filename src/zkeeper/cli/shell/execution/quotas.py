"""`setquota`, `listquota`, `delquota`.

1. A quota on `/a` is `/zookeeper/quota/a/zookeeper_limits`, with its usage in `zookeeper_stats` beside it.
2. Quotas do not nest: none is set below or above another.
3. A limit of -1 is none. Setting one limit leaves the others.
"""

from collections.abc import Iterator
from typing import Final

from zkeeper.cli.shell.execution.surroundings import CommandError, Surroundings, checked_path
from zkeeper.cli.shell.options import Parsed
from zkeeper.cli.shell.quota_limits import Limits, read_limits, read_usage
from zkeeper.cli.shell.results import Quota, Said
from zkeeper.cli.walk import listing
from zkeeper.errors import NodeExistsError, NoNodeError, NotEmptyError

ROOT: Final = "/zookeeper/quota"
LIMITS: Final = "zookeeper_limits"
USAGE: Final = "zookeeper_stats"
NO_USAGE: Final = b"count=0,bytes=0"


async def set_quota(surroundings: Surroundings, parsed: Parsed) -> None:
    (letter, text), *_ = parsed.given.items()
    path = parsed.positional[0]
    changes = {letter: _limit(letter, text)}
    if path.startswith(ROOT):
        raise CommandError(f"cannot set a quota under the path: {ROOT}")
    checked_path(ROOT + path)
    if await surroundings.zk.exists(checked_path(path)) is None:
        raise CommandError(f"{path} does not exist.")
    await _refuse_nesting(surroundings, path)
    limits = await _write_limits(surroundings, path, changes)
    await _warn(surroundings, path, limits)


def _limit(letter: str, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise CommandError("NumberFormatException happens when parsing the option value") from None
    if letter in "nN" and value <= 0:
        raise CommandError("the num quota must be greater than zero")
    if letter in "bB" and value < 0:
        raise CommandError("the bytes quota must be greater than or equal to zero")
    return value


async def _refuse_nesting(surroundings: Surroundings, path: str) -> None:
    for ancestor in _proper_ancestors(path):
        if await surroundings.zk.exists(f"{ROOT}{ancestor}/{LIMITS}") is not None:
            raise CommandError(f"{path} has a parent {ancestor} which has a quota")
    try:
        async for one in listing(surroundings.zk, ROOT + path):
            owner = one.removeprefix(ROOT).removesuffix(f"/{LIMITS}")
            if one.endswith(f"/{LIMITS}") and owner != path:
                raise CommandError(f"{path} has a child {owner} which has a quota")
    except NoNodeError:
        return


def _proper_ancestors(path: str) -> Iterator[str]:
    """Nearest first, without the root."""
    while path := path.rpartition("/")[0]:
        yield path


async def _write_limits(surroundings: Surroundings, path: str, changes: dict[str, int]) -> Limits:
    zk = surroundings.zk
    await zk.ensure_path(ROOT + path)
    limits = read_limits("").changed(changes)
    try:
        await zk.create(f"{ROOT}{path}/{LIMITS}", limits.text().encode())
        await zk.create(f"{ROOT}{path}/{USAGE}", NO_USAGE)
    except NodeExistsError:
        node = await zk.get(f"{ROOT}{path}/{LIMITS}")
        limits = read_limits(node.data.decode()).changed(changes)
        await zk.set(f"{ROOT}{path}/{LIMITS}", limits.text().encode())
    return limits


async def _warn(surroundings: Surroundings, path: str, limits: Limits) -> None:
    node = await surroundings.zk.get(f"{ROOT}{path}/{USAGE}")
    count, size_bytes = read_usage(node.data.decode())
    if limits.is_count_below(count):
        _show_warning(surroundings, "count", count)
    if limits.is_size_below(size_bytes):
        _show_warning(surroundings, "bytes", size_bytes)


def _show_warning(surroundings: Surroundings, what: str, existing: int) -> None:
    text = f"[Warning]: the {what} quota you create is less than the existing {what}:{existing}"
    surroundings.report.show(Said(text, {f"existing_{what}": existing}))


async def list_quota(surroundings: Surroundings, parsed: Parsed) -> None:
    path = parsed.positional[0]
    limits_path = checked_path(f"{ROOT}{path}/{LIMITS}")
    surroundings.report.note(f"absolute path is {limits_path}")
    try:
        limits = await surroundings.zk.get(limits_path)
        usage = await surroundings.zk.get(f"{ROOT}{path}/{USAGE}")
    except NoNodeError:
        surroundings.report.note(f"quota for {path} does not exist.")
        return
    surroundings.report.show(Quota(path, limits.data.decode(), usage.data.decode()))


async def delete_quota(surroundings: Surroundings, parsed: Parsed) -> None:
    """One limit goes, or without an option the whole quota, with the parents that it leaves empty."""
    path = parsed.positional[0]
    limits_path = checked_path(f"{ROOT}{path}/{LIMITS}")
    try:
        node = await surroundings.zk.get(limits_path)
    except NoNodeError:
        surroundings.report.show(Said(f"Quota does not exist for {path}", {"existed": False}))
        return
    if parsed.given:
        limits = read_limits(node.data.decode()).changed(dict.fromkeys(parsed.given, -1))
        await surroundings.zk.set(limits_path, limits.text().encode())
        return
    await surroundings.zk.transaction().delete(limits_path).delete(f"{ROOT}{path}/{USAGE}").commit()
    await _delete_empty_parents(surroundings, path)


async def _delete_empty_parents(surroundings: Surroundings, path: str) -> None:
    for one in (path, *_proper_ancestors(path)):
        try:
            await surroundings.zk.delete(ROOT + one)
        except (NotEmptyError, NoNodeError):
            return
