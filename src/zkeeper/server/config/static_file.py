"""zoo.cfg, rewritten to name the dynamic file (quorum, section 2.3).

Only the lines go whose settings moved; all else stays as it was, with comments and order, unlike with Java.
"""

from zkeeper.quorum.membership import Member
from zkeeper.server.config.other_keys import is_member_key
from zkeeper.wire.properties import natural_lines, parse_properties

_MOVED = ("dynamicConfigFile", "peerType")
_CLIENT = ("clientPort", "clientPortAddress")
_SECURE_CLIENT = ("secureClientPort", "secureClientPortAddress")


def pointing_to(static: bytes, dynamic_file: str, me: Member | None) -> bytes:
    """`static` with the members in `dynamic_file`, of whom this server is `me`, if it is one of them.

    A client address that is in the own line goes, too, since there may be but one.
    """
    gone = set(_MOVED)
    if me is not None and me.client is not None:
        gone.update(_CLIENT)
    if me is not None and me.secure_client is not None:
        gone.update(_SECURE_CLIENT)
    kept = _without(static, gone)
    return kept + _line_end(kept) + b"dynamicConfigFile=" + _escaped(dynamic_file) + b"\n"


def _without(static: bytes, gone: set[str]) -> bytes:
    lines = natural_lines(static.decode("iso-8859-1"))
    for each in parse_properties(static):
        if each.key in gone or is_member_key(each.key):
            lines[each.line - 1 : each.last_line] = [""] * (each.last_line - each.line + 1)
    return "".join(lines).encode("iso-8859-1")


def _line_end(kept: bytes) -> bytes:
    """What ends the last line: an empty one, if its backslash would take in the next."""
    if kept.rstrip(b"\r\n").endswith(b"\\"):
        return b"\n\n"
    return b"" if kept.endswith((b"\n", b"\r")) or not kept else b"\n"


def _escaped(value: str) -> bytes:
    """A value as the syntax of properties has it."""
    return b"".join(_escaped_unit(value, at) for at in range(len(value)))


def _escaped_unit(value: str, at: int) -> bytes:
    character = value[at]
    if character == "\\" or (character == " " and at == 0):
        return b"\\" + character.encode()
    if " " <= character <= "~":
        return character.encode()
    units = character.encode("utf-16-be", "surrogatepass")
    return b"".join(b"\\u%04x" % int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
