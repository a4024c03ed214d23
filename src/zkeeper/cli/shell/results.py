"""What commands give: values without any form. The reports give them one.

1. A result says what was found, not how it looks; every report knows every kind.
2. `Said` is for the few sentences that are zkCli's own output; its `values` are the same for programs.
"""

import enum
from typing import NamedTuple

from zkeeper.values import Acl, Stat


class DataForm(enum.Enum):
    """How `get` was asked to show data."""

    TEXT = "text"
    BASE64 = "base64"
    HEX = "hex"


class Names(NamedTuple):
    """Children, or paths of ephemerals, in the order to show."""

    names: list[str]


class Path(NamedTuple):
    """One line of a recursive listing."""

    path: str


class Data(NamedTuple):
    """Data of a znode; None is null data."""

    data: bytes | None
    form: DataForm = DataForm.TEXT


class CreatedPath(NamedTuple):
    path: str


class StatOf(NamedTuple):
    stat: Stat


class AclOf(NamedTuple):
    acl: list[Acl]


class Identities(NamedTuple):
    """Pairs of scheme and user."""

    identities: list[tuple[str, str]]


class Count(NamedTuple):
    number: int


class Quota(NamedTuple):
    """Texts of limits and usage as they are kept."""

    path: str
    limits: str
    usage: str


class Configuration(NamedTuple):
    text: str
    is_new: bool = False


class ClientAddresses(NamedTuple):
    """Version of the configuration in hexadecimal, and where clients connect."""

    version: str
    addresses: list[str]


class History(NamedTuple):
    """Pairs of number and line."""

    lines: list[tuple[int, str]]


class Help(NamedTuple):
    """Names of commands to explain; all when there are none."""

    names: list[str]


class Said(NamedTuple):
    """A sentence for people, and the values in it for programs."""

    text: str
    values: dict[str, object]
    is_error_stream: bool = False
    ends_line: bool = True


Result = (
    Names
    | Path
    | Data
    | CreatedPath
    | StatOf
    | AclOf
    | Identities
    | Count
    | Quota
    | Configuration
    | ClientAddresses
    | History
    | Help
    | Said
)
