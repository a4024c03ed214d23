"""The files beside zoo.cfg that follow the members while they change (quorum, section 2.3):

    zoo.cfg                      names the dynamic file that counts
    zoo.cfg.bak                  as it was when it still listed the members
    zoo.cfg.dynamic.<version>    members that were committed; older ones stay
    zoo.cfg.dynamic.next         members that were proposed; gone once they are committed

1. Each file changes in one step: temporary file, sync, rename, sync of the folder.
2. The dynamic file is durable before zoo.cfg names it, and `.next` goes last. So a crash leaves the old members, with
   the new ones as proposed, or the new members.
3. Methods block. They are for the start and for jobs of one lane.
"""

import os
import re
from collections.abc import Callable
from functools import partial
from typing import Final

from zkeeper.errors import StorageError
from zkeeper.quorum.membership import Membership
from zkeeper.server.config.ensemble import QuorumConfig
from zkeeper.server.config.quorum_member import NEXT
from zkeeper.server.config.static_file import pointing_to
from zkeeper.storage.disk import Disk
from zkeeper.storage.failures import failure
from zkeeper.storage.whole_files import TEMPORARY_SUFFIX, read_file, replace_file

BACKUP: Final = ".bak"
DYNAMIC: Final = ".dynamic."

_LEFTOVER: Final = re.compile(r"(?:\.bak|\.dynamic\.next|\.dynamic\.[0-9a-f]{1,16})?" + re.escape(TEMPORARY_SUFFIX))


class DynamicFiles:
    """Those of one server; a `MembershipFiles` that blocks. All methods raise `StorageError`."""

    def __init__(self, disk: Disk, quorum: QuorumConfig) -> None:
        self._disk = disk
        self._quorum = quorum
        self._static = quorum.static_file
        self._next = quorum.static_file + NEXT
        self._folder = os.path.dirname(quorum.static_file)

    def prepare(self) -> None:
        """Comes first at a start with reconfig: removes what an earlier life left, and keeps a copy of zoo.cfg."""
        if not self._disk.is_writable(self._folder):
            raise StorageError(
                f"{self._folder} cannot be written to; with reconfigEnabled=true the members are kept beside zoo.cfg: "
                "give the server's user permission, or start it from a copy in a folder of its own"
            )
        self._told("preparing", self._folder, self._prepare)

    def write_next(self, membership: Membership) -> None:
        """Members that were proposed: a restart knows them as last seen."""
        data = _lines([*membership.lines(), f"version={membership.version:x}"])
        self._told("writing", self._next, partial(replace_file, self._disk, self._next, data))

    def activate(self, membership: Membership) -> None:
        """Members that were committed: a restart begins with them."""
        self._told("writing", self._static, partial(self._activate, membership))

    def remove_next(self) -> None:
        """What was proposed is committed, or given up."""
        self._told("removing", self._next, self._remove_next)

    def _prepare(self) -> None:
        name = os.path.basename(self._static)
        for leftover in [each for each in self._disk.names(self._folder) if each.startswith(name)]:
            if _LEFTOVER.fullmatch(leftover.removeprefix(name)):
                self._disk.remove(os.path.join(self._folder, leftover))
        if self._quorum.ensemble.dynamic_config_file is None:
            self._replace(self._static + BACKUP, read_file(self._disk, self._static))
        elif self._quorum.last_seen is self._quorum.committed:
            self._remove_next()

    def _activate(self, membership: Membership) -> None:
        dynamic = f"{self._static}{DYNAMIC}{membership.version:x}"
        replace_file(self._disk, dynamic, _lines(membership.lines()))
        me = membership.members.get(self._quorum.my_sid)
        self._replace(self._static, pointing_to(read_file(self._disk, self._static), dynamic, me))

    def _replace(self, path: str, data: bytes) -> None:
        """zoo.cfg may hold secrets, so its copies are for the same readers."""
        replace_file(self._disk, path, data, self._static)

    def _remove_next(self) -> None:
        if self._disk.exists(self._next):
            self._disk.remove(self._next)
            self._disk.sync_folder(self._folder)

    def _told(self, doing: str, path: str, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            raise failure(doing, path, error) from error


def _lines(lines: list[str]) -> bytes:
    """In the order of their text and without an end of the last one, as Java writes them."""
    return "\n".join(sorted(lines)).encode("ascii")
