"""What the shell says when a request failed: zkCli's sentence for each error code."""

from typing import Final

from zkeeper.errors import ConnectionLossError, FrameTooLongError, ZooKeeperError

_SENTENCES: Final = {
    -8: "Arguments are not valid : {path}",
    -13: (
        "No quorum of new config is connected and up-to-date with the leader of last committed config - try invoking "
        "reconfiguration after new servers are connected and synced"
    ),
    -14: "Another reconfiguration is in progress -- concurrent reconfigs not supported (yet)",
    -101: "Node does not exist: {path}",
    -102: "Insufficient permission : {path}",
    -103: "version No is not valid : {path}",
    -108: "Ephemerals cannot have children: {path}",
    -110: "Node already exists: {path}",
    -111: "Node not empty: {path}",
    -114: "Acl is not valid : {path}",
    -119: "Not a read-only call: {path}",
    -125: "Quota has exceeded : {path}",
}
_NAMES: Final = {
    -1: "SystemError",
    -2: "RuntimeInconsistency",
    -3: "DataInconsistency",
    -4: "ConnectionLoss",
    -5: "MarshallingError",
    -6: "Unimplemented",
    -7: "OperationTimeout",
    -8: "BadArguments",
    -13: "NewConfigNoQuorum",
    -14: "ReconfigInProgress",
    -100: "APIError",
    -101: "NoNode",
    -102: "NoAuth",
    -103: "BadVersion",
    -108: "NoChildrenForEphemerals",
    -110: "NodeExists",
    -111: "Directory not empty",
    -112: "Session expired",
    -113: "Invalid callback",
    -114: "InvalidACL",
    -115: "AuthFailed",
    -118: "Session moved",
    -119: "Not a read-only call",
    -120: "Ephemeral node on local session",
    -121: "No such watcher",
    -122: "Unknown error REQUESTTIMEOUT",
    -123: "Reconfig is disabled",
    -124: "Session closed because client failed to authenticate",
    -125: "Quota has exceeded",
    -127: "Op throttled due to high load",
}


def code_text(code: int, path: str | None) -> str:
    """`KeeperErrorCode = NoNode for /a`."""
    text = f"KeeperErrorCode = {_NAMES.get(code, code)}"
    return f"{text} for {path}" if path else text


def error_name(error: ZooKeeperError) -> str:
    """The name of an error for programs: that of its class in `zkeeper.errors`, without `Error`."""
    return type(error).__name__.removesuffix("Error")


def error_text(error: ZooKeeperError, path: str | None) -> str:
    """The sentence about a request of `path` that failed."""
    sentence = _SENTENCES.get(error.code)
    return code_text(error.code, path) if sentence is None else sentence.format(path=path or "")


def full_text(error: ZooKeeperError, path: str | None) -> str:
    """As `error_text`, but for what the client itself has noticed and no sentence of zkCli's tells."""
    if isinstance(error, (ConnectionLossError, FrameTooLongError)):
        return f"{error_name(error)}: {error}"
    return error_text(error, path)
