"""What is registered about a service, in the JSON of Curator's service discovery."""

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from zkeeper.arguments import text, whole_number

MAX_PORT: Final = 65535


class ServiceType(enum.StrEnum):
    """How long a registration lasts: DYNAMIC as long as the session; the others until they are unregistered.

    Example:
        ServiceInstance("shop", address="10.0.0.1", type=ServiceType.STATIC)
    """

    DYNAMIC = "DYNAMIC"
    STATIC = "STATIC"
    PERMANENT = "PERMANENT"
    DYNAMIC_SEQUENTIAL = "DYNAMIC_SEQUENTIAL"
    """Is understood when read; register DYNAMIC with an id of its own instead."""


@dataclass(frozen=True, slots=True)
class ServiceInstance:
    """One instance of a service. `id` is unique among those of one name; an empty one is chosen when it is registered.

    `payload` is anything that JSON can say; Java takes an object only if it has `"@class"`. `registered_at_ms` is in ms
    since 1970, for people. `uri_spec` is text with variables in braces: `{scheme}://{address}:{port}`.

    Example:
        shop = ServiceInstance("shop", address="10.0.0.1", port=8080, uri_spec="{scheme}://{address}:{port}")
        assert shop.uri() == "http://10.0.0.1:8080"
    """

    name: str
    id: str = ""
    address: str | None = None
    port: int | None = None
    ssl_port: int | None = None
    payload: Any = None
    registered_at_ms: int = 0
    type: ServiceType = ServiceType.DYNAMIC
    uri_spec: str | None = None
    enabled: bool = True

    def uri(self, variables: Mapping[str, object] | None = None) -> str:
        """`uri_spec` with the instance's own fields, and the given variables, put in; unknown ones are left out."""
        known = {
            "scheme": "http" if self.ssl_port is None else "https", "name": self.name, "id": self.id,
            "address": self.address or "", "port": "" if self.port is None else self.port,
            "ssl-port": "" if self.ssl_port is None else self.ssl_port, "registration-time-utc": self.registered_at_ms,
            "service-type": self.type.lower(), "[": "{", "]": "}", **(variables or {}),
        }  # fmt: skip
        parts = _parts(self.uri_spec or "")
        return "".join(str(known.get(part["value"], "")) if part["variable"] else part["value"] for part in parts)


def check(instance: ServiceInstance) -> None:
    """Raises `TypeError` or `BadArgumentsError` for what others could not read, but for name and id."""
    if not isinstance(instance, ServiceInstance):
        raise TypeError(f"a service has ServiceInstances, not {instance!r}")
    for what, value in (("address", instance.address), ("uri_spec", instance.uri_spec)):
        if value is not None:
            text(what, value)
    for what, port in (("port", instance.port), ("ssl_port", instance.ssl_port)):
        if port is not None:
            whole_number(what, port, 0, MAX_PORT)


def encode(instance: ServiceInstance) -> bytes:
    """As Curator writes it. `enabled` is written only when it is false: older readers refuse what they do not know."""
    record: dict[str, object] = {
        "name": instance.name, "id": instance.id, "address": instance.address, "port": instance.port,
        "sslPort": instance.ssl_port, "payload": instance.payload, "registrationTimeUTC": instance.registered_at_ms,
        "serviceType": instance.type.value,
        "uriSpec": None if instance.uri_spec is None else {"parts": _parts(instance.uri_spec)},
    }  # fmt: skip
    if not instance.enabled:
        record["enabled"] = False
    return json.dumps(record, separators=(",", ":")).encode()


def decode(data: bytes) -> ServiceInstance:
    """Raises `ValueError` for what is not such a record. Fields that are unknown are left out."""
    record = json.loads(data)
    try:
        return ServiceInstance(
            name=record["name"], id=record["id"], address=record.get("address"), port=record.get("port"),
            ssl_port=record.get("sslPort"), payload=record.get("payload"),
            registered_at_ms=record.get("registrationTimeUTC") or 0,
            type=ServiceType(record.get("serviceType") or "DYNAMIC"), uri_spec=_spec(record.get("uriSpec")),
            enabled=record.get("enabled", True),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an instance of a service: {error!r}") from error


def _parts(spec: str) -> list[dict[str, Any]]:
    """Text and variables in turn: what is in braces is a variable."""
    parts: list[dict[str, Any]] = []
    rest = spec
    while rest:
        text, brace, rest = rest.partition("{")
        if text:
            parts.append({"value": text, "variable": False})
        if brace:
            variable, closing, rest = rest.partition("}")
            if not closing or "{" in variable:
                raise ValueError(f"a brace is not closed in {spec!r}")
            parts.append({"value": variable.strip(), "variable": True})
    return parts


def _spec(written: Any) -> str | None:
    if written is None:
        return None
    return "".join(f"{{{part['value']}}}" if part["variable"] else part["value"] for part in written["parts"])
