"""A Stat as zkCli prints it, and the same values for programs."""

from datetime import datetime, tzinfo
from typing import Final

from zkeeper.values import Stat

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SIGN_BIT: Final = 1 << 64


def unsigned_hex(number: int) -> str:
    """`0x…` of a 64-bit number; session ids and the marks of TTL znodes may be negative."""
    return hex(number % _SIGN_BIT)


def java_date(time_ms: int, zone: tzinfo | None = None) -> str:
    """A time as Java writes it, in the local zone or in `zone`: `Sun Nov 22 15:09:26 UTC 2026`."""
    moment = datetime.fromtimestamp(time_ms / 1000, zone).astimezone(zone)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day} {month} {moment:%d %H:%M:%S %Z} {moment.year:04}"


def stat_lines(stat: Stat, zone: tzinfo | None = None) -> list[str]:
    """The eleven lines of zkCli's Stat block."""
    return [
        f"cZxid = {unsigned_hex(stat.czxid)}",
        f"ctime = {java_date(stat.ctime_ms, zone)}",
        f"mZxid = {unsigned_hex(stat.mzxid)}",
        f"mtime = {java_date(stat.mtime_ms, zone)}",
        f"pZxid = {unsigned_hex(stat.pzxid)}",
        f"cversion = {stat.cversion}",
        f"dataVersion = {stat.version}",
        f"aclVersion = {stat.aversion}",
        f"ephemeralOwner = {unsigned_hex(stat.ephemeral_owner)}",
        f"dataLength = {stat.data_length}",
        f"numChildren = {stat.num_children}",
    ]


def stat_values(stat: Stat) -> dict[str, str | int]:
    """For JSON. The 64-bit numbers are hexadecimal strings, because many readers of JSON round them."""
    values: dict[str, str | int] = dict(stat._asdict())
    for name in ("czxid", "mzxid", "pzxid", "ephemeral_owner"):
        values[name] = unsigned_hex(int(values[name]))
    return values
