"""Runs parsed commands on the client. `EXECUTIONS` has those that need a session, a coroutine for each."""

from collections.abc import Awaitable, Callable
from typing import Final

from zkeeper.cli.shell.execution import acls, deletions, ensemble, listings, nodes, quotas, watches
from zkeeper.cli.shell.execution.surroundings import Surroundings
from zkeeper.cli.shell.options import Parsed

Execution = Callable[[Surroundings, Parsed], Awaitable[None]]

EXECUTIONS: Final[dict[str, Execution]] = {
    "addWatch": watches.add_watch,
    "addauth": acls.add_auth,
    "config": ensemble.config,
    "create": nodes.create,
    "delete": deletions.delete,
    "deleteall": deletions.delete_all,
    "delquota": quotas.delete_quota,
    "get": nodes.get,
    "getAcl": acls.get_acl,
    "getAllChildrenNumber": listings.count_descendants,
    "getEphemerals": listings.list_ephemerals,
    "listquota": quotas.list_quota,
    "ls": listings.list_children,
    "reconfig": ensemble.reconfig,
    "removewatches": watches.remove_watches,
    "set": nodes.set_data,
    "setAcl": acls.set_acl,
    "setquota": quotas.set_quota,
    "stat": nodes.stat,
    "sync": nodes.sync,
    "whoami": acls.who_am_i,
}
