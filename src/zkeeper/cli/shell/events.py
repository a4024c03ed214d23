"""Watch events and changes of the session's state, on their way to the report.

1. One change is told once, however many watches of this shell it fires: the same event again in the same turn of the
   loop is another watch's.
2. `printwatches off` holds all of them back, as in zkCli.
"""

import asyncio
from contextlib import suppress
from typing import Final

from zkeeper.cli.shell.reports import Event, Report
from zkeeper.values import EventType, SessionState, WatchEvent

_TYPES: Final = {
    EventType.CREATED: "NodeCreated",
    EventType.DELETED: "NodeDeleted",
    EventType.DATA_CHANGED: "NodeDataChanged",
    EventType.CHILDREN_CHANGED: "NodeChildrenChanged",
    EventType.DATA_WATCH_REMOVED: "DataWatchRemoved",
    EventType.CHILD_WATCH_REMOVED: "ChildWatchRemoved",
    EventType.PERSISTENT_WATCH_REMOVED: "PersistentWatchRemoved",
}
_STATES: Final = {
    SessionState.CONNECTED: "SyncConnected",
    SessionState.CONNECTED_READ_ONLY: "ConnectedReadOnly",
    SessionState.SUSPENDED: "Disconnected",
    SessionState.LOST: "Expired",
    SessionState.AUTH_FAILED: "AuthFailed",
    SessionState.CLOSED: "Closed",
}


class Events:
    """`tells_states`: whether changes of the state are told, too."""

    def __init__(self, report: Report, tells_states: bool) -> None:
        self.is_on = True
        self._report = report
        self._tells_states = tells_states
        self._state = "SyncConnected"
        self._of_this_turn: set[WatchEvent] = set()

    def on_watch(self, event: WatchEvent) -> None:
        """What the client is handed for every watch."""
        if event.type not in _TYPES or event in self._of_this_turn:
            return
        if not self._of_this_turn:
            asyncio.get_running_loop().call_soon(self._of_this_turn.clear)
        self._of_this_turn.add(event)
        self._tell(Event(self._state, _TYPES[event.type], event.path, event.zxid))

    def on_state(self, state: SessionState) -> None:
        name = _STATES.get(state)
        if name is None:
            return
        self._state = name
        if self._tells_states:
            self._tell(Event(name, "None", None, -1))

    def _tell(self, event: Event) -> None:
        if self.is_on:
            with suppress(
                BrokenPipeError
            ):  # The command that runs, or the next one, meets it, too, and ends the shell.
                self._report.event(event)
