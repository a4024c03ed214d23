"""Being there: a znode that is there as long as its maker is, members of a group, and what each of them works on."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Self

from zkeeper import recipes as on_loop
from zkeeper.blocking.client import Client
from zkeeper.blocking.core import Core
from zkeeper.blocking.recipes.block import Block
from zkeeper.blocking.recipes.held import Held
from zkeeper.blocking.recipes.recipe import Flag, Recipe, Running, on_loop_of
from zkeeper.blocking.steps import Steps
from zkeeper.errors import ClosedError
from zkeeper.recipes import Member
from zkeeper.recipes import partitioner as on_loop_share
from zkeeper.recipes.partitioner import Partition, every_nth
from zkeeper.values import OPEN_ACL, Acl, NodeData


class PersistentNode(Running[on_loop.PersistentNode]):
    """Keeps a znode with the given data, by default an ephemeral.

        with PersistentNode(zk, "/workers/host-1", b"10.0.0.1") as node:
            node.present(timeout_s=5.0)

    Promises: whenever there is a connection, the znode comes to exist with the data last given, until `close`, which
    deletes it (an ephemeral one; another one stays). It does not exist between the end of a session and the beginning
    of the next. Data that others set stays, until the znode is made anew. If a znode of that path is not an ephemeral,
    or belongs to somebody else, it is left alone until it goes.

    On the wire it is Curator's `PersistentNode` without protection.
    """

    def __init__(
        self, zk: Client, path: str, data: bytes = b"", *, ephemeral: bool = True, acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        super().__init__(zk, on_loop.PersistentNode(on_loop_of(zk), path, data, ephemeral=ephemeral, acl=acl))

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    @property
    def is_present(self) -> bool:
        """Whether it exists, as far as is known."""
        return self._look(lambda: self._recipe.is_present)

    def present(self, timeout_s: float | None = None) -> None:
        """Waits until it exists. Raises `TimeoutError`, and what keeps it from being created."""
        self._call(None, self._recipe.present, timeout_s)

    def set_data(self, data: bytes, *, timeout_s: float | None = None) -> None:
        """Sets the data, now and whenever it is made anew. Returns when it is set, or will be at the next making."""
        self._call(timeout_s, self._recipe.set_data, data)


class Group(Recipe[on_loop.Group]):
    """Members that are there as long as their sessions are.

        with Group(zk, "/workers", "host-1", b"10.0.0.1") as group:
            print(group.members())

    Promises: after `join` the member is seen whenever its client has a session, until `leave`. A process that dies is
    seen until its session expires. `members` is what one server knows at that moment. Identifiers are not checked to be
    unique; in the layout "curator" two of one name take turns.

    On the wire it is Curator's `GroupMember`, or kazoo's `Party` or `ShallowParty` with `layout="kazoo"` or
    `"kazoo-shallow"`.
    """

    def __init__(
        self, zk: Client, path: str, identifier: str = "", data: bytes = b"", *, layout: str = "curator",
        acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        super().__init__(zk, on_loop.Group(on_loop_of(zk), path, identifier, data, layout=layout, acl=acl))

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    @property
    def identifier(self) -> str:
        """The name of this member."""
        return self._recipe.identifier

    @property
    def layout(self) -> str:
        """How it is on the wire."""
        return self._recipe.layout

    def join(self, timeout_s: float | None = None) -> None:
        """Becomes a member; returns when it is seen. Raises `TimeoutError`, and goes on trying then."""
        self._call(None, self._recipe.join, timeout_s)

    def leave(self, *, timeout_s: float | None = None) -> None:
        """Is a member no more. Returns when the znode is gone or the session has ended."""
        with suppress(ClosedError):  # With its session it has left.
            self._call(timeout_s, self._recipe.leave)

    def set_data(self, data: bytes, *, timeout_s: float | None = None) -> None:
        """Changes what the others see of this member. Not in kazoo's layouts."""
        self._call(timeout_s, self._recipe.set_data, data)

    def members(self, *, timeout_s: float | None = None) -> list[Member]:
        """All members now, sorted by identifier."""
        return self._call(timeout_s, self._recipe.members)

    def changes(self) -> Steps[list[Member]]:
        """Yields all members now, and again after changes; those in quick succession as one."""
        return self._steps(self._recipe.changes())

    def members_of(self, children: Mapping[str, NodeData]) -> list[Member]:
        """The members among the children of `path`."""
        return self._look(lambda: self._recipe.members_of(children))

    def __enter__(self) -> Self:
        try:
            self.join()
        except BaseException:
            self.leave()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()


