"""What goes wrong in the blocking client only."""

from zkeeper.errors import OperationTimeoutError


class CallTimeoutError(OperationTimeoutError, TimeoutError):
    """A call took longer than its `timeout_s`. The client can be used as before; the late reply is dropped.

    A write may have happened or may still happen: its outcome is UNKNOWN.

    Example:
        try:
            zk.get("/a", timeout_s=2.5)
        except TimeoutError:
            print("the servers are slow, or away")
    """
