"""What can go wrong, one exception per ZooKeeper error code, and who is to blame.

Three kinds of wrong (a fourth, we are wrong, is an `AssertionError`):
1. `ZooKeeperError`: the request cannot be done. Its `code` is the number on the wire.
2. `DecodeError`: a peer or a file sent bytes that mean nothing. The connection, or the file, is at fault.
3. `StorageError`: the world is wrong: a disk failed, or what it holds cannot be believed.
"""

import enum
from copyreg import __newobj__  # type: ignore[attr-defined]  # the one that `pickle` knows
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

OK: Final = 0


class Outcome(enum.Enum):
    """What is known of a request that failed.

    Example:
        try:
            await zk.create("/a")
        except zkeeper.errors.ZooKeeperError as error:
            if error.outcome is zkeeper.Outcome.UNKNOWN:
                ...  # look whether it is there
    """

    NOT_APPLIED = "not applied"
    """It changed nothing: the server refused it, it was never sent, or it was a read."""
    UNKNOWN = "unknown"
    """A write was on its way when the connection was lost: it has happened, or will, or never will."""


class ZooKeeperError(Exception):
    """A request that failed, with ZooKeeper's error `code` (0 only on this base class).

    What the client raises has the `path` that the caller gave, where there is one, and an `outcome`. Its text says what
    happened, after the path.

    Example:
        try:
            await zk.set("/a", b"x")
        except zkeeper.ZooKeeperError as error:
            print(error.code, error.path, error.outcome.value)
    """

    code: int = OK
    meaning: str = "the request failed"
    """What the code says, in words."""
    path: str | None = None
    outcome: Outcome = Outcome.NOT_APPLIED
    is_repeatable: bool = False
    """Whether the very same request may be sent again without a risk of being applied twice; `Retry` asks this.

    True for a request that was lost with its connection or session and was never sent, or is a read, or is a set or
    delete of one version.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has the text and the attributes, whatever an error of this kind is usually made of."""
        return __newobj__, (type(self), *self.args), vars(self)


class RuntimeInconsistencyError(ZooKeeperError):
    """An operation of a transaction was not tried, for an earlier one failed. Only in `TransactionFailed.errors`.

    Example:
        try:
            await zk.transaction().delete("/missing").set("/a", b"x").commit()
        except zkeeper.TransactionFailed as failed:
            assert isinstance(failed.errors[1], zkeeper.errors.RuntimeInconsistencyError)  # the set was not tried
    """

    code = -2
    meaning = "it was not tried, for an earlier operation of the transaction failed"


class DataInconsistencyError(ZooKeeperError):
    """Reserved by the protocol for a server whose data contradict themselves. Servers of today do not answer it.

    Example:
        try:
            await zk.get("/a")
        except zkeeper.errors.DataInconsistencyError:
            print("the server's data directory needs attention")
    """

    code = -3
    meaning = "the server's data contradict themselves"


class ConnectionLossError(ZooKeeperError):
    """The connection broke before the reply; what became of a write in flight is unknown (`outcome`).

    Reads may be asked again. Of a write `Retry` knows whether it may be; `create_protected` finds out.

    Example:
        try:
            await zk.set("/a", b"x")
        except zkeeper.errors.ConnectionLossError as error:
            if error.outcome is zkeeper.Outcome.UNKNOWN:
                await zkeeper.settle(zk, "/a")
                print((await zk.get("/a")).data)
    """

    code = -4
    meaning = "the connection was lost before the answer"


class MarshallingError(ZooKeeperError):
    """The body of a request could not be decoded.

    Example:
        try:
            await zk.reconfig(leaving=[3])
        except zkeeper.errors.MarshallingError:
            print("the server does not understand this form of the request")
    """

    code = -5
    meaning = "the server could not decode the request"


class UnimplementedError(ZooKeeperError):
    """The server does not know this operation: it is older, or does not do it as it is configured.

    A ttl needs `zookeeper.extendedTypesEnabled`; a reconfig an ensemble. The server may close the connection as well,
    which the client then opens again.

    Example:
        try:
            await zk.create("/a", ttl_ms=60_000)
        except zkeeper.errors.UnimplementedError:
            print("the servers have no ttls: set zookeeper.extendedTypesEnabled")
    """

    code = -6
    meaning = "the server does not know this operation, or is not configured for it"


class OperationTimeoutError(ZooKeeperError):
    """A server's own limit of time ran out before it was done. `CallTimeoutError` is the blocking client's.

    Example:
        try:
            await zk.sync()
        except zkeeper.errors.OperationTimeoutError:
            await zk.sync()  # it may be asked again
    """

    code = -7
    meaning = "the server ran out of time"


