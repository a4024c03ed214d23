"""Settings that are kept in a subtree, as a typed value that follows it."""

import dataclasses
import json
import types
import typing
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, TypeVar

from zkeeper import AsyncClient

from .caches import TreeCache
from .errors import RecipeError

S = TypeVar("S")

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


class SettingError(RecipeError, ValueError):
    """A setting is missing, or its text is not of its type; `path` says which.

    Example:
        if config.error is not None:
            print("not taken over:", config.error.path, config.error)
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class ConfigWatch(Generic[S]):
    """A dataclass whose fields are the children of a znode.

        @dataclass(frozen=True)
        class Settings:
            host: str                       # /config/host
            port: int = 5432                # /config/port; the default while it does not exist
            pool: Pool = Pool()             # a dataclass: /config/pool/...

        async with ConfigWatch(zk, "/config", Settings) as config:
            print(config.value.host)
            async for settings in config.changes():
                ...

    Fields are str, int, float, bool (true, yes, on, 1 and their contraries), bytes, dataclasses, `X | None`, and lists
    and dicts, which are JSON.

    Promises what a `TreeCache` does: after changes and reconnects `value` comes to be what the servers have. What is
    wrong is not taken over: `value` stays the last one that was right, and `error` says what is wrong. Several settings
    that belong together should be one znode, or be changed by one transaction and read back by `value` as they come:
    a value in between may be seen.
    """

    def __init__(self, zk: AsyncClient, path: str, settings: type[S]) -> None:
        self.path = path
        self.error: SettingError | None = None
        _check_class(settings)
        self._settings = settings
        self._cache = TreeCache(zk, path)
        self._value: S | None = None

    async def __aenter__(self) -> "ConfigWatch[S]":
        """Reads them. Raises `SettingError` if they are wrong from the beginning."""
        await self._cache.start()
        self._refresh()
        if self._value is None:
            await self._cache.close()
            assert self.error is not None
            raise self.error
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._cache.close()

    @property
    def value(self) -> S:
        """The settings: the newest that were right."""
        self._refresh()
        assert self._value is not None, "the settings are there inside `async with`"
        return self._value

    async def changes(self) -> AsyncIterator[S]:
        """Yields the settings now, and again whenever they have changed; those in quick succession as one."""
        told: S | None = None
        async for _ in self._cache.changes():
            if told is None or self.value != told:
                told = self.value
                yield told

    def _refresh(self) -> None:
        try:
            self._value = read_settings(self._settings, self._data_of, self.path)
            self.error = None
        except SettingError as error:
            self.error = error

    def _data_of(self, path: str) -> bytes | None:
        node = self._cache.get(path)
        return None if node is None else node.data


def _check_class(settings: object) -> None:
    if not (isinstance(settings, type) and dataclasses.is_dataclass(settings)):
        raise TypeError(f"the settings are a dataclass, the class itself, not {settings!r}")


def read_settings(settings: type[S], data_of: Callable[[str], bytes | None], path: str) -> S:
    """The settings as the znodes below `path` have them. Raises `SettingError`."""
    types_of = typing.get_type_hints(settings)
    values = {}
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]  # it is a dataclass, or this says so
        place = f"{path.rstrip('/')}/{field.name}"
        kind = types_of[field.name]
        if dataclasses.is_dataclass(kind):
            if data_of(place) is not None or not _has_default(field):
                values[field.name] = read_settings(typing.cast(type[Any], kind), data_of, place)
        elif (data := data_of(place)) is not None:
            values[field.name] = convert(place, data, kind)
        elif not _has_default(field):
            raise SettingError(place, "it does not exist, and has no default")
    try:
        return settings(**values)
    except (ValueError, TypeError) as error:
        raise SettingError(path, f"{settings.__name__} refuses what is there: {error}") from error


def convert(path: str, data: bytes, kind: Any) -> Any:
    """Bytes as a value of a type. Raises `SettingError`."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        kind = next(each for each in typing.get_args(kind) if each is not type(None))
    kind = typing.get_origin(kind) or kind
    if kind is bytes:
        return data
    try:
        return _converted(data.decode(), kind)
    except ValueError as error:
        raise SettingError(path, f"{data!r} is not of the type {kind.__name__}: {error}") from error


def _converted(text: str, kind: Any) -> Any:
    if kind is bool:
        if text.strip().lower() not in _TRUE | _FALSE:
            raise ValueError("write true or false")
        return text.strip().lower() in _TRUE
    if kind in (list, dict):
        value = json.loads(text)
        if not isinstance(value, kind):
            raise ValueError("other JSON was expected")
        return value
    return kind(text)


def _has_default(field: "dataclasses.Field[Any]") -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
