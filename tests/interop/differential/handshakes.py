"""Connect requests: the ones that make or resume a session, and the many that are refused or cut off."""

import random

from .codec import framed, i32
from .steps import Connect, Handshake
from .world import World

_TIMEOUTS_MS = (0, -1, 1, 10_000, 900_000, 1_000_000, 2**31 - 1, -(2**31))
_WORDS = (b"ruok", b"mntr", b"wchs", b"conf", b"envi", b"dump", b"crst", b"gtmk")
_NEVER_GIVEN = (0x0123456789ABCDEF, -1, -(2**63), 1)


def good_handshake(rng: random.Random, world: World) -> Handshake:
    """A new session, or one that lives: detached, or taken over from another connection."""
    session = None
    if world.alive and rng.random() < 0.35:
        session = rng.choice(sorted(world.alive))
    return Handshake(
        session=session,
        password="right" if session is not None else rng.choice(("right", "right", "null", "empty", "short", "long")),
        zxid_ahead=rng.choice((None, None, 0, -1, -5, -(2**40))),
        timeout_ms=rng.choice(_TIMEOUTS_MS),
        read_only=rng.choice((b"\x00", b"\x00", b"\x01", b"", b"\x02", b"\x00junk")),
        protocol_version=rng.choice((0, 0, 1, -1)),
    )


def bad_handshake(rng: random.Random, world: World, slot: int) -> Connect:
    """What makes no session: refusals, cut and oversize frames, four-letter words that are not enabled."""
    luck = rng.random()
    if luck < 0.2:
        return Connect(slot, Handshake(cut_at=rng.choice((0, 3, 4, 20, 27, 28, 30, 43))))
    if luck < 0.35:
        return Connect(slot, Handshake(zxid_ahead=rng.choice((1, 2, 2**32, 2**62))))
    if luck < 0.5:
        raw = (i32(0x100000), i32(-1), i32(0), b"abcd", framed(bytes(24) + i32(-2)), framed(bytes(24) + i32(1 << 30)))
        return Connect(slot, None, raw=rng.choice(raw))
    if luck < 0.6:
        return Connect(slot, None, raw=rng.choice(_WORDS))
    if luck < 0.7:
        return Connect(slot, Handshake(session_id=rng.choice(_NEVER_GIVEN)))
    if luck < 0.8 and world.closed:
        return Connect(slot, Handshake(session=rng.choice(sorted(world.closed))))
    session = rng.choice(sorted(world.alive)) if world.alive else None
    password = rng.choice(("wrong", "null", "empty", "short", "long"))
    return Connect(slot, Handshake(session=session, password=password, read_only=rng.choice((b"\x00", b""))))
