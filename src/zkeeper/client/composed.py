"""Operations that take several requests."""

import asyncio
from collections.abc import Iterable
from typing import Final

from zkeeper.client.reads import Reads
from zkeeper.client.writes import Writes
from zkeeper.errors import NodeExistsError, NoNodeError, NotEmptyError
from zkeeper.values import OPEN_ACL, Acl
from zkeeper.wire.client_paths import check_path

MAX_DELETES_AT_ONCE: Final = 256
"""Of one znode's children; deeper ones multiply."""


class Composed(Reads, Writes):
    """Part of `AsyncClient`. These are coroutines; when one fails, a part of its requests may have been done."""

    async def ensure_path(self, path: str, *, acl: Iterable[Acl] = OPEN_ACL) -> None:
        """Creates `path` and its ancestors where they are missing, empty and with `acl`.

        Raises as `exists` and `create` do. After an error some of the ancestors may exist; calling it again is safe.

        Example:
            await zk.ensure_path("/app/locks/a")
        """
        check_path(path)
        parts = (self._root + path).rstrip("/").split("/")[1:]
        if not parts or await self.exists(path) is not None:
            return
        whole = Writes(self._session, "")
        requests = [whole.create("/" + "/".join(parts[: end + 1]), acl=acl) for end in range(len(parts))]
        results = await asyncio.gather(*requests, return_exceptions=True)
        failures = [one for one in results if isinstance(one, BaseException) and not isinstance(one, NodeExistsError)]
        # An ancestor that exists already is no obstacle, even where the client may not create it.
        if failures and failures[-1] is results[-1]:
            raise failures[0]

    async def delete_tree(self, path: str) -> None:
        """Deletes a znode and all below it, children first; what is created below meanwhile is deleted, too.

        For `/` everything below it is deleted, but `/zookeeper`. Returns silently if there is nothing. Raises as
        `children` and `delete` do. After an error a part of the tree may be gone; calling it again is safe.

        Example:
            await zk.delete_tree("/jobs")
        """
        if path == "/" and not self._root:
            await self._delete_below(path)
            return
        while True:
            try:
                await self.delete(path)
                return
            except NoNodeError:
                return
            except NotEmptyError:
                await self._delete_below(path)

    async def _delete_below(self, path: str) -> None:
        try:
            names = await self.children(path)
        except NoNodeError:
            return
        prefix = "" if path == "/" else path
        children = [f"{prefix}/{name}" for name in names if self._root or f"{prefix}/{name}" != "/zookeeper"]
        for start in range(0, len(children), MAX_DELETES_AT_ONCE):
            await asyncio.gather(*map(self.delete_tree, children[start : start + MAX_DELETES_AT_ONCE]))
