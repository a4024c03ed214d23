"""What the fuzzer starts from: captured frames, requests of every kind, and files that the Java server wrote."""

import struct
from pathlib import Path

import raw_wire as raw

GOLDEN = Path(__file__).parents[1] / "golden"
MOST_FILE_BYTES = 20_000


def captured_payloads() -> list[bytes]:
    """What clients sent in the captured conversation, without the lengths."""
    payloads, sent, is_client = [], "", False
    for line in [*(GOLDEN / "captured_frames.txt").read_text().splitlines(), ""]:
        word, _, rest = line.partition(" ")
        is_client = word == "C>" or (is_client and word == "" and bool(rest))
        if is_client:
            sent += rest.replace(" ", "")
        elif sent:
            payloads += raw.split(bytes.fromhex(sent))
            sent = ""
    return payloads


def is_connect(payload: bytes) -> bool:
    return payload.startswith(bytes(4)) and len(payload) >= 44


OPS = [
    (raw.CREATE, raw.create(b"/a", b"x")), (raw.CREATE, raw.create(b"/a/e", None, 1)),
    (raw.CREATE2, raw.create(b"/a/s-", b"", 2)), (raw.DELETE, raw.versioned(b"/a/b")),
    (raw.SET_DATA, raw.set_data(b"/a", b"y" * 20)), (raw.CHECK, raw.versioned(b"/a", 0)),
    (raw.CREATE_CONTAINER, raw.create(b"/c", b"", 4)), (raw.CREATE_TTL, raw.create(b"/t", b"", 5, ttl_ms=1000)),
]  # fmt: skip
LIST_OPS = [
    *OPS, (raw.CREATE, raw.create(b"/a/n", None, entries=None)), (raw.CREATE2, raw.create(None)),
    (raw.SET_DATA, raw.set_data(None, None)), (raw.GET_DATA, raw.read(b"/a")), (raw.GET_CHILDREN, raw.read(b"/")),
    (raw.GET_DATA, raw.read(None)),
]  # fmt: skip
WRITES = [
    (raw.SET_DATA, raw.set_data(b"/", b"")), (raw.CREATE, raw.create(b"/a", b"x")),
    (raw.CREATE2, raw.create(b"/s-", b"", 2)), (raw.MULTI, raw.multi(*OPS[:2])),
]  # fmt: skip
QUOTA = b"/zookeeper/quota"
REQUESTS = [
    *OPS,
    (raw.CREATE, raw.create(QUOTA + b"/a")),
    (raw.CREATE, raw.create(QUOTA + b"/a/zookeeper_limits", b"count=9,bytes=-1=;byteHardLimit=100;countHardLimit=50")),
    (raw.CREATE, raw.create(QUOTA + b"/a/zookeeper_stats", b"")),
    (raw.SET_DATA, raw.set_data(QUOTA + b"/a/zookeeper_stats", b"count=1,bytes=2")),
    (raw.SET_DATA, raw.set_data(QUOTA + b"/a/zookeeper_limits", b"count=1,bytes=2")),
    (raw.SET_ACL, raw.set_acl(b"/a", [(31, b"auth", b""), (1, b"ip", b"10.0.0.0/8"), (3, b"digest", b"a:b")])),
    (raw.MULTI, raw.multi(*OPS)), (raw.MULTI, raw.multi(*OPS[:2])),
    (raw.MULTI_READ, raw.multi((raw.GET_DATA, raw.read(b"/a")), (raw.GET_CHILDREN, raw.read(b"/")))),
    (raw.GET_ACL, raw.buffer(b"/a")), (raw.EXISTS, raw.read(b"/a", True)), (raw.GET_DATA, raw.read(b"/a", True)),
    (raw.GET_CHILDREN, raw.read(b"/a", True)), (raw.GET_CHILDREN2, raw.read(b"/", True)),
    (raw.SYNC, raw.buffer("/\U0001f600".encode())), (raw.ADD_WATCH, raw.versioned(b"/a", 1)),
    (raw.ADD_WATCH, raw.versioned(b"/", 0)), (raw.REMOVE_WATCHES, raw.versioned(b"/a", 3)),
    (raw.CHECK_WATCHES, raw.versioned(b"/a", 5)), (raw.GET_EPHEMERALS, raw.buffer(b"/a")),
    (raw.GET_ALL_CHILDREN_NUMBER, raw.buffer(b"/")), (raw.WHO_AM_I, b""), (raw.SASL, raw.buffer(b"token")),
    (raw.AUTH, raw.auth(b"digest", b"bob:secret")), (raw.AUTH, raw.auth(b"ip", b"")),
    (raw.SET_WATCHES, raw.set_watches(3, [b"/a"], [b"/b"], [b"/"])),
    (raw.SET_WATCHES2, raw.set_watches(3, [b"/a"], [b"/b"], [b"/"], [b"/a"], [b"/"])),
    (raw.RECONFIG, raw.buffer(b"1") + raw.buffer(None) + raw.buffer(b"") + raw.i64(-1)), (raw.PING, b""),
]  # fmt: skip


def request_payloads() -> list[bytes]:
    captured = [payload for payload in captured_payloads() if not is_connect(payload)]
    return captured + [struct.pack(">ii", at + 1, op) + body for at, (op, body) in enumerate(REQUESTS)]


def write_payloads() -> list[bytes]:
    return [struct.pack(">ii", at + 1, op) + body for at, (op, body) in enumerate(WRITES)]


def connect_payloads() -> list[bytes]:
    return [payload for payload in captured_payloads() if is_connect(payload)]


def _vector(name: str) -> bytes:
    lines = (GOLDEN / "vectors" / f"{name}.hex").read_text().splitlines()
    return bytes.fromhex("".join(line.split(": ")[1] for line in lines))


def logs() -> list[bytes]:
    """Logs without their padding, small enough to be read thousands of times a second."""
    files = sorted(GOLDEN.glob("datadirs/*/data/version-2/log.*"))
    stripped = [path.read_bytes().rstrip(b"\0") for path in files]
    return [_vector("log.1"), _vector("log.c"), *[data for data in stripped if len(data) <= MOST_FILE_BYTES]]


def snapshots() -> list[tuple[str, bytes]]:
    """Name and content; plain and compressed."""
    files = sorted(GOLDEN.glob("datadirs/*/data/version-2/snapshot.*"))
    found = [(path.name, path.read_bytes()) for path in files]
    return [("snapshot.11", _vector("snapshot.11")), *[pair for pair in found if len(pair[1]) <= MOST_FILE_BYTES]]


def log_payloads() -> list[bytes]:
    """The transactions in the logs."""
    payloads = []
    for data in logs():
        at = 16
        while at + 13 <= len(data):
            size = struct.unpack_from(">i", data, at + 8)[0]
            payloads.append(data[at + 12 : at + 12 + size])
            at += 13 + size
    return payloads