class BadArgumentsError(ZooKeeperError):
    """An argument that cannot be meant: an invalid path, mode, ttl, version, connect string. Most are told at the call.

    Example:
        try:
            zk.get("no/slash")
        except zkeeper.errors.BadArgumentsError as error:
            print(error)  # 'no/slash' is no path: it does not begin with a slash
    """

    code = -8
    meaning = "the server refuses these arguments"


class NewConfigNoQuorumError(ZooKeeperError):
    """A reconfig was refused: no quorum of the new members is connected and up to date. Try it when they are.

    Example:
        try:
            await zk.reconfig(joining=["server.4=zk4:2888:3888;2181"])
        except zkeeper.errors.NewConfigNoQuorumError:
            print("start server 4 first")
    """

    code = -13
    meaning = "no quorum of the new members is connected and up to date"


class ReconfigInProgressError(ZooKeeperError):
    """Another reconfig is not done yet. Try it again afterwards.

    Example:
        try:
            await zk.reconfig(leaving=[3])
        except zkeeper.errors.ReconfigInProgressError:
            print("somebody else changes the members: look at zk.config(), then try it again")
    """

    code = -14
    meaning = "another reconfig is not done yet"


class NoNodeError(ZooKeeperError):
    """The znode, or the parent of one to be created, does not exist.

    Example:
        try:
            data = (await zk.get("/config")).data
        except zkeeper.errors.NoNodeError:
            data = b"default"
    """

    code = -101
    meaning = "it does not exist, or the parent of what was to be created does not"


class NoAuthError(ZooKeeperError):
    """The ACL grants this to none of the connection's credentials.

    Example:
        try:
            await zk.set("/hers", b"x")
        except zkeeper.errors.NoAuthError:
            await zk.add_auth("digest", b"ann:secret")
    """

    code = -102
    meaning = "the ACL grants this to none of the connection's credentials"


class BadVersionError(ZooKeeperError):
    """The znode has another version than the one that was given: somebody has changed it. Read it and decide again.

    Example:
        try:
            await zk.set("/counter", b"8", version=3)
        except zkeeper.errors.BadVersionError:
            print("changed meanwhile:", (await zk.get("/counter")).stat.version)
    """

    code = -103
    meaning = "it has another version than the one that was given"


class NoChildrenForEphemeralsError(ZooKeeperError):
    """The parent of a znode to be created is an ephemeral, which cannot have children.

    Example:
        try:
            await zk.create("/members/host-7/child")
        except zkeeper.errors.NoChildrenForEphemeralsError:
            print("/members/host-7 is an ephemeral")
    """

    code = -108
    meaning = "its parent is an ephemeral, which cannot have children"


class NodeExistsError(ZooKeeperError):
    """A znode of that path exists already. After a lost connection it may be one's own, see `create_protected`.

    Example:
        try:
            await zk.create("/leader", b"host-7", ephemeral=True)
        except zkeeper.errors.NodeExistsError:
            print("led by", (await zk.get("/leader")).data)
    """

    code = -110
    meaning = "it exists already"


class NotEmptyError(ZooKeeperError):
    """The znode to be deleted has children. `delete_tree` deletes these as well.

    Example:
        try:
            await zk.delete("/jobs")
        except zkeeper.errors.NotEmptyError:
            await zk.delete_tree("/jobs")
    """

    code = -111
    meaning = "it has children"


class SessionExpiredError(ZooKeeperError):
    """The session is over, and its ephemerals are gone or will be. The client opens the next session by itself.

    Of a request it says that it was never sent: it may be made again, in the new session.

    Example:
        try:
            await zk.create("/members/me", ephemeral=True)
        except zkeeper.errors.SessionExpiredError:
            await zk.create("/members/me", ephemeral=True)  # waits for the new session
    """

    code = -112
    meaning = "the session is over"


class InvalidCallbackError(ZooKeeperError):
    """Reserved by the protocol for a callback that cannot be called. Servers do not answer it.

    Example:
        try:
            await zk.get("/a", watch=print)
        except zkeeper.errors.InvalidCallbackError:
            print("no server that is known answers this")
    """

    code = -113
    meaning = "the callback cannot be called"


class InvalidAclError(ZooKeeperError):
    """The ACL is empty, has a scheme that the server does not know, or is for credentials that were not proven.

    Example:
        try:
            await zk.create("/mine", acl=zkeeper.CREATOR_ALL_ACL)
        except zkeeper.errors.InvalidAclError:
            print("nothing was proven yet: add_auth comes first")
    """

    code = -114
    meaning = "the ACL is empty, of an unknown scheme, or for credentials that were not proven"


