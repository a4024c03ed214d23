"""What a run says: a difference in full, and the summary."""

import json
import pathlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from . import codec
from .lockstep import Difference, Tally
from .normal import ENDS_WITH_STAT
from .side import Item
from .steps import Step, describe, from_json, to_json

_SHOWN_BYTES = 400
_SHOWN_DIFFERENCES = 5
_EVENT_TYPES = {1: "NodeCreated", 2: "NodeDeleted", 3: "NodeDataChanged", 4: "NodeChildrenChanged"}


def difference_lines(differences: Sequence[Difference]) -> list[str]:
    """The differences after one step: the step, then both items of each, decoded and in hex."""
    lines = describe(differences[0].step) if differences else []
    for difference in differences[:_SHOWN_DIFFERENCES]:
        lines.append(f"item {difference.position} on connection {difference.slot}:")
        lines += [*_item_lines("left ", difference.left), *_item_lines("right", difference.right)]
    return lines


def summary_lines(tally: Tally, differences: int, seconds: float) -> list[str]:
    """The run in a few lines; the last one is the verdict."""
    return [
        f"replies per operation: {_counts(tally.operations)}",
        f"replies per error code: {_counts(Counter({str(code): n for code, n in tally.errors.items()}))}",
        f"seen: {_counts(tally.kinds)}",
        f"{tally.requests} requests in {tally.steps} steps, {seconds:.1f} s, "
        f"{tally.requests / max(seconds, 0.001):.0f}/s: {differences} differences",
    ]


def write_replay(path: pathlib.Path, profile: str, seed: str, steps: Sequence[Step]) -> None:
    """Write the steps of one epoch, from fresh servers to the difference."""
    plain: dict[str, Any] = {"profile": profile, "seed": seed, "steps": [to_json(step) for step in steps]}
    path.write_text(json.dumps(plain, indent=0))


def read_replay(path: pathlib.Path) -> tuple[str, list[Step]]:
    """The profile and the steps of a replay file."""
    plain = json.loads(path.read_text())
    return plain["profile"], [from_json(step) for step in plain["steps"]]


def _item_lines(name: str, item: Item | None) -> list[str]:
    if item is None:
        return [f"  {name}: nothing"]
    asked = f" to {item.request}" if item.request is not None else ""
    lines = [f"  {name}: {item.kind}{asked}: {_decoded(item)}", f"         {item.raw[:_SHOWN_BYTES].hex()}"]
    return lines if item.shown == item.raw else [*lines, f"         compared as {item.shown[:_SHOWN_BYTES].hex()}"]


def _decoded(item: Item) -> str:
    if item.kind not in ("reply", "event") or len(item.raw) < codec.REPLY_HEADER.size:
        return repr(item.raw[:_SHOWN_BYTES])
    xid, zxid, error = codec.REPLY_HEADER.unpack_from(item.raw)
    body = item.raw[codec.REPLY_HEADER.size :]
    if item.kind == "event":
        kind = int.from_bytes(body[:4], "big")
        return f"zxid {zxid:#x} {_EVENT_TYPES.get(kind, kind)} {body[12:].decode('utf-8', 'replace')!r}"
    return f"xid {xid} zxid {zxid:#x} err {error} {_body(item, body)}"


def _body(item: Item, body: bytes) -> str:
    op = item.request.op if item.request is not None else codec.NOTIFICATION
    if op in ENDS_WITH_STAT and len(body) >= codec.STAT.size:
        stat = codec.STAT.unpack(body[-codec.STAT.size :])
        return f"{body[: -codec.STAT.size][:_SHOWN_BYTES]!r} Stat{stat}"
    return repr(body[:_SHOWN_BYTES])


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())
