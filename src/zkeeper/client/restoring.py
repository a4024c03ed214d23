"""What a new connection begins with: credentials first, then watches, and only then what waits.

1. Persistent watches are told that events may be missing after they were sent, so that what is read then comes behind.
"""

from zkeeper.client.connection import Connection
from zkeeper.client.credentials import Credentials
from zkeeper.values import EventType
from zkeeper.wire import protocol
from zkeeper.wire.client_exchange import AUTH_XID, SET_WATCHES_XID, Exchange
from zkeeper.wire.client_requests import auth_body, set_watches_bodies
from zkeeper.wire.client_watches import PERSISTENT


def restore(connection: Connection, exchange: Exchange, credentials: Credentials, lacks_persistent: bool) -> None:
    """`lacks_persistent`: the servers know one-shot watches only."""
    for scheme, credential in credentials.send_all():
        connection.send_special(AUTH_XID, protocol.AUTH, auth_body(scheme, credential))
    watched = exchange.watches.paths()
    if lacks_persistent:
        watched = watched[:PERSISTENT]
    for op, body in set_watches_bodies(exchange.last_zxid, watched):
        connection.send_special(SET_WATCHES_XID, op, body)
    if not lacks_persistent:
        for path, watcher in exchange.watches.persistent():
            exchange.tell(watcher, EventType.NONE, path)
