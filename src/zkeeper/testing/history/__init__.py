"""Histories: what clients asked and what they were told, and checks of what ZooKeeper promises about it.

    from zkeeper.testing.history import History, check, create, read, set_data, Seen

    history = History()
    call = history.invoke("session 1", create("/a", b"1"))
    ...                                             # send it; when the answer is there:
    history.ok(call, zxid=7)                        # or history.failed(call, code), or nothing: the outcome is unknown
    call = history.invoke("session 2", read("/a"), is_synced=True)
    history.ok(call, Seen(0, b"1", mzxid=7), zxid=7)
    check(history)                                  # raises HistoryViolation, which says what was wrong and where

`check` looks for all of these, each of which can be asked for alone:

1. `check_linearizable`: for each znode there is one order of its writes and synced reads that explains every answer and
   agrees with real time. A write whose outcome is unknown may have happened at any time after it was asked, or never.
2. `check_sessions`: the zxids that a session is told never fall.
3. `check_zxids`: the zxids of writes agree with real time, none is given to two writes, and every read shows the znode
   as it was at the zxid in its reply.
4. `check_watches`: an event is told before any reply that shows its change.
5. `check_acknowledged`, where the committed zxids are known: no write that was acknowledged is missing.

Nothing here is a server's or a client's code, and nothing is known of them but what the history has.
"""

from .acknowledged import check_acknowledged
from .linearizability import Undecided, check_linearizable
from .operations import (
    History,
    HistoryViolation,
    Kind,
    Operation,
    Outcome,
    Seen,
    Step,
    check_version,
    create,
    delete,
    read,
    set_data,
)
from .sessions import check_sessions
from .verdict import check
from .watches import check_watches
from .zxids import check_zxids

__all__ = [
    "History",
    "HistoryViolation",
    "Kind",
    "Operation",
    "Outcome",
    "Seen",
    "Step",
    "Undecided",
    "check",
    "check_acknowledged",
    "check_linearizable",
    "check_sessions",
    "check_version",
    "check_watches",
    "check_zxids",
    "create",
    "delete",
    "read",
    "set_data",
]