class Share:
    """The items that one member has. `revoked` is set when it has to be released, because the members have changed.

    Example:
        with partitioner.share() as share:
            for item in share.items:
                if not share.revoked.is_set():
                    work_on(item)
    """

    def __init__(self, core: Core, share: on_loop_share.Share) -> None:
        self._share = share
        self.items = share.items
        self.helds = [Held(core, held) for held in share.helds]
        self.revoked = Flag(core, share.revoked)


class Partitioner(Running[on_loop.Partitioner]):
    """Divides `items` among all members that use the same path.

        with Partitioner(zk, "/partition", ["a", "b", "c"], "host-1") as partitioner:
            while True:
                with partitioner.share() as share:
                    work_on(share.items, until=share.revoked.is_set)

    Promises: no item is in two shares at a time (as a `Lock` promises it; each item has its `Held`). When the members
    have not changed for `settle_s` and all have released what was revoked, all items are in some share. When an
    item's lock is lost `revoked` says so, and the block of `share` ends with `LockLostError`.

    Does not promise that a share is revoked before others wait for it: they wait until it is released.

    All members have to give the same items, rule and `settle_s`, and different identifiers. On the wire it is kazoo's
    `SetPartitioner`.
    """

    def __init__(
        self, zk: Client, path: str, items: Iterable[str], identifier: str, *, settle_s: float = 5.0,
        partition: Partition = every_nth, acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        recipe = on_loop.Partitioner(
            on_loop_of(zk), path, items, identifier, settle_s=settle_s, partition=partition, acl=acl
        )
        super().__init__(zk, recipe)

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    @property
    def items(self) -> Sequence[str]:
        """What is divided, sorted."""
        return self._recipe.items

    @property
    def identifier(self) -> str:
        """The name of this member."""
        return self._recipe.identifier

    @property
    def settle_s(self) -> float:
        """How long nobody may have come or gone before the set is divided, in seconds."""
        return self._recipe.settle_s

    def start(self, *, timeout_s: float | None = None) -> None:
        """Joins the members."""
        super().start(timeout_s=timeout_s)

    def close(self, *, timeout_s: float | None = None) -> None:
        """Leaves the members. Shares have to be released before."""
        super().close(timeout_s=timeout_s)

    @property
    def members(self) -> list[str]:
        """The identifiers of all members, sorted."""
        return self._look(lambda: self._recipe.members)

    def share(self) -> Block[on_loop_share.Share, Share]:
        """Waits for a share, and releases it when the block ends, which it should do soon once `revoked` is set."""
        return Block(self._core, self._recipe.share, partial(Share, self._core))

    def acquire(self, *, timeout_s: float | None = None) -> Share:
        """Waits until the members are settled, and for the items of this one. They may be none."""
        share = self._core.step(timeout_s, self._recipe.acquire, self._undo)
        return Share(self._core, share)

    def release(self, share: Share, *, timeout_s: float | None = None) -> None:
        """Returns when all its items may be taken by others. Cancelled meanwhile, it releases the rest all the same."""
        self._call(timeout_s, self._recipe.release, share._share)

    def _undo(self, share: on_loop_share.Share) -> None:
        self._core.spawn(self._recipe.release(share))
