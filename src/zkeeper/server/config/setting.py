"""A setting declared where its value lives: a dataclass field that knows its key and how to read it.

The table of all keys that zkeeper serves is what the fields of the configuration's dataclasses say; there is no
second list to keep in step.
"""

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, replace
from enum import Enum
from typing import Any, ClassVar, Protocol, TypeVar

from zkeeper.server.config.messages import is_secret
from zkeeper.server.config.values import Reader

T = TypeVar("T")
_METADATA = "setting"


class Scope(Enum):
    """Where the Java server reads a key from; zkeeper reads from more places, and says so when one counts."""

    FILE = "zoo.cfg only"
    PROPERTY = "zoo.cfg, or -D with `zookeeper.` before the key"
    PREFIXED = "-D only, with `zookeeper.` before the key"
    PROCESS = "-D only, without it"


@dataclass(frozen=True)
class Setting:
    """A key of zoo.cfg; `is_family` makes it the start of many keys, whose values are gathered."""

    key: str
    read: Reader[Any]
    default: object
    scope: Scope
    derived: str
    is_family: bool
    name: str = ""

    def matches(self, key: str) -> bool:
        return key.startswith(self.key) if self.is_family else key == self.key


class SettingGroup(Protocol):
    """Any dataclass whose fields were made by `setting`."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def setting(key: str, read: Reader[T], default: T, *, scope: Scope = Scope.PROPERTY, derived: str = "") -> T:
    """A dataclass field that holds `key`. `derived` says what the default is made from when it is not fixed."""
    metadata = {_METADATA: Setting(key, read, default, scope, derived, False)}
    return field(default=default, repr=not is_secret(key), metadata=metadata)


def family(prefix: str, read: Reader[str], *, scope: Scope = Scope.PROPERTY) -> tuple[str, ...]:
    """A dataclass field that holds the values of all keys that start with `prefix`, in the order of the keys."""
    return field(default=(), metadata={_METADATA: Setting(prefix, read, (), scope, "", True)})


def settings_of(group: type[SettingGroup]) -> Iterator[Setting]:
    """The settings of a group in the order of its fields, each with its field's name."""
    for each in fields(group):
        declared: Setting = each.metadata[_METADATA]
        yield replace(declared, name=each.name)


def fill(group: SettingGroup, name: str, unset: object, value: object) -> None:
    """For `__post_init__`: gives a field that is still `unset` the value derived from the other fields."""
    if getattr(group, name) == unset:
        object.__setattr__(group, name, value)
