"""What the tests of the semantics' corner cases share. Their numbers are those of the list that the specification ends
with. Not there: 44 (a limit of the listener), 45 and 46 (ensembles).
"""

import raw_wire as raw
from pipeline_harness import Client, Server

from zkeeper.database.auth import AuthRules

SUPER = AuthRules(super_digest=b"super:xQJmxLMiHGwaqBvst5y6rkB6HQs=")
NOBODY: list[raw.RawEntry] = [(31, b"ip", b"10.9.9.9")]


def new_client() -> Client:
    return Server().connect()


def create_err(client: Client, path: bytes | None, flags: int = 0, entries: list[raw.RawEntry] | None = None) -> int:
    return client.call(raw.CREATE, raw.create(path, b"", flags, entries or raw.OPEN)).err


def get_err(client: Client, path: bytes) -> int:
    return client.call(raw.GET_DATA, raw.read(path)).err


def watch(client: Client, op: int, path: bytes) -> int:
    return client.call(op, raw.read(path, True)).err
