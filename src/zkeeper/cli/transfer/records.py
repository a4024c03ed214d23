"""One znode on its way between servers and files. Pure."""

import base64
import binascii
from typing import Final, NamedTuple

from zkeeper.cli.shell.acl_texts import acl_text, read_acl
from zkeeper.values import Acl

ROOT: Final = "/"


class Record(NamedTuple):
    """`path` is relative to the subtree's root, which is `/` itself. None is null data."""

    path: str
    data: bytes | None
    acl: tuple[Acl, ...]
    is_ephemeral: bool = False


class RecordError(Exception):
    """A record in a file that means nothing."""


def record_values(record: Record) -> dict[str, object]:
    """For JSON: data is text if it is UTF-8, else base64 with an `encoding` that says so; null data is null."""
    values: dict[str, object] = {"path": record.path, **_data_values(record.data)}
    values["acl"] = [acl_text(one) for one in record.acl]
    if record.is_ephemeral:
        values["ephemeral"] = True
    return values


def _data_values(data: bytes | None) -> dict[str, object]:
    if data is None:
        return {"data": None}
    try:
        return {"data": data.decode()}
    except UnicodeDecodeError:
        return {"data": base64.b64encode(data).decode(), "encoding": "base64"}


def read_record(values: object) -> Record:
    """The other way round. Raises `RecordError`."""
    if not isinstance(values, dict) or not isinstance(values.get("path"), str):
        raise RecordError("a znode without a path")
    path = values["path"]
    if not path.startswith(ROOT):
        raise RecordError(f"{path}: the path of a znode begins with a slash")
    return Record(path, _read_data(path, values), _read_acl(path, values.get("acl")), values.get("ephemeral") is True)


def _read_data(path: str, values: dict[str, object]) -> bytes | None:
    data, encoding = values.get("data"), values.get("encoding", "utf-8")
    if data is None:
        return None
    if not isinstance(data, str) or encoding not in ("utf-8", "base64"):
        raise RecordError(f"{path}: data has to be text, its encoding utf-8 or base64")
    try:
        return data.encode() if encoding == "utf-8" else base64.b64decode(data, validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise RecordError(f"{path}: {error}") from None


def _read_acl(path: str, items: object) -> tuple[Acl, ...]:
    if not isinstance(items, list) or not items:
        raise RecordError(f"{path}: there is no ACL")
    read = read_acl(",".join(map(str, items)))
    if read.complaints:
        raise RecordError(f"{path}: {read.complaints[0]}")
    return tuple(read.acl)
