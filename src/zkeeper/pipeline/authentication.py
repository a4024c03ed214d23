"""auth and sasl packets: out of the order of other requests, by ZooKeeper's own rules.

A packet that does not decode, and one that authenticates nobody by a scheme, ends the connection. So does one that
would give it more than `MAX_CREDENTIALS`, or more than `MAX_CREDENTIALS_BYTES` of them: every check of an ACL looks at
all of them.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from zkeeper.database.acls import Identity
from zkeeper.errors import OK, AuthFailedError, DecodeError
from zkeeper.wire.jute import Reader, write_buffer

if TYPE_CHECKING:
    from zkeeper.pipeline.link import ClientLink

MAX_CREDENTIALS: Final = 128
MAX_CREDENTIALS_BYTES: Final = 1 << 16


def answer_auth(link: "ClientLink", xid: i64, reader: Reader) -> None:
    """Adds what the packet earns to the credentials of the connection."""
    service = link.service
    try:
        reader.int32()
        scheme = reader.buffer()
        auth = reader.buffer()
    except DecodeError:
        service.tell(f"connection from {link.peer}: an auth packet does not decode; closed")
        link.close()
        return
    earned = service.auth.authenticate(scheme, auth, link.address)
    if earned is None:
        service.stats.auth_failed += 1
        service.tell(f"connection from {link.peer}: authentication by scheme {scheme!r} failed; closed")
        link.reply_now(xid, 0, AuthFailedError.code)
        link.close()
        return
    for identity in earned:
        if identity not in link.credentials:
            link.credentials.append(identity)
    if _are_too_many(link.credentials):
        service.tell(
            f"connection from {link.peer}: more than {MAX_CREDENTIALS} credentials, or more than "
            f"{MAX_CREDENTIALS_BYTES} bytes of them; closed"
        )
        link.close()
        return
    link.reply_now(xid, 0, OK)


def _are_too_many(credentials: list[Identity]) -> bool:
    return (
        len(credentials) > MAX_CREDENTIALS
        or sum([len(identity) for _, identity in credentials]) > MAX_CREDENTIALS_BYTES
    )


def answer_sasl(link: "ClientLink", xid: i64, reader: Reader) -> None:
    """Without a SASL configuration Java answers a null token and authenticates nobody."""
    try:
        reader.need_buffer()
    except DecodeError:
        link.service.tell(f"connection from {link.peer}: a sasl packet does not decode; closed")
        link.close()
        return
    start = link.replies.begin(xid, 0, OK)
    write_buffer(link.replies.out, None)
    link.replies.end_aside(start)
