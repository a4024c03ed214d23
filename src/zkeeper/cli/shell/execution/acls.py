"""`getAcl`, `setAcl`, `addauth`, `whoami`."""

from zkeeper.cli.shell.error_texts import code_text
from zkeeper.cli.shell.execution.surroundings import (
    CommandError,
    Surroundings,
    acl_of,
    as_bytes,
    checked_path,
    version_of,
)
from zkeeper.cli.shell.options import Parsed
from zkeeper.cli.shell.results import AclOf, Identities, Said, StatOf
from zkeeper.cli.walk import breadth_first
from zkeeper.errors import AuthFailedError, ZooKeeperError
from zkeeper.values import Acl


async def get_acl(surroundings: Surroundings, parsed: Parsed) -> None:
    found = await surroundings.zk.acl(checked_path(parsed.positional[0]))
    surroundings.report.show(AclOf(found.acl))
    if parsed.has("s"):
        surroundings.report.show(StatOf(found.stat))


async def set_acl(surroundings: Surroundings, parsed: Parsed) -> None:
    version = version_of(parsed)
    acl = acl_of(surroundings, parsed.positional[1])
    if not acl:
        raise CommandError("Acl is not valid : null")
    path = checked_path(parsed.positional[0])
    if parsed.has("R"):
        await _set_below(surroundings, path, acl, version)
        return
    stat = await surroundings.zk.set_acl(path, acl, version)
    if parsed.has("s"):
        surroundings.report.show(StatOf(stat))


async def _set_below(surroundings: Surroundings, path: str, acl: list[Acl], version: int) -> None:
    """Failures are told and passed over, as zkCli does, without ending the line."""
    for one in await breadth_first(surroundings.zk, path):
        try:
            await surroundings.zk.set_acl(one, acl, version)
        except ZooKeeperError as error:
            text = code_text(error.code, one)
            surroundings.report.show(Said(text, {"failures": True}, ends_line=False))


async def add_auth(surroundings: Surroundings, parsed: Parsed) -> None:
    scheme, *credentials = parsed.positional
    try:
        await surroundings.zk.add_auth(scheme, as_bytes(credentials[0]) if credentials else None)
    except AuthFailedError:
        raise CommandError(f"Authentication failed: {scheme}") from None


async def who_am_i(surroundings: Surroundings, parsed: Parsed) -> None:
    surroundings.report.show(Identities(list(await surroundings.zk.whoami())))