class AuthFailedError(ZooKeeperError):
    """A server refused a credential of `add_auth`. The client is closed for good, in the state AUTH_FAILED.

    Example:
        try:
            await zk.add_auth("digest", b"ann:secret")
        except zkeeper.errors.AuthFailedError:
            print("make a new client with other credentials")
    """

    code = -115
    meaning = "the server refuses the credential"


class SessionMovedError(ZooKeeperError):
    """The session was resumed on another server, and this request came to the one before. It may be sent again.

    Example:
        try:
            await zk.set("/a", b"x")
        except zkeeper.errors.SessionMovedError:
            await zk.set("/a", b"x")  # nothing was done, and the session is at another server now
    """

    code = -118
    meaning = "the session was resumed on another server"


class NotReadOnlyError(ZooKeeperError):
    """A write was sent to a server that serves reads only.

    Example:
        try:
            await zk.set("/a", b"x")
        except zkeeper.errors.NotReadOnlyError:
            await zk.wait_for(zkeeper.SessionState.CONNECTED)  # a server that has a quorum
    """

    code = -119
    meaning = "the server serves reads only"


class EphemeralOnLocalSessionError(ZooKeeperError):
    """The session is a local one, which cannot own ephemerals where it is not upgraded to a global one.

    Example:
        try:
            await zk.create("/here", ephemeral=True)
        except zkeeper.errors.EphemeralOnLocalSessionError:
            print("set localSessionsUpgradingEnabled at the servers")
    """

    code = -120
    meaning = "the session is a local one, which cannot own ephemerals"


class NoWatcherError(ZooKeeperError):
    """The server knows no watch of that kind on the path, for this connection.

    Example:
        try:
            await zk.remove_watches("/a")
        except zkeeper.errors.NoWatcherError:
            print("there was none, or it has fired")
    """

    code = -121
    meaning = "the server knows no such watch of this connection"


class RequestTimeoutError(ZooKeeperError):
    """The server did not do the request in the time that it allows.

    Example:
        try:
            await zk.get("/a")
        except zkeeper.errors.RequestTimeoutError:
            print("the server is too busy; ask later")
    """

    code = -122
    meaning = "the server did not do it in the time that it allows"


class ReconfigDisabledError(ZooKeeperError):
    """The ensemble does not take a reconfig: `reconfigEnabled` is off.

    Example:
        try:
            await zk.reconfig(leaving=[3])
        except zkeeper.errors.ReconfigDisabledError:
            print("set reconfigEnabled=true at the servers")
    """

    code = -123
    meaning = "the ensemble does not take a reconfig (reconfigEnabled)"


class SessionClosedRequireSaslAuthError(ZooKeeperError):
    """The server demands authentication of a scheme that this connection has not passed.

    Example:
        try:
            await zk.get("/a")
        except zkeeper.errors.SessionClosedRequireSaslAuthError:
            print("the server wants credentials of a scheme of its own: see enforce.auth.schemes")
    """

    code = -124
    meaning = "the server demands an authentication that this connection has not passed"


class QuotaExceededError(ZooKeeperError):
    """The write would exceed a hard quota on the znode or an ancestor (`enforceQuota`). Nothing was changed.

    Example:
        try:
            await zk.create("/app/more", bytes(10_000))
        except zkeeper.errors.QuotaExceededError:
            print("delete something below /app, or have the quota raised")
    """

    code = -125
    meaning = "it would exceed a hard quota"


class ThrottledOpError(ZooKeeperError):
    """The request waited longer than the server allows and was not executed.

    Example:
        try:
            await zk.get("/a")
        except zkeeper.errors.ThrottledOpError:
            await asyncio.sleep(1)  # then again: it was not executed
    """

    code = -127
    meaning = "the server was too busy and did not do it"


class UnknownCodeError(ZooKeeperError):
    """The server answered a code that this version does not know; `code` has it.

    Example:
        try:
            await zk.get("/a")
        except zkeeper.errors.UnknownCodeError as error:
            print("a newer server? its code is", error.code)
    """


class ClosedError(ZooKeeperError):
    """The client was closed, or not started yet. It sends nothing (more).

    Example:
        await zk.close()
        try:
            await zk.get("/a")
        except zkeeper.errors.ClosedError:
            print("make a new client")
    """

    code = -112


class ForkedError(ClosedError):
    """The client belongs to the process that this one was forked from. Make a new one here.

    Example:
        if os.fork() == 0:
            with zkeeper.Client("localhost") as zk:  # the parent's client raises ForkedError in the child
                zk.get("/a")
    """


class FrameTooLongError(BadArgumentsError):
    """A request is longer than the server takes (`jute.maxbuffer`), or a reply than the client does.

    Example:
        try:
            await zk.set("/a", bytes(2_000_000))
        except zkeeper.errors.FrameTooLongError:
            print("raise jute.maxbuffer at the servers and max_frame_bytes here, or store less")
    """


