"""What a zxid says: the epoch of the leader that gave it, in the upper 32 bits, and its place in the epoch."""

from typing import Final

from mypy_extensions import i64

MAX_COUNTER: Final = 0xFFFFFFFF


def epoch_of(zxid: i64) -> i64:
    return zxid >> 32


def counter_of(zxid: i64) -> i64:
    """0 is no transaction, but the beginning of the epoch."""
    return zxid & MAX_COUNTER


def epoch_begin(epoch: i64) -> i64:
    """The zxid before the first transaction of the epoch."""
    return epoch << 32


def follows(zxid: i64, last_zxid: i64) -> bool:
    """Whether `zxid` may come right after `last_zxid`: the next of its epoch, or of a later epoch."""
    return zxid == last_zxid + 1 or zxid >> 32 > last_zxid >> 32


def epoch_begins_late(zxid: i64, last_zxid: i64) -> bool:
    """Whether a new epoch begins with another transaction than its first."""
    return zxid >> 32 > last_zxid >> 32 and zxid & MAX_COUNTER != 1


def txns_between(before: i64, until: i64) -> i64:
    """How many transactions lie behind `before`, up to `until`, which may be of the next epoch."""
    return until - before if before >> 32 == until >> 32 else until & MAX_COUNTER