class TransactionFailed(ZooKeeperError):
    """A transaction of which one operation failed; nothing of it was applied.

    `index` is the operation's place, counted from 0, and `operation` what it was: "create", "set", "delete" or "check".
    `errors` has one for each operation: the one that failed has its own, those after it `RuntimeInconsistencyError`,
    those before it None. `code` and `path` are of the one that failed.

    Example:
        try:
            await zk.transaction().check("/lock", 3).set("/state", b"x").commit()
        except zkeeper.TransactionFailed as failed:
            print(failed.operation, failed.path, failed.errors[failed.index])
    """

    operation: str = ""

    def __init__(self, index: int, errors: "list[ZooKeeperError | None]") -> None:
        failed = errors[index]
        super().__init__(f"operation {index} failed: {type(failed).__name__}")
        self.index = index
        self.errors = errors
        if failed is not None:
            self.code = failed.code
            self.path = failed.path

    def locate(self, operations: "Sequence[tuple[str, str]]") -> None:
        """Says what the operations were: the name and the path of each. Servers tell numbers only.

        Example:
            try:
                await transaction.commit()
            except zkeeper.TransactionFailed as failed:
                failed.locate([("check", "/lock"), ("set", "/state")])  # done already by this client's transactions
        """
        for error, (name, path) in zip(self.errors, operations, strict=True):
            if error is not None:
                tell_path(error, path, name == "create")
        self.operation, self.path = operations[self.index]
        kind = type(self.errors[self.index]).__name__
        place = f"operation {self.index} of {len(operations)}"
        self.args = (f"{self.operation} of {self.path} ({place}, counted from 0) failed: {kind}",)


class DecodeError(Exception):
    """Bytes that do not decode: a length out of range, an unknown type, a null where a value is needed.

    Example:
        from zkeeper.wire.jute import Reader

        try:
            Reader(b"\\x7f\\xff\\xff\\xff").buffer()
        except zkeeper.errors.DecodeError as error:
            print(error)  # a field claims 2147483647 bytes; at most 2097150 are allowed
    """


class EndOfDataError(DecodeError):
    """The bytes ended before the value did: a frame or a file was cut off.

    Example:
        from zkeeper.wire.jute import Reader

        try:
            Reader(b"\\x00").int32()
        except zkeeper.errors.EndOfDataError:
            print("four bytes were wanted, there is one")
    """


class StorageError(Exception):
    """The data directory cannot be read or written safely; the message says which file, why, and what to do.

    Example:
        try:
            server = zkeeper.testing.Server(data_dir="/data/zk").start()
        except zkeeper.errors.StorageError as error:
            print(error)  # which file, why, and what to do
    """


class CorruptionError(StorageError):
    """A file holds what no server can have meant to write.

    Example:
        try:
            server = zkeeper.testing.Server(data_dir="/data/zk").start()
        except zkeeper.errors.CorruptionError as error:
            print("restore the data directory:", error)
    """


PASSING: Final = (ConnectionLossError, OperationTimeoutError, SessionMovedError, ThrottledOpError)
"""Errors that say nothing about the request: it may be sent again if it may be done twice."""


def _own_codes() -> dict[int, type[ZooKeeperError]]:
    local = (UnknownCodeError, ClosedError, TransactionFailed)
    return {one.code: one for one in ZooKeeperError.__subclasses__() if one not in local}


BY_CODE: Final = _own_codes()


NO_CHROOT: Final = 'the chroot of the client does not exist; ensure_path("/") creates it'


def tell_path(error: ZooKeeperError, path: str | None, is_create: bool = False) -> None:
    """Says of a server's error which path the request was about.

    Example:
        error = zkeeper.errors.NoNodeError()
        zkeeper.errors.tell_path(error, "/a")
        assert (error.path, str(error).partition(":")[0]) == ("/a", "/a")
    """
    meaning = error.meaning
    # The root always exists, unless it is a client's own one.
    if error.code == NoNodeError.code and path and (path == "/" or (is_create and path.rfind("/") == 0)):
        meaning = NO_CHROOT
    error.path, error.args = path, (f"{path}: {meaning}" if path else meaning,)


def error_of(code: int, path: str | None = None, is_create: bool = False) -> ZooKeeperError:
    """The error that a server means by `code`, for a request about `path`.

    Example:
        assert isinstance(zkeeper.errors.error_of(-101, "/a"), zkeeper.errors.NoNodeError)
    """
    kind = BY_CODE.get(code)
    if kind is None:
        error: ZooKeeperError = UnknownCodeError()
        error.code, error.meaning = code, f"the server answered the error {code}, which this version does not know"
    else:
        error = kind()
    tell_path(error, path, is_create)
    return error
